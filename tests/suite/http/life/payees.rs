//! Payees: a destination that is named by the e-mail address of its owner.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{Stage, text};

on_every_backend!(
    an_address_finds_the_wallet_of_the_sources_currency,
    an_address_of_nobody_is_refused,
);
on_sqlite!(addresses_of_nobody_are_throttled);

/// A transfer of Ana's to the person with an address.
fn pay(source: &Value, email: &str) -> Value {
    json!({ "source_wallet_id": source, "destination_email": email, "amount": "1" })
}

async fn an_address_finds_the_wallet_of_the_sources_currency(bank: Arc<TestBank>) {
    let stage = Stage::set(&bank).await;
    let euros = [
        bank.open_wallet(&stage.ana, "EUR").await,
        bank.open_wallet(&stage.ben, "EUR").await,
    ];
    bank.fund(euros[0], "5", "visa").await;
    let sources = [stage.ana.wallet, euros[0]];
    for (source, destination) in sources.into_iter().zip([stage.ben.wallet, euros[1]]) {
        for email in [stage.ben.email.clone(), stage.ben.email.to_uppercase()] {
            let made = stage.made(pay(&json!(source), &email)).await;
            assert_eq!(made["destination_wallet_id"], json!(destination));
        }
    }
    let own = stage
        .ana
        .caller
        .post("/v1/transfers", pay(&json!(stage.ana.wallet), &stage.ana.email))
        .await;
    own.expect_problem(422, "same_wallet");
    // The address is a part of what is asked for under a key; that it leads to the same wallet is not.
    let by_email = pay(&json!(stage.ana.wallet), &stage.ben.email);
    let caller = &stage.ana.caller;
    let first = caller
        .post_once("/v1/transfers", "k", by_email.clone())
        .await
        .expect(201);
    let again = caller.post_once("/v1/transfers", "k", by_email).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(text(&again.expect(201), "id"), text(&first, "id"));
    caller
        .post_once("/v1/transfers", "k", stage.pay("1"))
        .await
        .expect_problem(422, "idempotency_key_reused");
    let batch = json!({ "atomic": true, "transfers": [pay(&json!(stage.ana.wallet), &stage.ben.email)] });
    let made = caller.post("/v1/transfers/batch", batch).await.expect(200);
    assert_eq!(
        made["results"][0]["transfer"]["destination_wallet_id"],
        json!(stage.ben.wallet)
    );
}

async fn an_address_of_nobody_is_refused(bank: Arc<TestBank>) {
    let stage = Stage::set(&bank).await;
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    bank.fund(euros, "5", "visa").await;
    let rows = bank.row_counts().await;
    let refused = async |body: Value, status: u16, code: &str| {
        let answer = stage.ana.caller.post("/v1/transfers", body).await;
        answer.expect_problem(status, code);
        answer
    };
    let (dollars, euros) = (json!(stage.ana.wallet), json!(euros));
    let nobody = refused(pay(&dollars, "nobody@example.com"), 404, "payee_not_found").await;
    // Ben has no wallet in euros, which looks the same.
    let none = refused(pay(&euros, &stage.ben.email), 404, "payee_not_found").await;
    assert_eq!(nobody.text_without_id(), none.text_without_id());
    // The amount and the source come first.
    let mut zero = pay(&dollars, "nobody@example.com");
    zero["amount"] = json!("0");
    refused(zero, 422, "invalid_amount").await;
    let strangers = pay(&json!(stage.ben.wallet), "nobody@example.com");
    refused(strangers, 404, "wallet_not_found").await;
    assert_eq!(bank.row_counts().await, rows);
}

async fn addresses_of_nobody_are_throttled(bank: Arc<TestBank>) {
    let stage = Stage::set(&bank).await;
    let (source, caller) = (json!(stage.ana.wallet), &stage.ana.caller);
    let guess = async |number: usize| {
        let body = pay(&source, &format!("nobody{number}@example.com"));
        caller.post("/v1/transfers", body).await
    };
    let rows = bank.row_counts().await;
    let mut answers = Vec::new();
    for number in 0..12 {
        answers.push(guess(number).await);
    }
    answers[0].expect_problem(404, "payee_not_found");
    let last = answers.last().expect("there were some");
    last.expect_problem(429, "rate_limited");
    assert!(
        last.header("retry-after")
            .parse::<u32>()
            .is_ok_and(|seconds| seconds > 0)
    );
    assert_eq!(bank.row_counts().await, rows);
    // Who knows an address may use it all the same, and others have a measure of their own.
    stage.made(pay(&source, &stage.ben.email)).await;
    let others = pay(&json!(stage.ben.wallet), "nobody@example.com");
    let answer = stage.ben.caller.post("/v1/transfers", others).await;
    answer.expect_problem(404, "payee_not_found");
}
