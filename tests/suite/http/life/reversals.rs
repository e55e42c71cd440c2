//! Reversals over HTTP.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{HttpStage, TRANSFER, UNKNOWN, has_fields, path_of, text};

on_every_backend!(
    a_transfer_is_taken_back_in_parts,
    each_refusal_of_a_reversal_has_its_code,
    deposits_and_withdrawals_are_taken_back,
);

async fn a_transfer_is_taken_back_in_parts(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let paid = stage.made(stage.pay("30")).await;
    let path = path_of(&paid, "/reverse");
    let body = json!({ "amount": "10", "description": "a mistake" });
    let part = stage.operator.post(&path, body).await.expect(201);
    has_fields(&part, &TRANSFER);
    assert_eq!(
        (&part["kind"], &part["status"], &part["amount"]),
        (&json!("REVERSAL"), &json!("COMPLETED"), &json!("10.0000"))
    );
    assert_eq!(
        (&part["source_wallet_id"], &part["destination_wallet_id"]),
        (&json!(stage.ben.wallet), &json!(stage.ana.wallet))
    );
    assert_eq!(
        (&part["reverses"], &part["hold_id"], &part["description"]),
        (&paid["id"], &Value::Null, &json!("a mistake"))
    );
    assert!(part["created_by"].is_string(), "an operator asked for it: {part}");
    let now = stage.now(&paid).await;
    assert_eq!(
        (&now["status"], &now["reversed"]),
        (&json!("COMPLETED"), &json!("10.0000"))
    );
    let rest = stage.operator.post(&path, json!({})).await.expect(201);
    assert_eq!(rest["amount"], "20.0000");
    assert_eq!(stage.now(&paid).await["reversed"], "30.0000");
    let again = stage.operator.post(&path, json!({ "amount": "0.0001" })).await;
    again.expect_problem(422, "amount_exceeds_original");
    assert_eq!(again.json["remaining"], "0.0000");
    let reversals = stage.list(&format!("parent_id={}", text(&paid, "id"))).await;
    assert_eq!(reversals, [rest, part]);
    assert_eq!(
        bank.balances(&[stage.ana.wallet, stage.ben.wallet]).await,
        ["100.0000", "0.0000"]
    );
}

async fn each_refusal_of_a_reversal_has_its_code(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let paid = stage.made(stage.pay("30")).await;
    let hold = stage.made(stage.hold("10")).await;
    let path = path_of(&paid, "/reverse");
    let rows = bank.row_counts().await;
    for caller in [&stage.ana.caller, &stage.ben.caller] {
        caller.post(&path, json!({})).await.expect_problem(403, "forbidden");
    }
    let refused = async |path: &str, body: Value, status: u16, code: &str| {
        let answer = stage.operator.post(path, body).await;
        answer.expect_problem(status, code);
        answer.json
    };
    refused(&path, json!({ "amount": "0" }), 422, "invalid_amount").await;
    refused(&format!("{UNKNOWN}/reverse"), json!({}), 404, "transfer_not_found").await;
    refused(&path_of(&hold, "/reverse"), json!({}), 422, "not_reversible").await;
    let above = refused(&path, json!({ "amount": "31" }), 422, "amount_exceeds_original").await;
    assert_eq!(above["remaining"], "30.0000");
    refused(&path, json!({ "reason": "x" }), 400, "invalid_request").await;
    assert_eq!(bank.row_counts().await, rows);
    // Ben has spent it: he cannot pay back, which is recorded.
    let back =
        json!({ "source_wallet_id": stage.ben.wallet, "destination_wallet_id": stage.ana.wallet, "amount": "25" });
    stage.ben.caller.post("/v1/transfers", back).await.expect(201);
    let short = refused(&path, json!({}), 422, "insufficient_funds").await;
    assert_eq!(short["available"], "5.0000");
    let failed = stage.now(&json!({ "id": short["transfer_id"] })).await;
    assert_eq!(
        (&failed["kind"], &failed["status"], &failed["reverses"]),
        (&json!("REVERSAL"), &json!("FAILED"), &paid["id"])
    );
    assert_eq!(stage.now(&paid).await["reversed"], "0.0000");
    let part = stage.operator.post(&path, json!({ "amount": "5" })).await.expect(201);
    refused(&path_of(&part, "/reverse"), json!({}), 422, "not_reversible").await;
}

async fn deposits_and_withdrawals_are_taken_back(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let wallet = format!("/v1/wallets/{}", stage.ana.wallet);
    for (rest, balance) in [("/deposits", "107.0000"), ("/withdrawals", "93.0000")] {
        let body = json!({ "amount": "7", "method": "visa", "description": "by hand", "metadata": { "slip": 1 } });
        let made = stage.operator.post(&format!("{wallet}{rest}"), body).await.expect(201);
        has_fields(&made, &TRANSFER);
        assert_eq!(
            (&made["description"], &made["metadata"]),
            (&json!("by hand"), &json!({ "slip": 1 }))
        );
        assert!(made["created_by"].is_string(), "an operator asked for it: {made}");
        assert_eq!(bank.balances(&[stage.ana.wallet]).await, [balance]);
        let back = stage
            .operator
            .post(&path_of(&made, "/reverse"), json!({}))
            .await
            .expect(201);
        assert_eq!((&back["reverses"], &back["method"]), (&made["id"], &json!("visa")));
        assert_eq!(bank.balances(&[stage.ana.wallet]).await, ["100.0000"]);
    }
}
