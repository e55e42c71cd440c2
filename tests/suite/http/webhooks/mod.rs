//! Webhooks over HTTP: their fields, what each takes, and who may ask.

mod progress;
mod secrets;

use std::sync::Arc;

use harness::{Answer, Caller, Customer, HookReceiver, TestBank, TestWebhook, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};

on_every_backend!(a_webhook_is_made_shown_changed_and_deleted, a_delivery_has_its_fields,);
on_sqlite!(
    each_bad_field_is_named,
    what_a_change_leaves_out_stays,
    webhooks_are_listed_by_status,
    a_key_needs_the_scope,
    what_does_not_exist_is_not_found,
    a_delivery_of_a_paused_webhook_is_not_tried_again,
);

/// The fields of a webhook, in their order. A new one has its secret behind them.
const WEBHOOK: [&str; 16] = [
    "id",
    "user_id",
    "url",
    "types",
    "wallet_ids",
    "description",
    "ordered",
    "bank_wide",
    "signing",
    "public_key",
    "status",
    "disabled_reason",
    "sent_through",
    "failing_since",
    "created_at",
    "updated_at",
];

/// The fields of a delivery, in their order.
const DELIVERY: [&str; 9] = [
    "id",
    "event_id",
    "type",
    "status",
    "attempts",
    "next_attempt_at",
    "response_status",
    "response_excerpt",
    "created_at",
];

#[track_caller]
fn has_fields(value: &Value, names: &[&str]) {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    assert_eq!(object.keys().collect::<Vec<_>>(), names, "{value}");
}

/// Ana has 10, and there is a receiver.
async fn stage(bank: &TestBank) -> (Customer, HookReceiver) {
    bank.tells_events();
    (bank.customer_with("ana", "10").await, HookReceiver::start().await)
}

async fn a_webhook_is_made_shown_changed_and_deleted(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let fields = json!({
        "types": ["transfer.completed", "wallet.frozen"], "wallet_ids": [ana.wallet], "description": " my\u{a0}till ",
        "ordered": false, "signing": "hmac",
    });
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/hook?a=b"), fields).await;
    has_fields(&hook.made, &WEBHOOK.into_iter().chain(["secret"]).collect::<Vec<_>>());
    assert!(hook.secret.starts_with("whsec_"), "{}", hook.made);
    let shown = hook.now().await;
    has_fields(&shown, &WEBHOOK);
    for field in WEBHOOK {
        assert_eq!(shown[field], hook.made[field], "{field}");
    }
    assert_eq!(
        (&shown["user_id"], &shown["url"], &shown["ordered"], &shown["signing"]),
        (
            &json!(ana.actor.user),
            &json!(receiver.url("/hook?a=b")),
            &json!(false),
            &json!("hmac")
        )
    );
    assert_eq!(
        (&shown["types"], &shown["wallet_ids"], &shown["description"]),
        (
            &json!(["transfer.completed", "wallet.frozen"]),
            &json!([ana.wallet]),
            &json!("my till")
        )
    );
    assert_eq!(
        (&shown["status"], &shown["disabled_reason"], &shown["public_key"]),
        (&json!("active"), &Value::Null, &Value::Null)
    );
    let listed = ana.caller.get("/v1/webhooks").await.expect(200);
    assert_eq!(listed, json!({ "items": [shown], "next_cursor": null }));
    let plain = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    assert_eq!(
        (&plain.made["types"], &plain.made["wallet_ids"], &plain.made["ordered"]),
        (&Value::Null, &Value::Null, &json!(true))
    );
    for hook in [&hook, &plain] {
        assert_eq!(ana.caller.delete(&hook.path("")).await.status, 204);
        let again = ana.caller.delete(&hook.path("")).await;
        again.expect_problem(404, "webhook_not_found");
    }
}

