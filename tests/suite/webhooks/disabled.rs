//! What disables an endpoint, what its owner learns, and how it is made active again.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{HookReply, TestBank, TestWebhook, eventually, on_every_backend};
use serde_json::{Value, json};

use super::{HookStage, subjects};

on_every_backend!(
    three_days_without_success_disable_an_endpoint,
    a_success_in_between_begins_the_three_days_anew,
    an_endpoint_that_is_gone_is_disabled_at_once,
    a_disabled_endpoint_goes_on_where_it_was_when_it_is_made_active,
);

/// Ana's webhook, and the token with which she looks at it.
async fn anew(stage: &HookStage, hook: &TestWebhook) -> TestWebhook {
    hook.seen_by(&stage.bank.sign_in(&stage.ana.email).await)
}

/// An event fails until it is parked, or the endpoint is disabled; this takes an hour and a bit.
async fn fails_for_an_hour(stage: &HookStage, hook: &TestWebhook) -> Value {
    let before = hook.deliveries("parked").await.len();
    stage.pay_anew().await;
    hook.until_failed(1).await;
    stage.bank.advance(TimeDelta::minutes(61)).await;
    let hook = anew(stage, hook).await;
    eventually("the event is given up", async || {
        let now = hook.now().await;
        let is_parked = hook.deliveries("parked").await.len() > before;
        (is_parked || now["status"] == "disabled").then_some(now)
    })
    .await
}

async fn three_days_without_success_disable_an_endpoint(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let mut hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.receiver.set(HookReply::Status(500));
    let mut hours = 0;
    let disabled = loop {
        let now = fails_for_an_hour(&stage, &hook).await;
        if now["status"] == "disabled" {
            break now;
        }
        bank.advance(TimeDelta::hours(11)).await;
        hours += 12;
        assert!(hours < 96, "it is still active after {hours} hours");
        hook = anew(&stage, &hook).await;
    };
    assert!(hours >= 60, "it was disabled after {hours} hours");
    let reason = disabled["disabled_reason"].as_str().expect("the owner learns why");
    assert!(reason.contains("three days"), "{reason}");
    // It gets nothing more.
    let requests = stage.receiver.hooks("/ana").len();
    let ana = bank.sign_in(&stage.ana.email).await;
    stage.hook(&ana, "/other").await;
    stage.pay_anew().await;
    stage.receiver.until("/other", 1).await;
    assert_eq!(stage.receiver.hooks("/ana").len(), requests);
}

async fn a_success_in_between_begins_the_three_days_anew(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let mut hook = stage.hook(&stage.ana.caller, "/ana").await;
    for day in 0..5 {
        stage.receiver.set(HookReply::Status(500));
        let now = fails_for_an_hour(&stage, &hook).await;
        assert_eq!(now["status"], "active", "on day {day}");
        hook = anew(&stage, &hook).await;
        stage.receiver.set(HookReply::Status(200));
        stage.pay_anew().await;
        stage.receiver.until_delivered("/ana", day + 1).await;
        bank.advance(TimeDelta::hours(23)).await;
        hook = anew(&stage, &hook).await;
    }
}

async fn an_endpoint_that_is_gone_is_disabled_at_once(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    // Ids of one moment have no order of their own.
    bank.advance(TimeDelta::milliseconds(1)).await;
    let ben = stage.hook(&stage.ben.caller, "/ben").await;
    stage
        .receiver
        .reply_with(|hook| HookReply::Status(if hook.path == "/ana" { 410 } else { 200 }));
    stage.pays(3).await;
    let disabled = hook.until_status("disabled").await;
    let reason = disabled["disabled_reason"].as_str().expect("the owner learns why");
    assert!(reason.contains("410"), "{reason}");
    stage.receiver.until_delivered("/ben", 3).await;
    assert_eq!(stage.receiver.hooks("/ana").len(), 1);
    // Staff find it among all others.
    for (query, expected) in [
        ("status=disabled", json!([hook.id])),
        ("status=active", json!([ben.id])),
        ("status=paused", json!([])),
        ("", json!([ben.id, hook.id])),
    ] {
        let listed = stage.operator.get(&format!("/v1/webhooks?{query}")).await.expect(200);
        let ids = listed["items"].as_array().expect("a list has items").iter();
        assert_eq!(ids.map(|one| one["id"].clone()).collect::<Value>(), expected, "{query}");
    }
}

async fn a_disabled_endpoint_goes_on_where_it_was_when_it_is_made_active(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.receiver.set(HookReply::Status(410));
    let mut paid = stage.pays(2).await;
    hook.until_status("disabled").await;
    stage.receiver.set(HookReply::Status(200));
    paid.extend(stage.pays(2).await);
    let disabled = hook.now().await;
    assert!(disabled["failing_since"].is_string(), "{disabled}");
    // What comes after the cursor is what waits.
    let cursor = disabled["sent_through"].as_str().expect("it has come so far");
    let waiting = stage.feed(&stage.ana.caller, cursor).await;
    let waiting: Vec<Value> = waiting.iter().map(|event| event["data"]["id"].clone()).collect();
    assert_eq!(waiting, paid);
    let active = hook.change(json!({ "status": "active" })).await;
    assert_eq!(
        (&active["status"], &active["disabled_reason"], &active["failing_since"]),
        (&json!("active"), &Value::Null, &Value::Null)
    );
    let hooks = stage.receiver.until_delivered("/ana", 4).await;
    assert_eq!(subjects(&hooks), paid);
    // Only the bank disables.
    let refused = stage
        .ana
        .caller
        .patch(&hook.path(""), json!({ "status": "disabled" }))
        .await;
    assert!(matches!(refused.status, 400 | 422), "{}", refused.text);
}
