//! An endpoint that is not ordered: several requests at once, and a failing event holds up no other.

use std::sync::Arc;

use harness::{HookReply, TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{FIRST_PAUSE, HookStage, subjects};

on_every_backend!(
    a_failing_event_is_passed_by_the_others,
    several_requests_are_under_way_at_once_and_no_event_twice,
    an_endpoint_that_becomes_ordered_loses_nothing,
);

async fn a_failing_event_is_passed_by_the_others(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "ordered": false }))
        .await;
    assert_eq!(hook.made["ordered"], false);
    stage.receiver.reply_with(move |hook| {
        let is_failing = hook.body.contains("0.0200") && hook.attempt <= 2;
        HookReply::Status(if is_failing { 500 } else { 200 })
    });
    let failing = json!({
        "source_wallet_id": stage.ana.wallet, "destination_wallet_id": stage.ben.wallet, "amount": "0.02",
    });
    let failing = stage.ana.caller.post("/v1/transfers", failing).await.expect(201);
    let paid = stage.pays(9).await;
    let mut delivered = subjects(&stage.receiver.until_delivered("/ana", 9).await);
    delivered.sort_by_key(Value::to_string);
    assert_eq!(delivered, paid);
    for attempts in 1..=2 {
        let failed = hook.until_failed(attempts).await;
        assert_eq!(failed["attempts"], attempts);
        bank.advance(FIRST_PAUSE * attempts as i32).await;
    }
    let hooks = stage.receiver.until_delivered("/ana", 10).await;
    assert_eq!(hooks[9].event()["data"]["id"], failing["id"]);
    assert_eq!(hooks[9].attempt, 3);
    let delivered = hook.until_deliveries("delivered", 10).await;
    assert_eq!(delivered.len(), 10);
}

async fn several_requests_are_under_way_at_once_and_no_event_twice(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.receiver.set(HookReply::Held);
    stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "ordered": false }))
        .await;
    let paid = stage.pays(30).await;
    stage.receiver.until("/ana", 8).await;
    assert_eq!(stage.receiver.most_at_once("/ana"), 8);
    stage.receiver.set(HookReply::Status(200));
    stage.receiver.let_go();
    let mut delivered = subjects(&stage.receiver.until_delivered("/ana", 30).await);
    delivered.sort_by_key(Value::to_string);
    assert_eq!(delivered, paid);
    assert_eq!(
        (stage.receiver.most_at_once("/ana"), stage.receiver.most_of_one_id()),
        (8, 1)
    );
    assert_eq!(stage.receiver.hooks("/ana").len(), 30);
}

async fn an_endpoint_that_becomes_ordered_loses_nothing(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.receiver.set(HookReply::Status(500));
    let hook = stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "ordered": false }))
        .await;
    let mut paid = stage.pays(5).await;
    hook.until_deliveries("pending", 5).await;
    stage.receiver.set(HookReply::Status(200));
    hook.change(json!({ "ordered": true })).await;
    paid.extend(stage.pays(5).await);
    bank.advance(FIRST_PAUSE).await;
    let mut delivered = subjects(&stage.receiver.until_delivered("/ana", 10).await);
    delivered.sort_by_key(Value::to_string);
    assert_eq!(delivered, paid);
}
