//! Payees: a destination that is named by the e-mail address of its owner.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{HttpStage, text};

on_every_backend!(
    an_address_finds_the_wallet_of_the_sources_currency,
    an_address_of_nobody_is_refused,
);
on_sqlite!(a_throttled_caller_gets_the_same_answer_for_known_and_unknown_addresses);

/// A transfer of Ana's to the person with an address.
fn pay(source: &Value, email: &str) -> Value {
    json!({ "source_wallet_id": source, "destination_email": email, "amount": "1" })
}

async fn an_address_finds_the_wallet_of_the_sources_currency(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
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
    let stage = HttpStage::set(&bank).await;
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

async fn a_throttled_caller_gets_the_same_answer_for_known_and_unknown_addresses(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let (source, caller) = (json!(stage.ana.wallet), &stage.ana.caller);
    let rows = bank.row_counts().await;
    for number in 0..10 {
        let guess = pay(&source, &format!("nobody{number}@example.com"));
        let answer = caller.post("/v1/transfers", guess).await;
        answer.expect_problem(404, "payee_not_found");
    }
    let mut problems = BTreeSet::new();
    for email in ["nobody@example.com", stage.ben.email.as_str()] {
        let mut zero = pay(&source, email);
        zero["amount"] = json!("0");
        let batch = json!({ "atomic": false, "transfers": [stage.pay("1"), pay(&source, email)] });
        for (path, body) in [
            ("/v1/transfers", pay(&source, email)),
            ("/v1/transfers", zero.clone()),
            ("/v1/transfers?dry_run=true", zero),
            ("/v1/transfers/batch", batch.clone()),
            ("/v1/transfers/batch?dry_run=true", batch),
        ] {
            for answer in [
                caller.post(path, body.clone()).await,
                caller.post_once(path, "new", body).await,
            ] {
                answer.expect_problem(429, "rate_limited");
                let seconds = answer.header("retry-after").parse::<u32>();
                assert!(
                    seconds.as_ref().is_ok_and(|seconds| (1..=30).contains(seconds)),
                    "{seconds:?}"
                );
                problems.insert(answer.text_without_id());
            }
        }
    }
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(bank.row_counts().await, rows);
    // A wallet may still be paid by its id, and others have misses of their own.
    stage.made(stage.pay("1")).await;
    let others = pay(&json!(stage.ben.wallet), "nobody@example.com");
    let answer = stage.ben.caller.post("/v1/transfers", others).await;
    answer.expect_problem(404, "payee_not_found");
}
