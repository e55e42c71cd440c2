//! How far a webhook has come, and from where it is sent events again.

use std::sync::Arc;

use harness::{HookReply, TestBank, TestWebhook};
use serde_json::{Value, json};

use super::{is_refused_for, stage};

on_sqlite!(a_replay_names_where_it_begins, a_webhook_shows_how_far_it_has_come);

async fn a_replay_names_where_it_begins(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    for body in [
        json!({}),
        json!({ "after": null }),
        json!({ "after": "" }),
        json!({ "after": "begin" }),
    ] {
        let refused = ana.caller.post(&hook.path("/replay"), body).await;
        refused.expect_problem(400, "invalid_request");
        is_refused_for(&refused, "after");
    }
    assert_eq!(receiver.delivered("/").len(), 0);
    let replay = ana
        .caller
        .post(&hook.path("/replay"), json!({ "after": "start" }))
        .await;
    replay.expect(200);
    // Her wallet was opened, and she got a deposit.
    let hooks = receiver.until_delivered("/", 2).await;
    assert_eq!(hooks[0].event()["type"], "wallet.opened");
}

async fn a_webhook_shows_how_far_it_has_come(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    assert_eq!(hook.made["failing_since"], Value::Null);
    let begin = hook.made["sent_through"].as_str().expect("it is a cursor").to_owned();
    receiver.set(HookReply::Status(500));
    bank.open_wallet(&ana, "EUR").await;
    hook.until_failed(1).await;
    let failing = hook.now().await;
    assert!(failing["failing_since"].is_string(), "{failing}");
    // What waits is what comes after the cursor.
    let backlog = async |webhook: &Value| {
        let cursor = webhook["sent_through"].as_str().unwrap_or_default();
        let page = ana.caller.get(&format!("/v1/events?after={cursor}")).await;
        page.expect(200)["items"].as_array().map(Vec::len)
    };
    assert_eq!(backlog(&failing).await, Some(1));
    assert_eq!(failing["sent_through"], begin);
    receiver.set(HookReply::Status(200));
    let pending = hook.deliveries("pending").await;
    hook.retry(&pending[0]).await.expect(200);
    hook.until_deliveries("delivered", 1).await;
    let done = hook.now().await;
    assert_eq!((backlog(&done).await, &done["failing_since"]), (Some(0), &Value::Null));
}
