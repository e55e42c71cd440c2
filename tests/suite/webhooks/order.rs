//! The order of deliveries: one endpoint gets its events one after the other, and waits for no other endpoint.

use std::sync::Arc;
use std::time::Duration;

use harness::{HookReply, TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{FIRST_PAUSE, HookStage, subjects};

on_every_backend!(
    an_ordered_endpoint_gets_one_request_at_a_time_in_order,
    an_endpoint_that_hangs_delays_no_other,
    a_failing_event_holds_up_its_own_endpoint_only,
    a_paused_endpoint_waits_and_goes_on_where_it_was,
    a_changed_url_counts_for_the_next_request,
    a_deleted_endpoint_gets_nothing_more,
);

async fn an_ordered_endpoint_gets_one_request_at_a_time_in_order(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.receiver.set(HookReply::Later(Duration::from_millis(3), 200));
    stage.hook(&stage.ana.caller, "/ana").await;
    stage.hook(&stage.ben.caller, "/ben").await;
    let paid = stage.pays(60).await;
    for path in ["/ana", "/ben"] {
        let hooks = stage.receiver.until_delivered(path, paid.len()).await;
        assert_eq!(subjects(&hooks), paid);
        assert_eq!(stage.receiver.most_at_once(path), 1);
    }
}

async fn an_endpoint_that_hangs_delays_no_other(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.receiver.reply_with(|hook| match hook.path.as_str() {
        "/hangs" => HookReply::Held,
        _ => HookReply::Status(200),
    });
    // The one that hangs belongs to the same user as another one, and was there before.
    stage.hook(&stage.ana.caller, "/hangs").await;
    for (path, caller) in [
        ("/ana", &stage.ana.caller),
        ("/ben", &stage.ben.caller),
        ("/all", &stage.operator),
    ] {
        stage.hook(caller, path).await;
    }
    let first = stage.paid().await["id"].clone();
    stage.receiver.until("/hangs", 1).await;
    let mut paid = vec![first];
    paid.extend(stage.pays(20).await);
    for path in ["/ana", "/ben", "/all"] {
        let hooks = stage.receiver.until_delivered(path, paid.len()).await;
        assert_eq!(subjects(&hooks), paid, "{path}");
    }
    assert_eq!(stage.receiver.hooks("/hangs").len(), 1);
    stage.receiver.set(HookReply::Status(200));
    stage.receiver.let_go();
    let hooks = stage.receiver.until_delivered("/hangs", paid.len()).await;
    assert_eq!(subjects(&hooks), paid, "nothing is lost, and nothing comes twice");
}

async fn a_failing_event_holds_up_its_own_endpoint_only(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage
        .receiver
        .reply_with(|hook| match (hook.path.as_str(), hook.attempt) {
            ("/ana", 1 | 2) => HookReply::Status(500),
            _ => HookReply::Status(200),
        });
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.hook(&stage.ben.caller, "/ben").await;
    let paid = stage.pays(3).await;
    assert_eq!(subjects(&stage.receiver.until_delivered("/ben", 3).await), paid);
    let failed = hook.until_failed(1).await;
    assert_eq!(
        (&failed["attempts"], &failed["response_status"]),
        (&json!(1), &json!(500))
    );
    assert_eq!(stage.receiver.hooks("/ana").len(), 1, "the second waits for the first");
    // Each of the three fails twice; the order stays.
    let mut requests = 1;
    for _ in 0..3 {
        for attempts in 1..=2 {
            hook.until_failed(attempts).await;
            bank.advance(FIRST_PAUSE * attempts as i32).await;
            requests += 1;
            stage.receiver.until("/ana", requests).await;
        }
        requests += 1;
    }
    let hooks = stage.receiver.until_delivered("/ana", 3).await;
    assert_eq!(subjects(&hooks), paid);
    let all: Vec<Value> = paid.iter().flat_map(|id| vec![id.clone(); 3]).collect();
    assert_eq!(subjects(&stage.receiver.hooks("/ana")), all);
}

async fn a_paused_endpoint_waits_and_goes_on_where_it_was(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.hook(&stage.ben.caller, "/ben").await;
    let mut paid = stage.pays(2).await;
    stage.receiver.until_delivered("/ana", 2).await;
    let paused = hook.change(json!({ "status": "paused" })).await;
    assert_eq!(
        (&paused["status"], &paused["disabled_reason"]),
        (&json!("paused"), &Value::Null)
    );
    paid.extend(stage.pays(5).await);
    // By the time that Ben has them all, Ana would have them too.
    stage.receiver.until_delivered("/ben", 7).await;
    assert_eq!(stage.receiver.hooks("/ana").len(), 2);
    hook.change(json!({ "status": "active" })).await;
    let hooks = stage.receiver.until_delivered("/ana", 7).await;
    assert_eq!(subjects(&hooks), paid);
    assert!(hooks.iter().all(|hook| hook.attempt == 1), "{hooks:?}");
}

async fn a_changed_url_counts_for_the_next_request(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/old").await;
    let mut paid = stage.pays(1).await;
    stage.receiver.until_delivered("/old", 1).await;
    let changed = hook.change(json!({ "url": stage.receiver.url("/new") })).await;
    assert_eq!(changed["url"], stage.receiver.url("/new").as_str());
    paid.extend(stage.pays(2).await);
    assert_eq!(subjects(&stage.receiver.until_delivered("/new", 2).await), paid[1..]);
    assert_eq!(stage.receiver.hooks("/old").len(), 1);
    // The filters count at once, too.
    hook.change(json!({ "types": ["wallet.opened"] })).await;
    stage.paid().await;
    bank.open_wallet(&stage.ana, "EUR").await;
    let hooks = stage.receiver.until_delivered("/new", 3).await;
    assert_eq!(hooks[2].event()["type"], "wallet.opened");
    hook.change(json!({ "types": null })).await;
    let last = stage.paid().await;
    assert_eq!(stage.receiver.until_delivered("/new", 4).await[3].event()["data"], last);
}

async fn a_deleted_endpoint_gets_nothing_more(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/gone").await;
    stage.hook(&stage.ana.caller, "/stays").await;
    stage.paid().await;
    stage.receiver.until_delivered("/gone", 1).await;
    let gone = stage.ana.caller.delete(&hook.path("")).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    stage.pays(3).await;
    stage.receiver.until_delivered("/stays", 4).await;
    assert_eq!(stage.receiver.hooks("/gone").len(), 1);
    let again = stage.ana.caller.get(&hook.path("")).await;
    again.expect_problem(404, "webhook_not_found");
    for table in ["webhook_secrets", "webhook_deliveries"] {
        let of_hook = bank.literal(hook.id.parse().expect("it is an id"));
        let sql = format!("SELECT count(*) AS n FROM {table} WHERE webhook_id = {of_hook}");
        assert_eq!(bank.number(&sql).await, 0, "{table}");
    }
}
