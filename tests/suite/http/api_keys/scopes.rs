//! What a program does over HTTP with a key of a few scopes, or for a few wallets.

use std::sync::Arc;

use harness::{Caller, TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{make, new_key, secret_of};

on_every_backend!(
    the_payee_does_not_learn_who_the_payer_is,
    a_key_for_some_wallets_takes_nothing_back_out_of_others,
    a_key_that_deposits_need_not_read,
    a_key_that_reads_wallets_reads_no_transfers_of_others,
);

/// A program with a key that `owner` makes.
async fn program(bank: &TestBank, owner: &Caller, key: Value) -> Caller {
    bank.with_token(secret_of(&make(owner, key).await))
}

async fn the_payee_does_not_learn_who_the_payer_is(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    let anas = program(&bank, &ana.caller, new_key(&["transfers:write", "transfers:read"])).await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    let paid = anas.post("/v1/transfers", body).await.expect(201);
    let path = format!("/v1/transfers/{}", paid["id"].as_str().expect("a transfer has an id"));
    for reader in [&anas, &ana.caller, &ben.caller] {
        let shown = reader.get(&path).await.expect(200);
        assert_eq!(shown["created_by"], Value::Null, "{shown}");
    }
    let seen = ben.caller.get(&path).await.text;
    assert!(!seen.contains(&ana.actor.user.0.to_string()), "{seen}");
}

async fn a_key_for_some_wallets_takes_nothing_back_out_of_others(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    let operator = bank.operator().await;
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "8" });
    let paid = ana.caller.post("/v1/transfers", body).await.expect(201);
    let path = format!(
        "/v1/transfers/{}/reverse",
        paid["id"].as_str().expect("a transfer has an id")
    );
    for (wallet, amount) in [(ana.wallet, "5"), (ben.wallet, "3")] {
        let mut key = new_key(&["transfers:reverse"]);
        key["wallet_ids"] = json!([wallet]);
        let program = program(&bank, &operator, key).await;
        let answer = program.post(&path, json!({ "amount": amount })).await;
        if wallet == ana.wallet {
            answer.expect_problem(404, "transfer_not_found");
        } else {
            answer.expect(201);
        }
    }
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["5.0000", "5.0000"]);
}

async fn a_key_that_deposits_need_not_read(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let deposits = program(&bank, &operator, new_key(&["deposits:write"])).await;
    let wallet = format!("/v1/wallets/{}", ana.wallet);
    for method in ["visa", "visa", "wire"] {
        let body = json!({ "amount": "3", "method": method });
        deposits.post(&format!("{wallet}/deposits"), body).await.expect(201);
    }
    deposits.get(&wallet).await.expect_problem(403, "forbidden");
    let settles = program(&bank, &operator, new_key(&["transfers:write", "transfers:settle"])).await;
    let path = format!("{wallet}/withdrawals");
    let by = |method: &str| json!({ "amount": "4", "method": method });
    settles.post(&path, by("wire")).await.expect(201);
    let answer = settles.post(&path, by("sepa")).await;
    answer.expect_problem(422, "unknown_method");
    assert_eq!(bank.balances(&[ana.wallet]).await, ["5.0000"]);
}

async fn a_key_that_reads_wallets_reads_no_transfers_of_others(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let operator = bank.operator().await;
    let list = format!("/v1/transfers?wallet_id={}", ana.wallet);
    let reads = program(&bank, &operator, new_key(&["transfers:read", "wallets:read_all"])).await;
    reads.get(&list).await.expect_problem(404, "wallet_not_found");
    let reads = program(&bank, &operator, new_key(&["transfers:read", "transfers:read_all"])).await;
    let listed = reads.get(&list).await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
}
