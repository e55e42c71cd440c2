//! What the operators' commands do not do: a sentence, an exit status, and nothing changed.

use harness::Backend;
use serde_json::{Value, json};

use super::{EMAIL, desk, refused, shown};
use crate::program::{Place, customer, names_in, two_customers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_status_1_and_a_wrong_use_2() {
    let unknown = "0199aaaa-0000-7000-8000-000000000000";
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let ana = customer(&server, "ana").await;
        desk(&place, &server).await;
        let wallet = ana.wallet();
        refused(&place, &["wallet", "show", unknown], 1, "there is no such wallet").await;
        refused(&place, &["wallet", "limits", unknown], 1, "there is no such wallet").await;
        refused(
            &place,
            &["wallet", "freeze", unknown, "--as", EMAIL],
            1,
            "there is no such wallet",
        )
        .await;
        refused(&place, &["transfer", "show", unknown], 1, "there is no such transfer").await;
        refused(&place, &["wallet", "show", "ana"], 2, "not the id of a wallet").await;
        refused(&place, &["transfer", "show", "1"], 2, "not the id of a transfer").await;

        refused(&place, &["wallet", "freeze", wallet], 2, "--as <EMAIL>").await;
        let freeze_as = ["wallet", "freeze", wallet, "--as"];
        for (email, words) in [
            ("desk", "not an e-mail address"),
            ("nobody@example.com", "nobody@example.com is not a user of this bank"),
            (
                "ana@example.com",
                "ana@example.com may not do this: it needs wallets:freeze",
            ),
        ] {
            refused(&place, &[&freeze_as[..], &[email]].concat(), 2, words).await;
        }
        let silent = [&freeze_as[..], &[EMAIL, "--reason", " "]].concat();
        refused(&place, &silent, 2, "not 1 to 500 characters").await;
        let limits = ["wallet", "limits", wallet];
        for (options, words) in [
            (&["--per-transfer", "5"][..], "--as <EMAIL>"),
            (&["--none"][..], "--as <EMAIL>"),
            (&["--as", EMAIL][..], "name a limit, or --none"),
            (
                &["--as", EMAIL, "--none", "--per-transfer", "5"][..],
                "cannot be used with",
            ),
            (&["--as", EMAIL, "--per-transfer", "0"][..], "not an amount above zero"),
            (
                &["--as", EMAIL, "--per-day-amount", "1.00001"][..],
                "not an amount above zero",
            ),
            (&["--as", EMAIL, "--per-day-count", "0"][..], "0 is not in"),
        ] {
            refused(&place, &[&limits[..], options].concat(), 2, words).await;
        }
        let after = shown(&place, &["wallet", "show", wallet]).await;
        assert_eq!((&after["status"], &after["limits"]), (&json!("ACTIVE"), &Value::Null));
        server.kill().await;
        place.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_banks_own_wallet_is_neither_frozen_nor_limited() {
    let place = Place::new(Backend::Sqlite).await;
    let server = place.serve().await;
    let (ana, _) = two_customers(&place, &server, "10").await;
    desk(&place, &server).await;
    let entries = ana
        .caller
        .get(&format!("/v1/wallets/{}/entries", ana.wallet()))
        .await
        .expect(200);
    let system = entries["items"][0]["counterparty_wallet_id"]
        .as_str()
        .expect("a deposit has two sides");
    let own = "the wallet is the bank's own; its status and limits cannot be changed";
    refused(&place, &["wallet", "freeze", system, "--as", EMAIL], 1, own).await;
    refused(
        &place,
        &["wallet", "limits", system, "--as", EMAIL, "--per-day-count", "1"],
        1,
        own,
    )
    .await;
    server.kill().await;
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_makes_no_bank() {
    let place = Place::new(Backend::Sqlite).await;
    let id = "0199aaaa-0000-7000-8000-000000000000";
    for arguments in [
        ["wallet", "show", id],
        ["transfer", "show", id],
        ["audit", "--subject", id],
    ] {
        let ended = place.run(&arguments).await;
        assert_eq!((ended.status, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
        assert!(ended.stderr.contains("there is no such file"), "{ended:?}");
    }
    assert_eq!(names_in(&place.folder.path().join("data")), Vec::<String>::new());
    place.remove().await;
}
