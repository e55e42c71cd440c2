//! Events that are sent again on demand: the same ones, with the same ids, in the same order.

use std::sync::Arc;

use harness::events::cursor_in;
use harness::{HookReply, TestBank, on_every_backend};
use serde_json::json;

use super::{FIRST_PAUSE, HookStage, ids, subjects};

on_every_backend!(
    a_replay_sends_again_with_the_same_ids,
    a_replay_from_the_beginning_sends_what_was_before_the_endpoint,
    a_replay_goes_on_with_what_comes,
    a_replay_overtakes_what_waits,
    a_replay_from_a_cursor_of_another_ledger_is_refused,
);

async fn a_replay_sends_again_with_the_same_ids(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let paid = stage.pays(6).await;
    let first = stage.receiver.until_delivered("/ana", 6).await;
    hook.replay(first[1].id()).await;
    let all = stage.receiver.until_delivered("/ana", 10).await;
    assert_eq!(subjects(&all[6..]), paid[2..]);
    assert_eq!(ids(&all[6..]), ids(&first[2..]));
    for (again, before) in all[6..].iter().zip(&first[2..]) {
        assert_eq!((again.attempt, &again.body), (2, &before.body));
        assert!(hook.has_signed(again));
    }
}

async fn a_replay_from_the_beginning_sends_what_was_before_the_endpoint(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let paid = stage.pays(3).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let replay = stage
        .ana
        .caller
        .post(&hook.path("/replay"), json!({ "after": "start" }))
        .await;
    assert_eq!(replay.expect(200)["id"], hook.id.as_str());
    // Before that came her wallet and the deposit.
    let hooks = stage.receiver.until_delivered("/ana", 5).await;
    assert_eq!(hooks[0].event()["type"], "wallet.opened");
    assert_eq!(hooks[1].event()["type"], "deposit.completed");
    assert_eq!(subjects(&hooks[2..]), paid);
}

async fn a_replay_goes_on_with_what_comes(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let begin = stage.end().await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let mut paid = stage.pays(20).await;
    stage.receiver.until_delivered("/ana", 20).await;
    let (_, more) = tokio::join!(hook.replay(&begin), stage.pays(10));
    paid.extend(more);
    let last = paid[29].clone();
    let is_over = |hooks: &[harness::ReceivedHook]| {
        let again = hooks.iter().filter(|hook| hook.attempt == 2);
        let newest = hooks.last().map(|hook| hook.event()["data"]["id"].clone());
        again.count() >= 20 && newest.as_ref() == Some(&last)
    };
    let hooks = stage.receiver.until_that("/ana", "all events", is_over).await;
    // Whenever the replay came, after it everything came once more in order.
    let after = &hooks[hooks.len() - 30..];
    assert_eq!(subjects(after), paid);
}

async fn a_replay_overtakes_what_waits(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let mut paid = stage.pays(2).await;
    let first = stage.receiver.until_delivered("/ana", 2).await;
    stage.receiver.set(HookReply::Status(500));
    paid.extend(stage.pays(2).await);
    hook.until_failed(1).await;
    stage.receiver.set(HookReply::Status(200));
    hook.replay(first[0].id()).await;
    bank.advance(FIRST_PAUSE).await;
    let hooks = stage.receiver.until_delivered("/ana", 5).await;
    assert_eq!(subjects(&hooks[2..]), paid[1..]);
}

async fn a_replay_from_a_cursor_of_another_ledger_is_refused(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let foreign = cursor_in(uuid::Uuid::nil(), uuid::Uuid::from_u128(7));
    for after in [foreign.as_str(), "x", ""] {
        let refused = stage
            .ana
            .caller
            .post(&hook.path("/replay"), json!({ "after": after }))
            .await;
        refused.expect_problem(400, "invalid_request");
    }
}
