//! What a receiver may answer, and what becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{HookReply, TestBank, TestWebhook, on_every_backend};
use serde_json::{Value, json};

use super::{FIRST_PAUSE, HookStage, ids, subjects};

on_every_backend!(
    only_answers_of_success_are_deliveries,
    a_receiver_that_gives_no_answer_is_tried_again,
    a_redirect_is_not_followed,
);

/// Sends a test, and gives its delivery: one request, tried once.
async fn tested(stage: &HookStage, hook: &TestWebhook, reply: HookReply) -> Value {
    stage.receiver.set(reply);
    let delivery = hook.test().await;
    assert_eq!(delivery["attempts"], 1);
    delivery
}

async fn only_answers_of_success_are_deliveries(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    for status in [200, 201, 202, 204, 299] {
        let delivery = tested(&stage, &hook, HookReply::Status(status)).await;
        assert_eq!(
            (&delivery["status"], &delivery["response_status"]),
            (&json!("delivered"), &json!(status))
        );
    }
    for status in [300, 304, 400, 401, 404, 409, 422, 429, 500, 502, 503] {
        let delivery = tested(&stage, &hook, HookReply::Status(status)).await;
        assert_ne!(delivery["status"], "delivered", "{status}");
        assert_eq!(delivery["response_status"], status);
    }
    // The beginning of an answer is kept, and no more.
    let delivery = tested(&stage, &hook, HookReply::Says(400, "no such order".to_owned())).await;
    assert_eq!(delivery["response_excerpt"], "no such order");
    let delivery = tested(&stage, &hook, HookReply::Says(400, "ü".repeat(5_000))).await;
    let excerpt = delivery["response_excerpt"].as_str().expect("there is one");
    assert!(
        (900..=1_024).contains(&excerpt.len()) && excerpt.starts_with('ü'),
        "{}",
        excerpt.len()
    );
    // So is an answer of any size, of which little is read.
    let began = Instant::now();
    let delivery = tested(&stage, &hook, HookReply::Huge).await;
    assert_eq!(delivery["status"], "delivered");
    assert!(
        delivery["response_excerpt"]
            .as_str()
            .is_none_or(|excerpt| excerpt.len() <= 1_024)
    );
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let sent = stage.receiver.sent_bytes();
    assert!(sent < 16 * 1024 * 1024, "{sent} bytes were taken");
}

async fn a_receiver_that_gives_no_answer_is_tried_again(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let replies = [HookReply::HangsUp, HookReply::Babbles, HookReply::Status(503)];
    stage.receiver.reply_with(move |hook| {
        let reply = replies.get(hook.attempt - 1);
        reply.cloned().unwrap_or(HookReply::Status(200))
    });
    let paid = stage.pays(2).await;
    for attempts in 1..=3 {
        hook.until_failed(attempts).await;
        bank.advance(FIRST_PAUSE * (1 << (attempts - 1))).await;
    }
    let hooks = stage
        .receiver
        .until_that("/ana", "a delivery", |hooks| hooks.iter().any(|hook| hook.is_taken()));
    let hooks = hooks.await;
    assert_eq!(subjects(&hooks[..4]), vec![paid[0].clone(); 4]);
    assert!(ids(&hooks[..4]).iter().all(|id| *id == hooks[0].id()));
    // Each attempt is signed anew, at its own time.
    assert!(hooks.iter().all(|one| hook.has_signed(one)), "{hooks:?}");
    let times: Vec<_> = hooks[..4].iter().map(|hook| hook.signed_at()).collect();
    assert!(times.is_sorted() && times[0] < times[3], "{times:?}");
}

async fn a_redirect_is_not_followed(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let elsewhere = stage.receiver.url("/elsewhere");
    let delivery = tested(&stage, &hook, HookReply::Redirects(elsewhere)).await;
    assert_eq!(
        (&delivery["response_status"], &delivery["status"] != "delivered"),
        (&json!(302), true)
    );
    assert_eq!(stage.receiver.hooks("/elsewhere").len(), 0);
}
