//! Bad batches: how many transfers they may have, and how the field of one of them is named.

use std::sync::Arc;

use harness::TestBank;
use serde_json::{Value, json};

use super::HttpStage;

on_sqlite!(
    a_batch_has_one_to_a_thousand_transfers,
    the_field_of_an_item_is_named_by_its_path,
    a_field_that_is_refused_is_named_by_its_path,
);

const BATCH: &str = "/v1/transfers/batch";

/// The fields that an answer names, in its order.
fn fields(answer: &Value) -> Vec<&str> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["field"].as_str()).collect()
}

async fn a_batch_has_one_to_a_thousand_transfers(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let rows = bank.row_counts().await;
    for count in [0, 1_001, 5_000] {
        let body = json!({ "atomic": false, "transfers": vec![stage.pay("0.01"); count] });
        for path in [BATCH.to_owned(), format!("{BATCH}?dry_run=true")] {
            let answer = stage.ana.caller.post(&path, body.clone()).await;
            answer.expect_problem(422, "invalid_field");
            assert_eq!(fields(&answer.json), ["transfers"]);
        }
    }
    assert_eq!(bank.row_counts().await, rows);
}

async fn the_field_of_an_item_is_named_by_its_path(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let rows = bank.row_counts().await;
    let with = |field: &str, value: Value| {
        let mut item = stage.pay("1");
        item[field] = value;
        item
    };
    let cases = [
        (json!(7), "transfers[3]"),
        (json!(null), "transfers[3]"),
        (json!([]), "transfers[3]"),
        // The values of a transfer in their order are no transfer.
        (
            json!([stage.ana.wallet, stage.ben.wallet, null, "1", null, null, null, null]),
            "transfers[3]",
        ),
        (with("amount", json!(null)), "transfers[3].amount"),
        (with("amount", json!(true)), "transfers[3].amount"),
        (with("source_wallet_id", json!("mine")), "transfers[3].source_wallet_id"),
        (with("destination_email", json!(7)), "transfers[3].destination_email"),
        (with("metadata", json!([1])), "transfers[3].metadata"),
        (
            with("metadata", json!({ "a": "x".repeat(5_000) })),
            "transfers[3].metadata",
        ),
        (with("expires_in_s", json!(1.5)), "transfers[3].expires_in_s"),
        (with("expires_in_s", json!(59)), "transfers[3].expires_in_s"),
        (with("nope", json!(1)), "transfers[3].nope"),
    ];
    for (bad, field) in cases {
        for atomic in [true, false] {
            let mut transfers = vec![stage.pay("1"); 5];
            transfers[3] = bad.clone();
            let body = json!({ "atomic": atomic, "transfers": transfers });
            let answer = stage.ana.caller.post(BATCH, body).await;
            answer.expect_problem(400, "invalid_request");
            assert_eq!(fields(&answer.json), [field], "{}", answer.text);
        }
    }
    for (body, field) in [
        (json!({ "transfers": [stage.pay("1")] }), "atomic"),
        (json!({ "atomic": "yes", "transfers": [stage.pay("1")] }), "atomic"),
        (json!({ "atomic": true }), "transfers"),
        (json!({ "atomic": true, "transfers": {} }), "transfers"),
        (
            json!({ "atomic": true, "transfers": [stage.pay("1")], "key": "k" }),
            "key",
        ),
    ] {
        let answer = stage.ana.caller.post(BATCH, body).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(fields(&answer.json), [field], "{}", answer.text);
    }
    assert_eq!(bank.row_counts().await, rows);
}

async fn a_field_that_is_refused_is_named_by_its_path(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let rows = bank.row_counts().await;
    let mut twice = stage.pay("1");
    twice["destination_email"] = json!(stage.ben.email);
    let mut nowhere = stage.hold("1");
    nowhere["destination_wallet_id"] = json!(null);
    let mut unheld = stage.pay("1");
    unheld["expires_in_s"] = json!(60);
    for (bad, field) in [
        (twice, "transfers[2].destination_wallet_id"),
        (nowhere, "transfers[2].destination_wallet_id"),
        (unheld, "transfers[2].expires_in_s"),
    ] {
        let body = json!({ "atomic": true, "transfers": [stage.pay("1"), stage.hold("1"), bad] });
        let answer = stage.ana.caller.post(BATCH, body).await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(fields(&answer.json), [field]);
    }
    assert_eq!(bank.row_counts().await, rows);
}
