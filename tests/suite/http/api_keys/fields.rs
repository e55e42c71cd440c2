//! The fields of new API keys: each that is refused is named, and nothing is made.

use std::sync::Arc;

use harness::TestBank;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{KEYS, make, new_key, path_of};

on_sqlite!(
    each_bad_field_is_named,
    all_bad_fields_are_named_at_once,
    fields_of_another_type_cannot_be_read,
    an_overlap_has_bounds,
    fifty_keys_are_the_most
);

/// The fields that a problem names.
fn named(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["field"].as_str()).collect()
}

async fn each_bad_field_is_named(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let many = |count: usize| json!(vec![Uuid::from_u128(7); count]);
    let cases = [
        ("name", json!(""), "name"),
        ("name", json!(" "), "name"),
        ("name", json!("n".repeat(101)), "name"),
        ("name", json!("a\u{200b}b"), "name"),
        ("name", json!("a\nb"), "name"),
        ("scopes", json!([]), "scopes"),
        ("scopes", json!(vec!["wallets:read"; 200]), "scopes"),
        ("scopes", json!(["wallets:read", "wallets:reed"]), "scopes[1]"),
        ("scopes", json!(["WALLETS:READ"]), "scopes[0]"),
        ("scopes", json!(["wallets:read", "deposits:write"]), "scopes[1]"),
        ("scopes", json!(["api_keys:write"]), "scopes[0]"),
        ("wallet_ids", json!([]), "wallet_ids"),
        ("wallet_ids", many(101), "wallet_ids"),
        ("wallet_ids", json!([ana.wallet, ben.wallet]), "wallet_ids[1]"),
        ("wallet_ids", many(1), "wallet_ids[0]"),
        ("addresses", json!([]), "addresses"),
        ("addresses", json!(vec!["192.0.2.1"; 21]), "addresses"),
        ("addresses", json!(["192.0.2.1", "example.com"]), "addresses[1]"),
        ("addresses", json!(["192.0.2.0/33"]), "addresses[0]"),
        ("expires_at", json!("2026-01-05T03:33:58Z"), "expires_at"),
        ("expires_at", json!("2000-01-01T00:00:00Z"), "expires_at"),
        ("expires_at", json!("2036-02-01T00:00:00Z"), "expires_at"),
    ];
    for (field, value, place) in cases {
        let mut body = new_key(&["wallets:read"]);
        body[field] = value;
        let answer = ana.caller.post(KEYS, body.clone()).await;
        answer.expect_problem(422, "invalid_field");
        assert_eq!(named(&answer.json), [place], "{body}\n{}", answer.text);
    }
    let mut opens = new_key(&["wallets:read", "wallets:open"]);
    opens["wallet_ids"] = json!([ana.wallet]);
    let answer = ana.caller.post(KEYS, opens).await;
    answer.expect_problem(422, "invalid_field");
    assert_eq!(named(&answer.json), ["scopes[1]"], "{}", answer.text);
    let word = ana.caller.post(KEYS, new_key(&["wallets:reed"])).await;
    assert!(word.text_of("detail").contains("wallets:reed"), "{}", word.text);
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 0);
    // The longest of each is taken.
    let body = json!({
        "name": "n".repeat(100), "scopes": ["wallets:read"], "wallet_ids": vec![ana.wallet; 100],
        "addresses": vec!["192.0.2.1"; 20], "expires_at": "2036-01-01T00:00:00Z",
    });
    make(&ana.caller, body).await;
    let nulls =
        json!({ "name": "n", "scopes": ["wallets:read"], "wallet_ids": null, "addresses": null, "expires_at": null });
    make(&ana.caller, nulls).await;
}

async fn all_bad_fields_are_named_at_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let body = json!({
        "name": "", "scopes": ["wallets:reed", "wallets:read", "users:manage"], "wallet_ids": [],
        "addresses": ["x"], "expires_at": "2000-01-01T00:00:00Z",
    });
    let answer = ana.caller.post(KEYS, body).await;
    answer.expect_problem(422, "invalid_field");
    let all = [
        "name",
        "scopes[0]",
        "scopes[2]",
        "wallet_ids",
        "addresses[0]",
        "expires_at",
    ];
    assert_eq!(named(&answer.json), all, "{}", answer.text);
}

async fn fields_of_another_type_cannot_be_read(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for (field, value, place) in [
        ("name", Value::Null, "name"),
        ("name", json!(7), "name"),
        ("scopes", json!("wallets:read"), "scopes"),
        ("scopes", json!(["wallets:read", 7]), "scopes[1]"),
        ("wallet_ids", json!(["x"]), "wallet_ids[0]"),
        ("addresses", json!([null]), "addresses[0]"),
        ("expires_at", json!("tomorrow"), "expires_at"),
        ("user_id", json!(ana.actor.user), "user_id"),
    ] {
        let mut body = new_key(&["wallets:read"]);
        body[field] = value;
        let answer = ana.caller.post(KEYS, body.clone()).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(named(&answer.json), [place], "{body}\n{}", answer.text);
    }
    let answer = ana.caller.post(KEYS, json!({})).await;
    answer.expect_problem(400, "invalid_request");
    assert_eq!(named(&answer.json), ["name", "scopes"], "{}", answer.text);
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 0);
}

async fn an_overlap_has_bounds(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let made = make(&ana.caller, new_key(&["wallets:read"])).await;
    let path = path_of(&made, "/roll");
    for (overlap, status, code) in [
        (json!(-1), 422, "invalid_field"),
        (json!(604_801), 422, "invalid_field"),
        (json!("60"), 400, "invalid_request"),
        (json!(1.5), 400, "invalid_request"),
    ] {
        let answer = ana.caller.post(&path, json!({ "overlap_s": overlap })).await;
        answer.expect_problem(status, code);
        assert_eq!(named(&answer.json), ["overlap_s"], "{}", answer.text);
    }
    for (body, until) in [
        (json!({}), json!("2026-01-06T03:33:58.000000Z")),
        (json!({ "overlap_s": null }), json!("2026-01-06T03:33:58.000000Z")),
        (json!({ "overlap_s": 604_800 }), json!("2026-01-12T03:33:58.000000Z")),
        (json!({ "overlap_s": 0 }), Value::Null),
    ] {
        let rolled = ana.caller.post(&path, body).await.expect(201);
        assert_eq!(rolled["old_secret_until"], until);
    }
}

async fn fifty_keys_are_the_most(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for _ in 0..50 {
        make(&ana.caller, new_key(&["wallets:read"])).await;
    }
    let answer = ana.caller.post(KEYS, new_key(&["wallets:read"])).await;
    answer.expect_problem(422, "too_many_api_keys");
    assert_eq!(bank.number("SELECT count(*) AS n FROM api_keys").await, 50);
}
