//! Starts: without any data, again on the same data, and two processes at once.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::Backend;
use harness::program::{Serving, command};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{Place, customer, names_in, operator, sign_in, two_customers, verifies};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn florin_alone_serves_a_new_bank() {
    let place = Place::new(Backend::Sqlite).await;
    let mut server = Serving::start(place.folder.path(), &[]).await;
    assert_eq!(names_in(place.folder.path()), ["data"]);
    let data = place.folder.path().join("data");
    let names = names_in(&data);
    assert!(
        ["florin.db", "signing.key", "journal.key"]
            .iter()
            .all(|file| names.iter().any(|name| name == file)),
        "{names:?}"
    );
    let strangers = names
        .iter()
        .filter(|name| !name.starts_with("florin.db") && *name != "signing.key" && *name != "journal.key");
    assert_eq!(strangers.count(), 0, "{names:?}");
    for file in ["signing.key", "journal.key"] {
        let metadata = fs::metadata(data.join(file)).expect("the key is there");
        assert_eq!(
            metadata.permissions().mode() & 0o777,
            0o600,
            "only the owner may read {file}"
        );
    }

    let welcome = server.stdout_with("--role operator").await;
    for word in [
        format!("http://{}/docs", server.address),
        "/v1/auth/register".to_owned(),
        " user create".to_owned(),
    ] {
        assert!(welcome.contains(&word), "{word} is missing:\n{welcome}");
    }
    let health = server.caller().get("/health").await.expect(200);
    assert_eq!(health["status"], "ok");
    server.caller().get("/docs").await.expect(200);
    let ana = customer(&server, "ana").await;
    assert_eq!(ana.balance().await, "0.0000");
    server.terminate().await;
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_name_every_worker() {
    let place = Place::new(Backend::Sqlite).await;
    let server = Serving::start(place.folder.path(), &[]).await;
    let metrics = server.caller().get("/metrics").await.text;
    for worker in [
        "committer",
        "statistics",
        "reports",
        "importer",
        "relay",
        "archiver",
        "sessions",
        "sessions_cleanup",
        "journal_keys",
        "api_keys",
        "one_time_cleanup",
        "erasures",
        "events",
        "webhooks",
        "webhook_leases",
        "webhooks_cleanup",
    ] {
        let line = format!("florin_worker_running{{worker=\"{worker}\"}} 1");
        assert!(
            metrics.lines().any(|found| found == line),
            "{line} is missing:\n{metrics}"
        );
    }
    let ready = server.caller().get("/readyz").await.expect(200);
    assert!(ready["detail"].is_null(), "{ready}");
    server.kill().await;
    place.remove().await;
}

/// The arguments and variables with which a server is started.
type Way<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

/// They work from another folder and without this environment, whatever flags and variables the server was started
/// with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_welcome_can_be_pasted() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let folder = place.folder.path();
        fs::create_dir(folder.join("it's my bank")).expect("a folder can be made");
        let ways: [Way; 5] = [
            (&[], &[]),
            (&["--data-dir", "it's my bank"], &[]),
            (
                &["serve", "--data-dir=x", "--log", "warn", "--signing-key-file", "k.key"],
                &[],
            ),
            (
                &[],
                &[("FLORIN_DATA_DIR", "from env"), ("FLORIN_LISTEN", "localhost:0")],
            ),
            (&["--database-url", "sqlite://below.db"], &[]),
        ];
        for (arguments, variables) in ways {
            if backend == Backend::Postgres && arguments.contains(&"--database-url") {
                continue;
            }
            let mut florin = command(folder).await;
            florin
                .env("FLORIN_LISTEN", "127.0.0.1:0")
                .args(place.arguments(arguments))
                .envs(variables.iter().copied());
            let mut server = Serving::spawn(florin).await;
            let welcome = server.stdout_with("--role operator").await;
            let commands: Vec<String> = welcome
                .replace(" \\\n", " ")
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("curl ") || line.contains(" user create "))
                .map(str::to_owned)
                .collect();
            assert_eq!(commands.len(), 2, "{welcome}");
            for pasted in &commands {
                let mut shell = Command::new("sh");
                shell.args(["-c", pasted]).current_dir(elsewhere.path());
                let output = shell.output().await.expect("a shell can be run");
                assert!(output.status.success(), "{pasted}: {output:?}");
            }
            sign_in(&server, "ana@example.com", "correct horse battery").await;
            let taken = json!({ "email": "op@example.com", "password": super::PASSWORD, "full_name": "Op" });
            server
                .caller()
                .post("/v1/auth/register", taken)
                .await
                .expect_problem(409, "email_taken");
            server.kill().await;
            if backend == Backend::Postgres {
                place
                    .tamper("UPDATE users SET email = email || id WHERE email = 'ana@example.com'")
                    .await;
                place
                    .tamper("UPDATE users SET email = email || id WHERE email = 'op@example.com'")
                    .await;
            }
        }
        place.remove().await;
    }
    assert_eq!(
        names_in(elsewhere.path()),
        Vec::<String>::new(),
        "no second bank was made there"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_balances_outlive_a_restart() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        let made = ana
            .caller
            .post_once("/v1/transfers", "k", ana.one_to(&ben))
            .await
            .expect(201);
        let token = ana.caller.token.clone().expect("a customer has a token");
        server.kill().await;

        let server = place.serve().await;
        let caller = server.caller().with_token(&token);
        let wallet = caller.get(&format!("/v1/wallets/{}", ana.wallet())).await.expect(200);
        assert_eq!(wallet["balance"], "9.0000");
        let again = caller.post_once("/v1/transfers", "k", ana.one_to(&ben)).await;
        assert_eq!(
            (again.status, again.header("idempotent-replayed"), &again.json),
            (201, "true", &made)
        );
        server.terminate().await;
        assert_eq!(server.ended().await.status, Some(0));
        verifies(&place).await;
        place.remove().await;
    }
}

