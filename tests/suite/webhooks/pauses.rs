//! The pauses between attempts, and what happens to an event that fails for an hour.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use harness::{HookReply, TestBank, TestWebhook, on_every_backend};
use serde_json::{Value, json};
use service::clock::Clock;
use service::values::Timestamp;

use super::{HookStage, LONGEST_PAUSE, subjects};

on_every_backend!(
    pauses_grow_from_attempt_to_attempt,
    an_event_that_fails_for_an_hour_is_parked_and_the_next_goes_on,
    a_parked_event_is_tried_again_on_demand,
    no_attempt_is_made_before_its_time,
);

fn time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    DateTime::parse_from_rfc3339(text)
        .expect("it is a time")
        .with_timezone(&Utc)
}

/// The webhook as a caller sees it whose token is new: tokens end after fifteen minutes.
async fn anew(stage: &HookStage, hook: &TestWebhook) -> TestWebhook {
    hook.seen_by(&stage.bank.sign_in(&stage.ana.email).await)
}

async fn pauses_grow_from_attempt_to_attempt(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.receiver.set(HookReply::Status(500));
    let mut hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.paid().await;
    for (attempts, seconds) in (1..).zip([5, 10, 20, 40, 80, 160, 300, 600, 600]) {
        let failed = hook.until_failed(attempts).await;
        let pause = time(&failed["next_attempt_at"]) - bank.clock.now();
        let thousandths = pause.num_milliseconds() / seconds;
        assert!((900..=1_100).contains(&thousandths), "{pause} for attempt {attempts}");
        bank.advance(pause).await;
        stage.receiver.until("/ana", attempts as usize + 1).await;
        hook = anew(&stage, &hook).await;
    }
}

async fn an_event_that_fails_for_an_hour_is_parked_and_the_next_goes_on(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let mut hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.receiver.set(HookReply::Status(500));
    let paid = stage.pays(3).await;
    let first = stage.receiver.until("/ana", 1).await[0].id().to_owned();
    let failing = first.clone();
    stage
        .receiver
        .reply_with(move |hook| HookReply::Status(if hook.id() == failing { 500 } else { 200 }));
    // At 11, 22, 33, 44, 55 and 66 minutes; the last attempt is that of its hour.
    for attempts in 1..=6 {
        hook.until_failed(attempts).await;
        assert_eq!(stage.receiver.hooks("/ana").len(), attempts as usize, "the others wait");
        bank.advance(LONGEST_PAUSE).await;
        hook = anew(&stage, &hook).await;
    }
    let hooks = stage.receiver.until_delivered("/ana", 2).await;
    assert_eq!(subjects(&hooks), paid[1..]);
    let parked = hook.until_deliveries("parked", 1).await;
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (
            &parked[0]["event_id"],
            &parked[0]["response_status"],
            &parked[0]["next_attempt_at"]
        ),
        (&json!(first), &json!(500), &Value::Null)
    );
    let lasted = stage.receiver.hooks("/ana");
    let tried: Vec<_> = lasted.iter().filter(|hook| hook.id() == first).collect();
    assert_eq!(parked[0]["attempts"], tried.len());
    let span = tried[tried.len() - 1].signed_at() - tried[0].signed_at();
    assert!(
        span >= TimeDelta::minutes(49) && span <= TimeDelta::minutes(72),
        "{span}"
    );
    assert_eq!(hook.now().await["status"], "active");
}

async fn a_parked_event_is_tried_again_on_demand(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let parked = stage.park_one(&hook).await;
    let hook = anew(&stage, &hook).await;
    stage.receiver.set(HookReply::Status(200));
    let later = stage.pay_anew().await;
    stage.receiver.until_delivered("/ana", 1).await;
    let asked = hook.retry(&parked).await.expect(200);
    assert_eq!(asked["id"], parked["id"]);
    let hooks = stage.receiver.until_delivered("/ana", 2).await;
    assert_eq!(hooks[0].event()["data"]["id"], later["id"]);
    assert_eq!(json!(hooks[1].id()), parked["event_id"]);
    let delivered = hook.until_deliveries("delivered", 2).await;
    assert!(delivered.iter().any(|one| one["id"] == parked["id"]), "{delivered:?}");
    assert_eq!(hook.deliveries("parked").await, Vec::<Value>::new());
    // What does not exist, and what is delivered, cannot be tried again by accident.
    let unknown = json!({ "id": uuid::Uuid::from_u128(7) });
    hook.retry(&unknown).await.expect_problem(404, "delivery_not_found");
}

async fn no_attempt_is_made_before_its_time(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.receiver.set(HookReply::Status(500));
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.hook(&stage.ben.caller, "/ben").await;
    stage.paid().await;
    let failed = hook.until_failed(1).await;
    let pause = time(&failed["next_attempt_at"]) - bank.clock.now();
    bank.advance(pause - TimeDelta::milliseconds(1)).await;
    // A new endpoint gets its first request at once, and shows that the bank is sending.
    stage.hook(&stage.operator, "/all").await;
    stage.paid().await;
    stage.receiver.until("/all", 1).await;
    assert_eq!(stage.receiver.hooks("/ana").len(), 1);
    bank.advance(TimeDelta::milliseconds(1)).await;
    stage.receiver.until("/ana", 2).await;
}

impl HookStage {
    /// One event of Ana's fails until it is parked; gives its delivery.
    pub async fn park_one(&self, hook: &TestWebhook) -> Value {
        self.receiver.set(HookReply::Status(500));
        self.paid().await;
        hook.until_failed(1).await;
        // The first attempt is more than an hour ago when the second fails.
        self.bank.advance(TimeDelta::minutes(61)).await;
        let hook = anew(self, hook).await;
        hook.until_deliveries("parked", 1).await[0].clone()
    }
}
