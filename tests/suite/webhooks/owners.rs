//! Whose webhooks they are, and what becomes of them when their user changes.

use std::sync::Arc;

use harness::{Answer, TestBank, TestWebhook, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::actor::Actor;
use service::values::Role;

use super::{HookStage, subjects};

on_every_backend!(
    other_peoples_webhooks_do_not_exist,
    operators_manage_the_webhooks_of_every_user,
    a_suspended_users_endpoint_waits,
    a_lesser_role_narrows_what_an_endpoint_gets,
    a_user_has_sixteen_webhooks_at_most,
    a_key_that_is_limited_to_wallets_makes_webhooks_for_these_only,
    wallets_of_others_cannot_be_chosen,
);

async fn other_peoples_webhooks_do_not_exist(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    stage.paid().await;
    let delivery = hook.until_deliveries("delivered", 1).await[0].clone();
    let ben = &stage.ben.caller;
    let retry = format!("/deliveries/{}/retry", delivery["id"].as_str().unwrap_or_default());
    let before = hook.now().await;
    for answer in [
        ben.get(&hook.path("")).await,
        ben.patch(&hook.path(""), json!({ "status": "paused" })).await,
        ben.delete(&hook.path("")).await,
        ben.act(&hook.path("/test")).await,
        ben.post(&hook.path("/rotate-secret"), json!({})).await,
        ben.post(&hook.path("/replay"), json!({ "after": "start" })).await,
        ben.get(&hook.path("/deliveries")).await,
        ben.act(&hook.path(&retry)).await,
    ] {
        answer.expect_problem(404, "webhook_not_found");
    }
    let listed = ben.get("/v1/webhooks").await.expect(200);
    assert_eq!(listed["items"], json!([]));
    let of_ana = format!("/v1/webhooks?user_id={}", stage.ana.actor.user);
    ben.get(&of_ana).await.expect_problem(403, "forbidden");
    assert_eq!(hook.now().await, before);
    assert_eq!(stage.receiver.hooks("/ana").len(), 1);
    // A delivery is one of its own webhook only.
    let bens = stage.hook(ben, "/ben").await;
    bens.retry(&delivery).await.expect_problem(404, "delivery_not_found");
}

async fn operators_manage_the_webhooks_of_every_user(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let seen = hook.seen_by(&stage.operator);
    assert_eq!(seen.now().await, hook.now().await);
    let of_ana = format!("/v1/webhooks?user_id={}", stage.ana.actor.user);
    let listed = stage.operator.get(&of_ana).await.expect(200);
    assert_eq!(listed["items"], json!([hook.now().await]));
    let mut own = hook.made.clone();
    if let Some(own) = own.as_object_mut() {
        own.remove("secret");
    }
    assert_eq!(own, hook.now().await, "the secret is shown once");
    assert_eq!(
        seen.change(json!({ "status": "paused" })).await["user_id"],
        json!(stage.ana.actor.user)
    );
    assert_eq!(hook.now().await["status"], "paused");
    // Support and auditors have no webhooks.
    for (name, role) in [("sue", Role::Support), ("aud", Role::Auditor)] {
        bank.user(name, role).await;
        let caller = bank.sign_in(&format!("{name}@example.com")).await;
        let refused = TestWebhook::try_make(&caller, &stage.receiver.url("/x"), json!({})).await;
        refused.expect_problem(403, "forbidden");
        caller.get(&hook.path("")).await.expect_problem(403, "forbidden");
    }
}

async fn a_suspended_users_endpoint_waits(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    stage.hook(&stage.ana.caller, "/ana").await;
    stage.hook(&stage.ben.caller, "/ben").await;
    let operator = bank.operator_actor().await;
    let mut paid = stage.pays(1).await;
    stage.receiver.until_delivered("/ana", 1).await;
    let identity = &bank.services.identity;
    identity
        .suspend(&operator, stage.ana.actor.user)
        .await
        .expect("she can be suspended");
    // Money still comes to her wallet.
    for _ in 0..3 {
        let back = json!({
            "source_wallet_id": stage.ben.wallet, "destination_wallet_id": stage.ana.wallet, "amount": "0.001",
        });
        let back = stage.ben.caller.post("/v1/transfers", back).await.expect(201);
        paid.push(back["id"].clone());
    }
    stage.receiver.until_delivered("/ben", 4).await;
    assert_eq!(stage.receiver.hooks("/ana").len(), 1);
    identity
        .activate(&operator, stage.ana.actor.user)
        .await
        .expect("she can be activated");
    let hooks = stage.receiver.until_delivered("/ana", 4).await;
    assert_eq!(subjects(&hooks), paid);
}

async fn a_lesser_role_narrows_what_an_endpoint_gets(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let admin = bank.user("dora", Role::Admin).await;
    let admin = Actor::new(admin.id, admin.role);
    stage.hook(&stage.operator, "/narrow").await;
    stage.hook(&stage.ben.caller, "/ben").await;
    stage.paid().await;
    stage.receiver.until_delivered("/narrow", 1).await;
    let operator = bank.operator_actor().await;
    let changed = bank
        .services
        .identity
        .set_role(&admin, operator.user, Role::Customer)
        .await;
    changed.expect("a role can be given");
    stage.pays(5).await;
    stage.receiver.until_delivered("/ben", 6).await;
    // They get what is theirs from now on.
    let caller = bank.sign_in("operator@example.com").await;
    let opened = caller
        .post("/v1/wallets", json!({ "currency": "USD" }))
        .await
        .expect(201);
    let hooks = stage.receiver.until_delivered("/narrow", 2).await;
    assert_eq!(hooks[1].event()["data"], opened);
    assert_eq!(hooks.len(), 2);
}

async fn a_user_has_sixteen_webhooks_at_most(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let mut hooks = Vec::new();
    for number in 0..16 {
        hooks.push(stage.hook(&stage.ana.caller, &format!("/{number}")).await);
    }
    let more = async || TestWebhook::try_make(&stage.ana.caller, &stage.receiver.url("/more"), json!({})).await;
    more().await.expect_problem(422, "too_many_webhooks");
    // Others have their own, and a deleted one makes room.
    stage.hook(&stage.ben.caller, "/ben").await;
    assert_eq!(stage.ana.caller.delete(&hooks[3].path("")).await.status, 204);
    more().await.expect(201);
    // Sixteen requests at once find one place.
    assert_eq!(stage.ana.caller.delete(&hooks[4].path("")).await.status, 204);
    let answers = harness::all_at_once((0..16).map(|_| {
        let url = stage.receiver.url("/race");
        let caller = &stage.ana.caller;
        async move { TestWebhook::try_make(caller, &url, json!({})).await }
    }))
    .await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    // Pages of the list.
    let page = stage.ana.caller.get("/v1/webhooks?limit=10").await.expect(200);
    let cursor = page["next_cursor"].as_str().expect("there are more").to_owned();
    let rest = stage
        .ana
        .caller
        .get(&format!("/v1/webhooks?limit=10&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        (
            page["items"].as_array().map(Vec::len),
            rest["items"].as_array().map(Vec::len)
        ),
        (Some(10), Some(6))
    );
}

async fn a_key_that_is_limited_to_wallets_makes_webhooks_for_these_only(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let euros = bank.open_wallet(&stage.ana, "EUR").await;
    let all = stage.hook(&stage.ana.caller, "/all").await;
    let body = json!({
        "name": "till", "scopes": ["webhooks:write", "transfers:read"], "wallet_ids": [euros],
    });
    let key = bank.key(&stage.ana.caller, body).await;
    let hook = stage.hook(&key, "/euros").await;
    assert_eq!(hook.made["wallet_ids"], json!([euros]));
    let other = json!({ "wallet_ids": [stage.ana.wallet] });
    let refused = TestWebhook::try_make(&key, &stage.receiver.url("/x"), other.clone()).await;
    refused.expect_problem(404, "wallet_not_found");
    // It cannot widen its own either, nor see one that is wider.
    let refused = key.patch(&hook.path(""), other).await;
    refused.expect_problem(404, "wallet_not_found");
    hook.seen_by(&key).change(json!({ "wallet_ids": null })).await;
    assert_eq!(hook.now().await["wallet_ids"], json!([euros]));
    for answer in [
        key.get(&all.path("")).await,
        key.delete(&all.path("")).await,
        key.get(&all.path("/deliveries")).await,
    ] {
        answer.expect_problem(404, "webhook_not_found");
    }
    let listed = key.get("/v1/webhooks").await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    stage.paid().await;
    bank.fund(euros, "1", "visa").await;
    let hooks = stage.receiver.until_delivered("/euros", 1).await;
    assert_eq!(hooks[0].event()["type"], "deposit.completed");
}

async fn wallets_of_others_cannot_be_chosen(bank: Arc<TestBank>) {
    let stage = HookStage::set(&bank).await;
    let hook = stage.hook(&stage.ana.caller, "/ana").await;
    let unknown = uuid::Uuid::from_u128(7);
    for wallets in [
        json!([stage.ben.wallet]),
        json!([stage.ana.wallet, stage.ben.wallet]),
        json!([unknown]),
    ] {
        let fields = json!({ "wallet_ids": wallets });
        let refused = TestWebhook::try_make(&stage.ana.caller, &stage.receiver.url("/x"), fields.clone()).await;
        refused.expect_problem(404, "wallet_not_found");
        let refused = stage.ana.caller.patch(&hook.path(""), fields).await;
        refused.expect_problem(404, "wallet_not_found");
    }
    assert_eq!(hook.now().await["wallet_ids"], Value::Null);
    // Staff choose any wallet.
    stage
        .hook_with(&stage.operator, "/staff", json!({ "wallet_ids": [stage.ben.wallet] }))
        .await;
    stage.paid().await;
    stage.receiver.until_delivered("/staff", 1).await;
    let request = stage.ana.caller.request(Method::GET, "/v1/webhooks?user_id=x");
    Answer::of(request).await.expect_problem(400, "invalid_request");
}
