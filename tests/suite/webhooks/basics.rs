//! What a webhook is sent: the events that its user sees, signed, each once and in order.

use std::sync::Arc;

use harness::receiver::{hmac_signature, is_signed_by};
use harness::{EventPoller, ReceivedHook, TestBank, on_every_backend};
use serde_json::{Value, json};
use service::clock::Clock;

use super::{HookStage, ids, subjects};
use crate::requests::{act, wallet_path};

on_every_backend!(
    an_event_arrives_as_the_feed_shows_it,
    every_user_gets_what_they_see_and_no_more,
    a_new_webhook_begins_with_what_happens_next,
    types_and_wallets_are_chosen,
    a_request_is_signed_as_the_specification_says,
    a_request_is_signed_with_ed25519,
    a_test_is_sent_at_once,
    each_delivery_is_listed,
);

async fn an_event_arrives_as_the_feed_shows_it(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let begin = stage.end().await;
    stage.hook(&stage.operator, "/all").await;
    stage.hook(&stage.ana.caller, "/ana").await;
    stage.paid().await;
    act(&stage.operator, &wallet_path(stage.ben.wallet, "/freeze"))
        .await
        .expect(200);
    for (path, caller, count) in [("/all", &stage.operator, 2), ("/ana", &stage.ana.caller, 1)] {
        let hooks = stage.receiver.until_delivered(path, count).await;
        let feed = stage.feed(caller, &begin).await;
        let bodies: Vec<Value> = hooks.iter().map(ReceivedHook::event).collect();
        assert_eq!(bodies, feed, "{path}");
        for (hook, event) in hooks.iter().zip(&feed) {
            assert_eq!(hook.id(), event["id"].as_str().unwrap_or_default());
            assert_eq!(hook.header("content-type"), "application/json");
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(hook.header("user-agent"), format!("Florin/{version}"));
            let age = bank.clock.now() - hook.signed_at();
            assert!((0..=1).contains(&age.num_seconds()), "{age}");
            assert_eq!((hook.attempt, hook.header("authorization")), (1, ""));
        }
    }
}

async fn every_user_gets_what_they_see_and_no_more(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let eve = bank.customer_with("eve", "5").await;
    let begin = stage.end().await;
    let callers = [
        ("/all", &stage.operator),
        ("/ana", &stage.ana.caller),
        ("/ben", &stage.ben.caller),
        ("/eve", &eve.caller),
    ];
    for (path, caller) in callers {
        stage.hook(caller, path).await;
    }
    stage.paid().await;
    let too_much = json!({
        "source_wallet_id": stage.ana.wallet, "destination_wallet_id": stage.ben.wallet, "amount": "9000",
    });
    let refused = stage.ana.caller.post("/v1/transfers", too_much).await;
    refused.expect_problem(422, "insufficient_funds");
    let to_ben = json!({ "source_wallet_id": eve.wallet, "destination_wallet_id": stage.ben.wallet, "amount": "1" });
    eve.caller.post("/v1/transfers", to_ben).await.expect(201);
    for ((path, caller), types) in callers.into_iter().zip([
        vec!["transfer.completed", "transfer.failed", "transfer.completed"],
        vec!["transfer.completed", "transfer.failed"],
        vec!["transfer.completed", "transfer.completed"],
        vec!["transfer.completed"],
    ]) {
        let hooks = stage.receiver.until_delivered(path, types.len()).await;
        let bodies: Vec<Value> = hooks.iter().map(ReceivedHook::event).collect();
        assert_eq!(bodies, stage.feed(caller, &begin).await, "{path}");
        let shown: Vec<&Value> = bodies.iter().map(|body| &body["type"]).collect();
        assert_eq!(shown, types, "{path}");
    }
}

async fn a_new_webhook_begins_with_what_happens_next(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.pays(3).await;
    stage.hook(&stage.operator, "/all").await;
    let paid = stage.pays(2).await;
    let hooks = stage.receiver.until_delivered("/all", 2).await;
    assert_eq!(subjects(&hooks), paid);
}

async fn types_and_wallets_are_chosen(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    let (operator, ana) = (&stage.operator, &stage.ana.caller);
    let frozen = json!({ "types": ["wallet.frozen", "wallet.unfrozen"] });
    stage.hook_with(operator, "/types", frozen).await;
    stage.hook_with(ana, "/wallet", json!({ "wallet_ids": [euros] })).await;
    let both = json!({ "types": ["deposit.completed"], "wallet_ids": [stage.ana.wallet] });
    stage.hook_with(ana, "/both", both).await;
    stage.paid().await;
    bank.fund(euros, "2", "visa").await;
    bank.fund(stage.ana.wallet, "3", "visa").await;
    act(operator, &wallet_path(euros, "/freeze")).await.expect(200);
    act(operator, &wallet_path(euros, "/unfreeze")).await.expect(200);
    // What comes at last shows that nothing else came before.
    for (path, types) in [
        ("/types", vec!["wallet.frozen", "wallet.unfrozen"]),
        ("/wallet", vec!["deposit.completed", "wallet.frozen", "wallet.unfrozen"]),
        ("/both", vec!["deposit.completed"]),
    ] {
        let hooks = stage.receiver.until_delivered(path, types.len()).await;
        let shown: Vec<Value> = hooks.iter().map(|hook| hook.event()["type"].clone()).collect();
        assert_eq!(shown, types, "{path}");
    }
}