async fn a_delivery_has_its_fields(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    bank.open_wallet(&ana, "EUR").await;
    receiver.until_delivered("/", 1).await;
    let delivered = hook.until_deliveries("delivered", 1).await;
    has_fields(&delivered[0], &DELIVERY);
    has_fields(&hook.test().await, &DELIVERY);
    let wrong = ana.caller.get(&hook.path("/deliveries?status=lost")).await;
    wrong.expect_problem(400, "invalid_request");
    // Pages of deliveries.
    for currency in ["GBP", "JPY", "CHF"] {
        bank.open_wallet(&ana, currency).await;
    }
    let all = hook.until_deliveries("delivered", 5).await;
    let (mut listed, mut next) = (Vec::new(), hook.path("/deliveries?limit=2"));
    loop {
        let page = ana.caller.get(&next).await.expect(200);
        listed.extend(page["items"].as_array().expect("a list has items").clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        next = hook.path(&format!("/deliveries?limit=2&cursor={cursor}"));
    }
    assert_eq!(listed, all);
}

async fn each_bad_field_is_named(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    let before = hook.now().await;
    let unknown: Vec<String> = (0..101)
        .map(|number| uuid::Uuid::from_u128(number).to_string())
        .collect();
    for (field, value) in [
        ("url", json!("")),
        ("url", json!("x")),
        ("url", json!("ftp://127.0.0.1/")),
        ("url", json!("http://ana:secret@127.0.0.1/")),
        ("url", json!("http://127.0.0.1/#part")),
        ("url", json!(format!("http://127.0.0.1/{}", "a".repeat(2_048)))),
        ("url", json!(7)),
        ("types", json!([])),
        ("types", json!(["transfer.stolen"])),
        ("types", json!(["webhook.test"])),
        ("types", json!("transfer.completed")),
        ("wallet_ids", json!([])),
        ("wallet_ids", json!(["x"])),
        ("wallet_ids", json!(unknown)),
        ("description", json!("")),
        ("description", json!("a\u{0}b")),
        ("description", json!("x".repeat(201))),
        ("ordered", json!("yes")),
        ("ordered", json!(1)),
    ] {
        let made = TestWebhook::try_make(&ana.caller, &receiver.url("/x"), json!({ field: value })).await;
        is_refused_for(&made, field);
        let changed = ana.caller.patch(&hook.path(""), json!({ field: value })).await;
        is_refused_for(&changed, field);
    }
    for (field, value) in [("signing", json!("rsa")), ("signing", json!("Hmac"))] {
        let made = TestWebhook::try_make(&ana.caller, &receiver.url("/x"), json!({ field: value })).await;
        is_refused_for(&made, field);
    }
    for (field, value) in [("status", json!("disabled")), ("status", json!("x"))] {
        let changed = ana.caller.patch(&hook.path(""), json!({ field: value })).await;
        is_refused_for(&changed, field);
    }
    for field in ["url", "ordered", "status"] {
        let changed = ana.caller.patch(&hook.path(""), json!({ field: null })).await;
        is_refused_for(&changed, field);
    }
    for body in [
        json!({ "secret": "whsec_x" }),
        json!({ "id": 1 }),
        json!([]),
        json!(null),
    ] {
        let refused = ana.caller.patch(&hook.path(""), body).await;
        refused.expect_problem(400, "invalid_request");
    }
    assert_eq!(hook.now().await, before);
    assert_eq!(bank.number("SELECT count(*) AS n FROM webhooks").await, 1);
}

#[track_caller]
fn is_refused_for(answer: &Answer, field: &str) {
    assert!(matches!(answer.status, 400 | 422), "{field}: {}", answer.text);
    let named = answer.json["errors"][0]["field"].as_str().unwrap_or_default();
    assert!(named.starts_with(field), "{field}: {}", answer.text);
}

async fn what_a_change_leaves_out_stays(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let fields = json!({
        "types": ["wallet.frozen"], "wallet_ids": [ana.wallet], "description": "till", "ordered": false,
    });
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), fields).await;
    let before = hook.now().await;
    for (field, value, shown) in [
        ("url", json!(receiver.url("/new")), json!(receiver.url("/new"))),
        ("types", json!(["wallet.opened"]), json!(["wallet.opened"])),
        ("types", json!(null), json!(null)),
        ("wallet_ids", json!(null), json!(null)),
        ("description", json!("shop"), json!("shop")),
        ("description", json!(null), json!(null)),
        ("ordered", json!(true), json!(true)),
        ("status", json!("paused"), json!("paused")),
    ] {
        let mut expected = hook.now().await;
        bank.advance(chrono::TimeDelta::seconds(1)).await;
        let changed = hook.change(json!({ field: value })).await;
        expected[field] = shown;
        expected["updated_at"] = changed["updated_at"].clone();
        assert_eq!(changed, expected, "{field}");
        assert_eq!(hook.now().await, expected, "{field}");
    }
    let now = hook.now().await;
    for field in ["id", "user_id", "created_at", "signing"] {
        assert_eq!(now[field], before[field]);
    }
}

