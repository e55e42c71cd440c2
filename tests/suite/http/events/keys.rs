//! The feed for programs with API keys: `events:read` shows all, a key that is limited to wallets only these.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{EVENTS, EventStage, each};

on_every_backend!(
    a_key_of_staff_sees_all_with_events_read,
    a_key_that_is_limited_to_wallets_sees_only_these,
);
on_sqlite!(a_key_without_the_scope_sees_nothing);

async fn key(bank: &TestBank, owner: &harness::Caller, body: Value) -> harness::Caller {
    let made = owner.post("/v1/api-keys", body).await.expect(201);
    bank.with_token(made["secret"].as_str().expect("a new key has a secret"))
}

async fn a_key_of_staff_sees_all_with_events_read(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    stage.paid("1").await;
    let scopes = json!(["transfers:read", "events:read"]);
    let reader = key(&bank, &stage.operator, json!({ "name": "feed", "scopes": scopes })).await;
    assert_eq!(
        each(&stage.seen(&reader, "", &begin).await, "type"),
        ["transfer.completed"]
    );
    // Without it a key of an operator sees the operator's own wallets, who has none.
    let body = json!({ "name": "feed", "scopes": ["transfers:read"] });
    let narrow = key(&bank, &stage.operator, body).await;
    assert_eq!(stage.seen(&narrow, "", &begin).await, Vec::<Value>::new());
}

async fn a_key_that_is_limited_to_wallets_sees_only_these(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    let begin = stage.now().await;
    stage.paid("1").await;
    bank.fund(euros, "2", "visa").await;
    let body = |wallets: Value| json!({ "name": "till", "scopes": ["transfers:read"], "wallet_ids": wallets });
    let narrow = key(&bank, &stage.ana.caller, body(json!([euros]))).await;
    assert_eq!(
        each(&stage.seen(&narrow, "", &begin).await, "type"),
        ["deposit.completed"]
    );
    let other = format!("{EVENTS}?wallet_id={}", stage.ana.wallet);
    narrow.get(&other).await.expect_problem(404, "wallet_not_found");
    let both = key(&bank, &stage.ana.caller, body(json!([euros, stage.ana.wallet]))).await;
    assert_eq!(
        stage.seen(&both, "", &begin).await,
        stage.seen(&stage.ana.caller, "", &begin).await
    );
    // A refusal on the owner's other wallet is not shown to the key, though the owner asked.
    let begin = stage.now().await;
    stage.refused().await;
    assert_eq!(stage.seen(&narrow, "", &begin).await, Vec::<Value>::new());
}

async fn a_key_without_the_scope_sees_nothing(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let body = json!({ "name": "till", "scopes": ["wallets:read"] });
    let narrow = key(&bank, &stage.ana.caller, body).await;
    for path in [EVENTS, "/v1/events/stream"] {
        narrow.get(path).await.expect_problem(403, "forbidden");
    }
    // A customer cannot give a key what they do not have.
    let body = json!({ "name": "till", "scopes": ["transfers:read", "events:read"] });
    let refused = stage.ana.caller.post("/v1/api-keys", body).await;
    assert!(matches!(refused.status, 403 | 422), "{}", refused.text);
}
