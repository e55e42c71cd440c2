//! Transfers between customers: what moves, and what is stored.

use std::sync::Arc;

use harness::{TestBank, in_two_slices, on_every_backend};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::{act, items, payment, post_text, transfer, wallet_path, wallets_now};

on_every_backend!(
    a_transfer_moves_exactly_its_amount,
    a_transfer_leaves_one_transfer_and_two_entries,
    description_and_metadata_come_back_verbatim,
    a_transfer_without_description_shows_null,
    fields_that_nobody_knows_are_refused,
    operators_cannot_take_from_a_customer_by_transfer,
);

in_two_slices!(
    a_transfer_moves_exactly_its_amount,
    a_transfer_leaves_one_transfer_and_two_entries,
    description_and_metadata_come_back_verbatim,
    a_transfer_without_description_shows_null,
    fields_that_nobody_knows_are_refused,
    operators_cannot_take_from_a_customer_by_transfer,
);

async fn a_transfer_moves_exactly_its_amount(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let made = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "12.5"))
        .await
        .expect(201);
    let id = made["id"]
        .as_str()
        .and_then(|id| Uuid::parse_str(id).ok())
        .expect("a transfer has an id");
    assert_eq!(id.get_version_num(), 7);
    let expected = json!({
        "id": id, "kind": "TRANSFER", "status": "COMPLETED", "source_wallet_id": ana.wallet,
        "destination_wallet_id": ben.wallet, "amount": "12.5000", "currency": "USD", "method": null,
        "description": null, "metadata": null, "failure_reason": null, "batch_id": null, "hold_id": null,
        "reverses": null, "reversed": "0.0000", "hold": null, "created_by": null, "api_key_id": null,
        "created_at": made["created_at"], "completed_at": made["created_at"],
    });
    assert_eq!(made, expected);
    assert!(
        made["created_at"]
            .as_str()
            .is_some_and(|time| time.len() == 27 && time.ends_with('Z')),
        "{made}"
    );
    assert_eq!(
        ana.caller.get(&format!("/v1/transfers/{id}")).await.expect(200),
        expected
    );
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["87.5000", "12.5000"]);
}

async fn a_transfer_leaves_one_transfer_and_two_entries(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let before = bank.row_counts().await;
    let mut body = transfer(ana.wallet, ben.wallet, "12.5");
    body["description"] = json!("rent");
    let made = ana.caller.post("/v1/transfers", body).await.expect(201);
    assert_eq!(bank.row_counts().await, (before.0 + 1, before.1 + 2));
    let entry = |amount: &str, balance_after: &str, version: i64, counterparty: &Value| {
        json!({
            "transfer_id": made["id"], "kind": "TRANSFER", "amount": amount, "balance_after": balance_after,
            "version": version, "counterparty_wallet_id": counterparty, "description": "rent",
            "created_at": made["created_at"],
        })
    };
    let of_ana = items(&ana.caller, &wallet_path(ana.wallet, "/entries")).await;
    assert_eq!(of_ana.len(), 2, "the deposit and the transfer");
    assert_eq!(
        of_ana[0],
        entry("-12.5000", "87.5000", 2, &made["destination_wallet_id"])
    );
    let of_ben = items(&ben.caller, &wallet_path(ben.wallet, "/entries")).await;
    assert_eq!(of_ben, [entry("12.5000", "12.5000", 1, &made["source_wallet_id"])]);
}

async fn description_and_metadata_come_back_verbatim(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let metadata =
        r#"{"z": 1.10, "a":[1e2,"\u00e4ö"],  "n":12345678901234567890.123456789, "deep":{"b":null,"a":true}}"#;
    let description = "  Ünïcode 🦀 'quotes' \"and\"\nlines  ";
    let text = format!(
        r#"{{"source_wallet_id":"{}","destination_wallet_id":"{}","amount":1,"description":{},"metadata":{metadata}}}"#,
        ana.wallet,
        ben.wallet,
        json!(description),
    );
    let made = post_text(&ana.caller, "/v1/transfers", &text).await;
    assert!(made.text.contains(metadata), "{}", made.text);
    let made = made.expect(201);
    assert_eq!(made["description"], description);
    let id = made["id"].as_str().unwrap_or_default();
    for path in [format!("/v1/transfers/{id}"), "/v1/transfers?kind=TRANSFER".to_owned()] {
        let shown = ben.caller.get(&path).await;
        assert!(shown.text.contains(metadata), "{}", shown.text);
        assert!(shown.text.contains(&json!(description).to_string()), "{}", shown.text);
    }
    assert_eq!(
        items(&ben.caller, &wallet_path(ben.wallet, "/entries")).await[0]["description"],
        description
    );
}

async fn a_transfer_without_description_shows_null(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let mut body = transfer(ana.wallet, ben.wallet, "1");
    body["description"] = json!("");
    let made = ana.caller.post("/v1/transfers", body).await.expect(201);
    assert_eq!(made["description"], "", "an empty text is not none");
    let made = ana
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    assert_eq!((&made["description"], &made["metadata"]), (&Value::Null, &Value::Null));
}

async fn fields_that_nobody_knows_are_refused(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let rows = bank.row_counts().await;
    for (field, value) in [
        ("held", json!(true)),
        ("expires_in", json!(60)),
        ("sorce_wallet_id", json!(ana.wallet)),
    ] {
        let mut body = transfer(ana.wallet, ben.wallet, "1");
        body[field] = value;
        let answer = ana.caller.post("/v1/transfers", body).await;
        answer.expect_problem(400, "invalid_request");
        assert!(answer.json["errors"].to_string().contains(field), "{}", answer.text);
    }
    let mut body = payment("1", "wire");
    body["subject"] = json!("rent");
    ana.caller
        .post(&wallet_path(ana.wallet, "/withdrawals"), body)
        .await
        .expect_problem(400, "invalid_request");
    assert_eq!(bank.row_counts().await, rows);
}

async fn operators_cannot_take_from_a_customer_by_transfer(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "20").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    let before = wallets_now(&operator, &[ana.wallet, ben.wallet]).await;
    let answer = operator
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await;
    answer.expect_problem(404, "wallet_not_found");
    assert_eq!(wallets_now(&operator, &[ana.wallet, ben.wallet]).await, before);
    act(&operator, &wallet_path(ana.wallet, "/freeze")).await.expect(200);
    assert_ne!(
        wallets_now(&operator, &[ana.wallet, ben.wallet]).await,
        before,
        "the comparison sees a change"
    );
}
