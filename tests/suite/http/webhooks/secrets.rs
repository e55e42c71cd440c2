//! The secret of a webhook in answers, and how it is replaced.

use std::sync::Arc;

use harness::{TestBank, TestWebhook};
use serde_json::{Value, json};

use super::stage;

on_sqlite!(a_public_key_is_shown_and_no_secret, a_secret_is_replaced_without_a_body);

async fn a_public_key_is_shown_and_no_secret(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({ "signing": "ed25519" })).await;
    let rotated = hook.rotate(60).await;
    for made in [&hook.made, &rotated.made] {
        assert_eq!(made["secret"], Value::Null);
        let public = made["public_key"].as_str().unwrap_or_default();
        assert!(public.starts_with("whpk_"), "{made}");
    }
    assert_ne!(hook.made["public_key"], rotated.made["public_key"]);
}

async fn a_secret_is_replaced_without_a_body(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    let rotated = ana.caller.act(&hook.path("/rotate-secret")).await.expect(201);
    assert_ne!(rotated["secret"], hook.made["secret"]);
    // Both sign: the overlap is a day when it is not named.
    hook.test().await;
    let hooks = receiver.delivered("/");
    let signatures = hooks[0].header("webhook-signature");
    assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
}