async fn webhooks_are_listed_by_status(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let active = TestWebhook::make(&ana.caller, &receiver.url("/active"), json!({})).await;
    let paused = TestWebhook::make(&ana.caller, &receiver.url("/paused"), json!({})).await;
    paused.change(json!({ "status": "paused" })).await;
    for caller in [&ana.caller, &bank.operator().await] {
        for (status, expected) in [
            ("active", Some(&active.id)),
            ("paused", Some(&paused.id)),
            ("disabled", None),
        ] {
            let page = caller.get(&format!("/v1/webhooks?status={status}")).await.expect(200);
            let items = page["items"].as_array().expect("a list has items");
            let ids: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
            assert_eq!(ids, expected.into_iter().collect::<Vec<_>>(), "{status}");
        }
    }
    let wrong = ana.caller.get("/v1/webhooks?status=lost").await;
    wrong.expect_problem(400, "invalid_request");
}

async fn a_key_needs_the_scope(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let key = async |scopes: Value| -> Caller {
        let body = json!({ "name": "till", "scopes": scopes });
        let made = ana.caller.post("/v1/api-keys", body).await.expect(201);
        bank.with_token(made["secret"].as_str().expect("a new key has a secret"))
    };
    let without = key(json!(["wallets:read", "transfers:read"])).await;
    let refused = TestWebhook::try_make(&without, &receiver.url("/"), json!({})).await;
    refused.expect_problem(403, "forbidden");
    without.get("/v1/webhooks").await.expect_problem(403, "forbidden");
    // A key must not have events sent that it may not read.
    let blind = key(json!(["webhooks:write"])).await;
    let refused = TestWebhook::try_make(&blind, &receiver.url("/"), json!({})).await;
    refused.expect_problem(403, "forbidden");
    let able = key(json!(["webhooks:write", "transfers:read"])).await;
    let hook = TestWebhook::make(&able, &receiver.url("/"), json!({})).await;
    assert_eq!(hook.made["user_id"], json!(ana.actor.user));
    bank.open_wallet(&ana, "EUR").await;
    receiver.until_delivered("/", 1).await;
    // No key manages the webhooks of others.
    let operator = bank.operator().await;
    let body = json!({ "name": "desk", "scopes": ["webhooks:manage"] });
    let refused = operator.post("/v1/api-keys", body).await;
    assert!(matches!(refused.status, 400 | 403 | 422), "{}", refused.text);
}

async fn what_does_not_exist_is_not_found(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    let unknown = format!("/v1/webhooks/{}", uuid::Uuid::from_u128(7));
    for caller in [&ana.caller, &bank.operator().await] {
        for (method, rest) in [
            (Method::GET, ""),
            (Method::DELETE, ""),
            (Method::POST, "/test"),
            (Method::GET, "/deliveries"),
        ] {
            let answer = Answer::of(caller.request(method, &format!("{unknown}{rest}"))).await;
            answer.expect_problem(404, "webhook_not_found");
        }
        let answer = caller.patch(&unknown, json!({})).await;
        answer.expect_problem(404, "webhook_not_found");
    }
    let delivery = json!({ "id": uuid::Uuid::from_u128(7) });
    hook.retry(&delivery).await.expect_problem(404, "delivery_not_found");
    let stranger = bank.anonymous();
    for path in ["/v1/webhooks".to_owned(), hook.path(""), hook.path("/deliveries")] {
        stranger.get(&path).await.expect_problem(401, "unauthenticated");
    }
}

async fn a_delivery_of_a_paused_webhook_is_not_tried_again(bank: Arc<TestBank>) {
    let (ana, receiver) = stage(&bank).await;
    let hook = TestWebhook::make(&ana.caller, &receiver.url("/"), json!({})).await;
    receiver.set(harness::HookReply::Status(500));
    bank.open_wallet(&ana, "EUR").await;
    let failed = hook.until_failed(1).await;
    hook.change(json!({ "status": "paused" })).await;
    hook.retry(&failed).await.expect_problem(422, "webhook_not_active");
    hook.change(json!({ "status": "active" })).await;
    receiver.set(harness::HookReply::Status(200));
    hook.retry(&failed).await.expect(200);
    let hooks = receiver.until_delivered("/", 1).await;
    assert_eq!(json!(hooks[0].id()), failed["event_id"]);
}