/// Without the lock of migrations one of the two would fail because a table already exists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_start_at_once_on_an_empty_database() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        for _ in 0..3 {
            let place = Place::new(backend).await;
            let (one, other) = tokio::join!(place.serve(), place.serve());
            let ana = customer(&one, "ana").await;
            // Both processes use one key and one database, so either one accepts the other's tokens and users.
            let token = ana.caller.token.clone().expect("a customer has a token");
            other.caller().with_token(&token).get("/v1/users/me").await.expect(200);
            let body = json!({ "email": "ANA@example.com", "password": super::PASSWORD, "full_name": "Ana" });
            other
                .caller()
                .post("/v1/auth/register", body)
                .await
                .expect_problem(409, "email_taken");
            let status = place.run(&["migrate", "status"]).await;
            assert!(
                status.stdout.lines().all(|line| line.starts_with("applied ")),
                "{status:?}"
            );
            assert!(status.stdout.lines().count() >= 4, "{status:?}");
            for server in [one, other] {
                server.terminate().await;
                assert_eq!(server.ended().await.status, Some(0), "{backend:?}");
            }
            place.remove().await;
        }
    }
}

/// Two replicas move money between the same two wallets in both directions, and lose nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_wallets() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let (one, other) = (place.serve().await, place.serve().await);
        let (ana, ben) = two_customers(&place, &one, "100").await;
        let there = other
            .caller()
            .with_token(ana.caller.token.as_deref().expect("a customer has a token"));
        let (made_here, made_there) = tokio::join!(pay(&ana.caller, ana.one_to(&ben)), pay(&there, ana.one_to(&ben)));
        assert_eq!((made_here, made_there), (20, 20), "{backend:?}");
        assert_eq!(
            (ana.balance().await.as_str(), ben.balance().await.as_str()),
            ("60.0000", "40.0000"),
            "{backend:?}"
        );
        one.kill().await;
        other.kill().await;
        verifies(&place).await;
        place.remove().await;
    }
}

/// Makes twenty transfers and repeats each after a 503. The database is always there, so a 503 means that nothing
/// moved.
async fn pay(caller: &harness::Caller, body: serde_json::Value) -> usize {
    let (mut made, mut tries) = (0, 0);
    while made < 20 {
        tries += 1;
        assert!(tries < 2_000, "only {made} transfers of {tries}");
        let answer = caller.post("/v1/transfers", body.clone()).await;
        assert!(matches!(answer.status, 201 | 503), "{}", answer.text);
        made += usize::from(answer.status == 201);
    }
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_made_beside_the_server_signs_in_at_once() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let operator = operator(&place, &server).await;
        assert_eq!(operator.get("/v1/users/me").await.expect(200)["role"], "operator");
        let wrong = json!({ "email": "op@example.com", "password": super::PASSWORD });
        server
            .caller()
            .post("/v1/auth/login", wrong)
            .await
            .expect_problem(401, "invalid_credentials");
        customer(&server, "ana").await;
        sign_in(&server, "Ana@Example.com", super::PASSWORD).await;
        server.kill().await;
        place.remove().await;
    }
}

/// The settings in the lines that starts have left in the audit log.
async fn starts(place: &Place) -> Vec<Value> {
    let db = Database::connect(&place.url)
        .await
        .expect("the bank's database can be opened");
    let sql = "SELECT details.\"after\" AS settings FROM audit_lines AS started \
               JOIN audit_details AS details ON details.id = started.id WHERE started.action = 'bank.started'";
    let query = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(query).await.expect("the query runs");
    let settings = rows.iter().map(|row| {
        let text: String = row.try_get("", "settings").expect("a start has settings");
        serde_json::from_str::<Value>(&text).expect("they are JSON")
    });
    let settings: Vec<Value> = settings.collect();
    db.close().await.expect("a connection can be closed");
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_is_told_to_the_audit_log_without_secrets() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        // Commands are no starts.
        let migrated = place.run(&["migrate", "up"]).await;
        assert_eq!(migrated.status, Some(0), "{migrated:?}");
        assert_eq!(starts(&place).await, Vec::<Value>::new());
        let flags = [
            "--log",
            "warn",
            "--queue-max",
            "77",
            "--redis-url",
            "redis://:hunter2@127.0.0.1:1",
            "--smtp-url",
            "smtp://florin:hunter2@127.0.0.1:2?tls=required",
            "--mail-from",
            "no-reply@bank.example",
        ];
        let server = Serving::start(place.folder.path(), &place.arguments(&flags)).await;
        server.kill().await;
        let starts = starts(&place).await;
        assert_eq!(starts.len(), 1, "{starts:?}");
        assert_eq!(starts[0]["queue_max"], 77);
        assert_eq!(starts[0]["redis_url"], "redis://127.0.0.1:1");
        assert_eq!(starts[0]["smtp_url"], "smtp://127.0.0.1:2");
        assert_eq!(starts[0]["mail_from"], "no-reply@bank.example");
        assert_eq!(starts[0]["reports"], "operator");
        assert!(!starts[0].to_string().contains("hunter2"), "{starts:?}");
        place.remove().await;
    }
}
