//! `florin transfer show`: a transfer, and what has become of it.

use harness::{Backend, Caller};
use serde_json::{Value, json};

use super::{EMAIL, act, desk, same_members, shown, to};
use crate::program::{Place, User, two_customers};

/// Members that the command and the API share.
const MEMBERS: [&str; 19] = [
    "id",
    "kind",
    "status",
    "source_wallet_id",
    "destination_wallet_id",
    "amount",
    "currency",
    "method",
    "description",
    "metadata",
    "failure_reason",
    "batch_id",
    "hold_id",
    "reverses",
    "reversed",
    "created_by",
    "api_key_id",
    "created_at",
    "completed_at",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_is_shown_with_what_has_become_of_it() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        let (desk_id, desk) = desk(&place, &server).await;
        let mut promise = to(&ana, &ben, "5");
        promise["hold"] = json!(true);
        promise["metadata"] = json!({ "order": "A-17" });
        let hold = ana.caller.post("/v1/transfers", promise).await.expect(201);
        let hold = hold["id"].as_str().expect("a transfer has an id");
        let path = format!("/v1/transfers/{hold}");
        let part = json!({ "amount": "2", "final": false });
        let capture = ben.caller.post(&format!("{path}/capture"), part).await.expect(201);
        let capture = capture["id"].as_str().expect("a transfer has an id");

        let open = shown(&place, &["transfer", "show", hold]).await;
        assert_eq!((&open["kind"], &open["status"]), (&json!("HOLD"), &json!("PENDING")));
        assert_eq!(
            (
                &open["hold"]["remaining"],
                &open["hold"]["captured"],
                &open["hold"]["end"]
            ),
            (&json!("3.0000"), &json!("2.0000"), &Value::Null)
        );
        assert_eq!(
            (&open["followers"][0]["id"], &open["entries"]),
            (&json!(capture), &json!([]))
        );

        act(&desk, &format!("{path}/void")).await.expect(201);
        let ended = shown(&place, &["transfer", "show", hold]).await;
        let answered = ana.caller.get(&path).await.expect(200);
        same_members(&ended, &answered, &MEMBERS);
        same_members(
            &ended["hold"],
            &answered["hold"],
            &["remaining", "captured", "expires_at"],
        );
        assert_eq!(
            (&ended["status"], &ended["hold"]["end"]),
            (&json!("COMPLETED"), &json!("voided"))
        );
        let kinds: Vec<&Value> = ended["followers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| &one["kind"])
            .collect();
        assert_eq!(kinds, ["RELEASE", "CAPTURE"]);
        let release = ended["followers"][0]["id"].as_str().expect("a release has an id");
        let release = shown(&place, &["transfer", "show", release]).await;
        assert_eq!(
            (&release["released"], &release["created_by"], &release["asker"]),
            (&json!("3.0000"), &json!(desk_id), &json!(EMAIL))
        );

        a_captured_hold_is_shown(&place, &desk, [&ana, &ben], (hold, capture)).await;
        server.kill().await;
        place.remove().await;
    }
}

async fn a_captured_hold_is_shown(place: &Place, desk: &Caller, [ana, ben]: [&User; 2], (hold, capture): (&str, &str)) {
    desk.post(&format!("/v1/transfers/{capture}/reverse"), json!({ "amount": "0.5" }))
        .await
        .expect(201);
    let captured = shown(place, &["transfer", "show", capture]).await;
    assert_eq!(
        (
            &captured["hold_id"],
            &captured["reversed"],
            &captured["followers"][0]["kind"]
        ),
        (&json!(hold), &json!("0.5000"), &json!("REVERSAL"))
    );
    assert_eq!(captured["entries"].as_array().map(Vec::len), Some(2));
    let sides = [(ana.wallet(), "-2.0000"), (ben.wallet(), "2.0000")];
    for ((wallet, amount), entry) in sides.iter().zip(captured["entries"].as_array().into_iter().flatten()) {
        assert_eq!(
            (&entry["wallet_id"], &entry["amount"]),
            (&json!(wallet), &json!(amount))
        );
    }
    let table = place.run(&["transfer", "show", capture]).await;
    for words in ["entry of wallet", "-2.0000", "REVERSAL", hold, "ben@example.com"] {
        assert!(table.stdout.contains(words), "{words}: {}", table.stdout);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_transfer_is_shown_with_its_reason_and_without_entries() {
    let place = Place::new(Backend::Sqlite).await;
    let server = place.serve().await;
    let (ana, ben) = two_customers(&place, &server, "10").await;
    let refused = ana.caller.post("/v1/transfers", to(&ana, &ben, "11")).await;
    refused.expect_problem(422, "insufficient_funds");
    let id = refused.text_of("transfer_id");
    let failed = shown(&place, &["transfer", "show", id]).await;
    assert_eq!(
        (
            &failed["status"],
            &failed["failure_reason"],
            &failed["available"],
            &failed["entries"]
        ),
        (
            &json!("FAILED"),
            &json!("insufficient_funds"),
            &json!("10.0000"),
            &json!([])
        )
    );
    let table = place.run(&["transfer", "show", id]).await;
    for words in [
        "insufficient_funds: 10.0000 were available",
        "the source's owner",
        "no entries",
    ] {
        assert!(table.stdout.contains(words), "{words}: {}", table.stdout);
    }
    server.kill().await;
    place.remove().await;
}