async fn a_request_is_signed_as_the_specification_says(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let first = stage.hook(&stage.ana.caller, "/first").await;
    let second = stage.hook(&stage.ana.caller, "/second").await;
    assert_ne!(first.secret, second.secret);
    stage.paid().await;
    let hooks = stage.receiver.until_delivered("/first", 1).await;
    assert!(first.has_signed(&hooks[0]), "{:?}", hooks[0]);
    assert!(!second.has_signed(&hooks[0]), "another secret has signed it");
    assert_eq!(hooks[0].header("webhook-signature").split(' ').count(), 1);
    // A changed body, id or time is noticed.
    let changes: [fn(&mut ReceivedHook); 3] = [
        |hook| hook.body.push(' '),
        |hook| drop(hook.headers.insert("webhook-id".to_owned(), "x".to_owned())),
        |hook| drop(hook.headers.insert("webhook-timestamp".to_owned(), "1".to_owned())),
    ];
    for change in changes {
        let mut changed = hooks[0].clone();
        change(&mut changed);
        assert!(!first.has_signed(&changed), "{changed:?}");
    }
}

/// The example that the specification and its libraries give, for the harness' own check.
#[test]
fn the_harness_agrees_with_the_published_example() {
    let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
    assert_eq!(
        hmac_signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signed),
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

async fn a_request_is_signed_with_ed25519(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "signing": "ed25519" }))
        .await;
    let public = hook.made["public_key"]
        .as_str()
        .expect("it has a public key")
        .to_owned();
    assert!(public.starts_with("whpk_"), "{public}");
    assert_eq!(hook.now().await["public_key"], public.as_str());
    stage.paid().await;
    let hooks = stage.receiver.until_delivered("/ana", 1).await;
    assert!(
        hooks[0].header("webhook-signature").starts_with("v1a,"),
        "{:?}",
        hooks[0]
    );
    assert!(is_signed_by(&hooks[0], &public));
    let mut changed = hooks[0].clone();
    changed.body.push(' ');
    assert!(!is_signed_by(&changed, &public));
}

async fn a_test_is_sent_at_once(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage
        .hook_with(&stage.ana.caller, "/ana", json!({ "types": ["wallet.closed"] }))
        .await;
    hook.change(json!({ "status": "paused" })).await;
    let delivery = hook.test().await;
    let hooks = stage.receiver.delivered("/ana");
    assert_eq!(hooks.len(), 1);
    let test = hooks[0].event();
    assert_eq!(test["type"], "webhook.test");
    // It has the members of every event.
    let feed = EventPoller::new(&stage.ana.caller, "").rest().await.to_vec();
    let members = |event: &Value| {
        event
            .as_object()
            .expect("an event is an object")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(members(&test), members(&feed[0]));
    assert!(hook.has_signed(&hooks[0]));
    assert_eq!(
        (&delivery["type"], &delivery["status"], &delivery["response_status"]),
        (&json!("webhook.test"), &json!("delivered"), &json!(200))
    );
    assert_eq!(delivery["event_id"], hooks[0].id());
    // It is no event of the feed.
    let feed = stage.feed(&stage.operator, &stage.end().await).await;
    assert_eq!(feed, Vec::<Value>::new());
}

async fn each_delivery_is_listed(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.pays(3).await;
    let hooks = stage.receiver.until_delivered("/ana", 3).await;
    let mut listed = hook.until_deliveries("delivered", 3).await;
    listed.reverse();
    let event_ids: Vec<&str> = listed.iter().filter_map(|one| one["event_id"].as_str()).collect();
    assert_eq!(event_ids, ids(&hooks));
    for delivery in &listed {
        assert_eq!(
            (&delivery["type"], &delivery["attempts"], &delivery["response_status"]),
            (&json!("transfer.completed"), &json!(1), &json!(200))
        );
        assert_eq!(delivery["next_attempt_at"], Value::Null);
    }
    for status in ["pending", "parked"] {
        assert_eq!(hook.deliveries(status).await, Vec::<Value>::new());
    }
}
