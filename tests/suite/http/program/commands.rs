//! Commands that end by themselves: `user create`, `verify`, `migrate`, `openapi`.

use std::fs;

use harness::Backend;
use harness::program::{run, run_with_input};
use serde_json::Value;

use super::{PASSWORD, Place, names_in, password_in, sign_in, two_customers, verifies};
use crate::layering::root;

fn create<'a>(email: &'a str, role: &'a str) -> Vec<&'a str> {
    vec![
        "user",
        "create",
        "--email",
        email,
        "--full-name",
        "Somebody",
        "--role",
        role,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_made_with_a_printed_password_or_a_given_one() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let mut passwords = Vec::new();
        for role in ["customer", "operator", "admin"] {
            let email = format!("{role}@example.com");
            let made = place.run(&create(&email, role)).await;
            assert_eq!(made.status, Some(0), "{made:?}");
            assert!(
                made.stdout
                    .lines()
                    .next()
                    .is_some_and(|line| line.ends_with(&format!(" {role} {email}"))),
                "{made:?}"
            );
            let password = password_in(&made);
            assert!(password.len() >= 20 && !made.stderr.contains(&password), "{made:?}");
            passwords.push((email, role, password));
        }
        let arguments = [&create("given@example.com", "operator")[..], &["--password-stdin"]].concat();
        let given = run_with_input(
            place.folder.path(),
            &place.arguments(&arguments),
            &format!("{PASSWORD}\n"),
        )
        .await;
        assert_eq!(given.status, Some(0), "{given:?}");
        assert!(
            !given.stdout.contains("password") && !given.stdout.contains(PASSWORD),
            "{given:?}"
        );
        passwords.push(("given@example.com".to_owned(), "operator", PASSWORD.to_owned()));

        let server = place.serve().await;
        for (email, role, password) in &passwords {
            let me = sign_in(&server, email, password)
                .await
                .get("/v1/users/me")
                .await
                .expect(200);
            assert_eq!(me["role"], *role);
        }
        server.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_or_a_weak_password_is_wrong_use() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let made = place.run(&create("op@example.com", "operator")).await;
        assert_eq!(made.status, Some(0), "{made:?}");
        let again = place.run(&create("OP@example.com", "admin")).await;
        assert_eq!((again.status, again.stdout.as_str()), (Some(2), ""), "{again:?}");
        assert!(
            again.stderr.contains("florin: the e-mail address is taken"),
            "{again:?}"
        );
        for weak in ["", "\n", "short\n"] {
            let arguments = [&create("weak@example.com", "operator")[..], &["--password-stdin"]].concat();
            let refused = run_with_input(place.folder.path(), &place.arguments(&arguments), weak).await;
            assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
        }
        let server = place.serve().await;
        sign_in(&server, "op@example.com", &password_in(&made)).await;
        server.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_finds_what_was_tampered_with_beside_a_running_server() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        assert_eq!(place.run(&["migrate", "up"]).await.status, Some(0));
        verifies(&place).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
        verifies(&place).await;
        let clean = place.run(&["verify", "--json"]).await;
        let report: Value = serde_json::from_str(&clean.stdout).expect("the report is JSON");
        assert_eq!(
            (clean.status, &report["clean"], &report["transfers"]),
            (Some(0), &Value::from(true), &Value::from(2))
        );
        assert_eq!(
            (&report["wallets"], &report["entries"], &report["changes"]),
            (&Value::from(3), &Value::from(4), &Value::from(3))
        );

        let wallet = match backend {
            Backend::Sqlite => format!("x'{}'", ana.wallet().replace('-', "")),
            Backend::Postgres => format!("'{}'", ana.wallet()),
        };
        place
            .tamper(&format!("UPDATE wallets SET balance = '9.0001' WHERE id = {wallet}"))
            .await;
        let found = place.run(&["verify"]).await;
        assert_eq!(found.status, Some(1), "{found:?}");
        assert!(
            found.stdout.contains(ana.wallet()),
            "the wallet is not named: {found:?}"
        );
        assert!(
            found.stdout.contains("USD is off by 1 ") && found.stdout.contains("do not balance"),
            "{found:?}"
        );
        assert!(
            !found.stdout.contains(ben.wallet()),
            "the other wallet is in order: {found:?}"
        );
        let found = place.run(&["verify", "--json"]).await;
        let report: Value = serde_json::from_str(&found.stdout).expect("the report is JSON");
        assert_eq!((found.status, &report["clean"]), (Some(1), &Value::from(false)));
        let broken = report["checks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|check| check["holds"] == false);
        assert!(
            broken
                .flat_map(|check| check["offenders"].as_array())
                .flatten()
                .any(|id| id == ana.wallet()),
            "{report}"
        );

        // The server went on undisturbed, and the books balance again once the change is undone.
        place
            .tamper(&format!("UPDATE wallets SET balance = '9.0000' WHERE id = {wallet}"))
            .await;
        ana.caller.post("/v1/transfers", ana.one_to(&ben)).await.expect(201);
        verifies(&place).await;
        server.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrate_shows_what_is_missing_and_applies_it_once() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let before = place.run(&["migrate", "status"]).await;
        assert_eq!(before.status, Some(0), "{before:?}");
        assert!(
            before.stdout.lines().count() >= 4 && before.stdout.lines().all(|line| line.starts_with("missing ")),
            "{before:?}"
        );
        for _ in 0..2 {
            let up = place.run(&["migrate", "up"]).await;
            assert_eq!(
                (up.status, up.stdout),
                (Some(0), before.stdout.replace("missing ", "applied "))
            );
        }
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_document_is_the_kept_one_and_needs_no_data_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let printed = run(folder.path(), &["openapi", "--log", "warn"]).await;
    assert_eq!((printed.status, printed.stderr.as_str()), (Some(0), ""));
    let kept = fs::read_to_string(root().join("api/openapi.json")).unwrap_or_default();
    assert!(
        printed.stdout == kept,
        "run: cargo run -q --bin florin -- openapi > api/openapi.json"
    );
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
}
