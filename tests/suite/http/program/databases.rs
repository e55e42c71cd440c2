//! A database that cannot be opened: the message names it, the reason and what to do, and contains no password.

use std::fs;
use std::time::{Duration, Instant};

use harness::program::{Ended, run};
use harness::servers::{Durability, PostgresServer};
use sea_orm::{ConnectionTrait, Database};

const SECRET: &str = "hunter2";

/// Runs `verify` on a bank at this URL. It must fail with three lines: what failed, why, and what to do.
async fn refused(url: &str, what: &str, why: &str, to_do: &str) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ended = run(folder.path(), &["verify", "--log", "off", "--database-url", url]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{url}: {ended:?}");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let [first, second, third] = lines[..] else {
        panic!("{url}: {}", ended.stderr)
    };
    assert!(
        first.starts_with("florin: cannot ") && first.contains(what),
        "{url}: {}",
        ended.stderr
    );
    assert!(
        second.starts_with("  because ") && second.contains(why),
        "{url}: {}",
        ended.stderr
    );
    assert!(
        third.starts_with("  to do: ") && third.contains(to_do),
        "{url}: {}",
        ended.stderr
    );
    assert!(!ended.stderr.contains(SECRET), "{url}: {}", ended.stderr);
    ended
}

async fn server() -> &'static PostgresServer {
    let server = PostgresServer::shared().await;
    server.unwrap_or_else(|error| panic!("{error:#}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_connection_is_told_at_once() {
    let started = Instant::now();
    refused(
        "postgres://ana:hunter2@127.0.0.1:1/bank?sslmode=disable",
        "PostgreSQL at 127.0.0.1:1, database bank, as user ana",
        "Connection refused",
        "start PostgreSQL, or correct host and port",
    )
    .await;
    // The pool would have retried for five seconds.
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_not_known_is_named() {
    let url = "postgres://ana:hunter2@no-such-host.invalid/bank";
    refused(
        url,
        "PostgreSQL at no-such-host.invalid:5432",
        "failed to lookup",
        "check host and port",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_or_user_that_is_not_there_is_named() {
    let server = server().await;
    let url = server.url("no_such_bank");
    let what = format!(
        "PostgreSQL at 127.0.0.1:{}, database no_such_bank, as user florin",
        server.port()
    );
    let to_do = format!("createdb -h 127.0.0.1 -p {} -U florin no_such_bank", server.port());
    refused(&url, &what, "database \"no_such_bank\" does not exist", &to_do).await;

    let url = format!("postgres://stranger:hunter2@127.0.0.1:{}/postgres", server.port());
    refused(
        &url,
        "as user stranger",
        "role \"stranger\" does not exist",
        "correct the user",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_with_how_to_write_one() {
    let server = PostgresServer::start(Durability::Fast, &[]).await;
    let server = server.unwrap_or_else(|error| panic!("{error:#}"));
    let rules = server.data_dir().join("pg_hba.conf");
    let trusting = fs::read_to_string(&rules).expect("the server has rules");
    let guarded = format!("host all guarded 127.0.0.1/32 scram-sha-256\n{trusting}");
    fs::write(&rules, guarded).expect("rules can be written");
    let db = Database::connect(server.url("postgres"))
        .await
        .expect("the server answers");
    for statement in [
        "CREATE ROLE guarded LOGIN PASSWORD 'p/w#1'",
        "CREATE DATABASE guarded OWNER guarded",
        "SELECT pg_reload_conf()",
    ] {
        db.execute_unprepared(statement).await.expect("the statement is one");
    }
    db.close().await.expect("a connection can be closed");
    let url = |password: &str| {
        format!(
            "postgres://guarded:{password}@127.0.0.1:{}/guarded?sslmode=disable",
            server.port()
        )
    };

    // New connections follow the new rules once the server has reloaded them.
    let right = url("p%2Fw%231");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let verified = run(folder.path(), &["verify", "--log", "off", "--database-url", &right]).await;
    assert_eq!(verified.status, Some(0), "{verified:?}");
    let why = "password authentication failed for user \"guarded\"";
    refused(&url(SECRET), "as user guarded", why, "correct user and password").await;
    refused(&url(SECRET), "as user guarded", why, "`/` as %2F").await;

    let ended = run(folder.path(), &["verify", "--database-url", &url("p/w#1")]).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(
        ended.stderr.contains("`/` as %2F") && ended.stderr.contains("`#` as %23"),
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("p/w"), "{ended:?}");
    server.stop().expect("a server can be stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_of_something_else_is_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    let answering = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let url = format!("postgres://ana:hunter2@{address}/bank?sslmode=disable");
    let to_do = format!("check that PostgreSQL is what listens on port {}", address.port());
    refused(&url, &format!("PostgreSQL at {address}"), "", &to_do).await;
    answering.abort();
}

#[tokio::test]
async fn a_url_of_an_unknown_kind_is_wrong_use() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (url, sentence) in [
        (
            "mysql://ana:hunter2@127.0.0.1/bank",
            "no kind of database `mysql://` here",
        ),
        (
            "postgress://ana:hunter2@127.0.0.1/bank",
            "no kind of database `postgress://` here",
        ),
        ("bank.db", "does not say which kind"),
        ("postgres://ana:hunter2@127.0.0.1:port/bank", "invalid port number"),
    ] {
        let ended = run(folder.path(), &["verify", "--database-url", url]).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(
            ended.stderr.starts_with("florin: ") && ended.stderr.contains(sentence),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains("postgres://user:password@host/database"),
            "{ended:?}"
        );
        assert!(!ended.stderr.contains(SECRET), "{ended:?}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_a_bank_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(
        at("text"),
        "not a database, but long enough to be taken for one".repeat(99),
    )
    .expect("a file is written");
    fs::create_dir(at("folder")).expect("a folder can be made");
    for (name, why, to_do) in [
        ("text", "file is not a database", "else name another one"),
        ("folder", "unable to open database file", "it is a folder"),
        (
            "missing/florin.db",
            "unable to open database file",
            "make its folder first: mkdir -p ",
        ),
        ("text/florin.db", "unable to open database file", "is not a folder"),
    ] {
        let file = at(name);
        refused(
            &format!("sqlite://{file}"),
            &format!("the SQLite file {file}"),
            why,
            to_do,
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_told_and_left_alone() {
    for backend in [harness::Backend::Sqlite, harness::Backend::Postgres] {
        let place = super::Place::new(backend).await;
        let up = place.run(&["migrate", "up"]).await;
        assert_eq!(up.status, Some(0), "{up:?}");
        place
            .tamper("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_tomorrow', 1)")
            .await;
        for arguments in [&["verify"][..], &["migrate", "up"], &["migrate", "status"], &["serve"]] {
            let ended = place.run(&[arguments, &["--log", "off"]].concat()).await;
            assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
            for words in ["newer than this program", "m9999_tomorrow", "to do: run a newer florin"] {
                assert!(ended.stderr.contains(words), "{arguments:?}: {ended:?}");
            }
        }
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_that_is_not_there_is_neither_made_nor_proved() {
    refused(
        "sqlite://nope.db",
        "the SQLite file nope.db",
        "there is no such file",
        "name the bank's folder with --data-dir",
    )
    .await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ended = run(folder.path(), &["verify", "--log", "off"]).await;
    assert_eq!(ended.status, Some(3), "{ended:?}");
    assert!(!folder.path().join("data").join("florin.db").exists(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_advice_is_given_for_the_modes_of_what_is_no_database() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let list = folder.path().join("list.csv");
    fs::write(&list, "a,b\n1,2\n").expect("a file can be written");
    for path in [folder.path(), list.as_path()] {
        let url = format!("sqlite://{}", path.display());
        let ended = run(folder.path(), &["verify", "--database-url", &url]).await;
        assert_eq!(ended.status, Some(3), "{ended:?}");
        assert!(!ended.stderr.contains("chmod"), "{ended:?}");
    }
}
