//! `florin user export` and `florin user erase`, beside a running bank.

use harness::Backend;
use serde_json::{Value, json};

use super::{PASSWORD, Place, customer, verifies};

const ADMIN: &str = "root@example.com";

async fn make_admin(place: &Place) {
    let create = [
        "user",
        "create",
        "--email",
        ADMIN,
        "--full-name",
        "Root",
        "--role",
        "admin",
    ];
    let made = place.run(&create).await;
    assert_eq!(made.status, Some(0), "{made:?}");
}

/// Runs a command that must end with this status and a sentence with these words, and write no result.
async fn refused(place: &Place, arguments: &[&str], status: i32, words: &str) {
    let ended = place.run(arguments).await;
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(status), ""), "{ended:?}");
    assert!(ended.stderr.contains(words), "{words}: {ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_exported_and_erased_from_a_terminal() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let ana = customer(&server, "ana").await;
        make_admin(&place).await;

        for asker in [&[][..], &["--as", "ana@example.com"], &["--as", ADMIN]] {
            let arguments = [&["user", "export", "ana@example.com"], asker, &["--log", "warn"]].concat();
            let exported = place.run(&arguments).await;
            assert_eq!(exported.status, Some(0), "{exported:?}");
            let export: Value = serde_json::from_str(&exported.stdout).expect("the result is JSON");
            assert_eq!(
                (&export["user"]["email"], &export["wallets"][0]["id"]),
                (&json!("ana@example.com"), &json!(ana.wallet()))
            );
        }
        let foreign = ["user", "export", ADMIN, "--as", "ana@example.com"];
        refused(&place, &foreign, 2, "it needs users:manage").await;
        let unknown = ["user", "export", "eve@example.com"];
        refused(&place, &unknown, 2, "is not a user of this bank").await;

        let erase = ["user", "erase", "ana@example.com", "--as", ADMIN];
        refused(&place, &erase, 2, "add --yes").await;
        let erase = [&erase[..], &["--yes"]].concat();
        refused(&place, &erase, 1, ana.wallet()).await;
        let own = ["user", "erase", ADMIN, "--as", ADMIN, "--yes"];
        refused(&place, &own, 1, "another admin must erase you").await;
        let by_ana = ["user", "erase", ADMIN, "--as", "ana@example.com", "--yes"];
        refused(&place, &by_ana, 2, "it needs users:manage").await;
        ana.caller.get("/v1/users/me").await.expect(200);

        let operator = super::operator(&place, &server).await;
        let close = format!("/v1/wallets/{}/close", ana.wallet());
        operator.post(&close, json!({})).await.expect(200);
        let erased = place.run(&erase).await;
        assert_eq!(erased.status, Some(0), "{erased:?}");
        assert!(
            erased.stdout.contains(" customer erased ") && !erased.stdout.contains("ana@"),
            "{erased:?}"
        );
        let credentials = json!({ "email": "ana@example.com", "password": PASSWORD });
        let login = server.caller().post("/v1/auth/login", credentials).await;
        login.expect_problem(401, "invalid_credentials");
        let gone = ["user", "activate", "ana@example.com", "--as", ADMIN];
        refused(&place, &gone, 2, "is not a user of this bank").await;
        let listed = place.run(&["user", "list", "--status", "erased"]).await;
        assert!(listed.stdout.contains("@erased.invalid"), "{listed:?}");
        verifies(&place).await;
        server.kill().await;
        place.remove().await;
    }
}
