//! Moving money.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::json;

on_every_backend!(moves_money, refuses_overdraft);

async fn moves_money(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "12.5" });
    let transfer = ana.caller.post("/v1/transfers", body).await.expect(201);
    assert_eq!(transfer["status"], "COMPLETED");
    assert_eq!(transfer["amount"], "12.5000");
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["87.5000", "12.5000"]);
}

async fn refuses_overdraft(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "1").await;
    let ben = bank.customer("ben").await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1.0001" });
    let answer = ana.caller.post("/v1/transfers", body).await;
    answer.expect_problem(422, "insufficient_funds");
    assert_eq!(answer.json["available"], "1.0000");
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["1.0000", "0.0000"]);
}
