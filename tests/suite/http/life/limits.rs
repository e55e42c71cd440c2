//! The limits of a wallet over HTTP: how operators set them, and what they refuse.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Answer, Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::Money;
use service::values::WalletId;

use super::{HttpStage, act, has_fields};
use crate::rows;

on_every_backend!(
    limits_replace_each_other_and_are_shown,
    a_passed_limit_is_named_with_what_is_left,
    limits_are_set_by_operators_on_customers_wallets,
);
on_sqlite!(each_bad_limit_is_named, limits_are_set_on_the_wallet_that_was_seen);

fn path(wallet: WalletId) -> String {
    format!("/v1/wallets/{wallet}/limits")
}

async fn set(caller: &Caller, wallet: WalletId, limits: Value) -> Answer {
    Answer::of(caller.request(Method::PUT, &path(wallet)).json(&limits)).await
}

async fn limits_replace_each_other_and_are_shown(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let wallet = stage.ana.wallet;
    let shown = format!("/v1/wallets/{wallet}");
    let first = stage.ana.caller.get(&shown).await;
    assert_eq!(first.json["limits"], Value::Null);
    let answer = set(
        &stage.operator,
        wallet,
        json!({ "per_transfer": 50, "per_day_count": 2 }),
    )
    .await;
    let tag = answer.header("etag").to_owned();
    assert_ne!(tag, first.header("etag"));
    let changed = answer.expect(200);
    has_fields(&changed["limits"], &["per_transfer", "per_day_amount", "per_day_count"]);
    assert_eq!(
        changed["limits"],
        json!({ "per_transfer": "50.0000", "per_day_amount": null, "per_day_count": 2 })
    );
    let seen = stage.ana.caller.get(&shown).await;
    assert_eq!((seen.header("etag"), &seen.json), (tag.as_str(), &changed));
    // What is left out has no limit any more.
    let replaced = set(&stage.operator, wallet, json!({ "per_day_amount": "70" })).await;
    assert_eq!(
        replaced.expect(200)["limits"],
        json!({ "per_transfer": null, "per_day_amount": "70.0000", "per_day_count": null })
    );
    let nulls = json!({ "per_transfer": null, "per_day_amount": null, "per_day_count": null });
    for none in [nulls, json!({})] {
        assert_eq!(
            set(&stage.operator, wallet, none).await.expect(200)["limits"],
            Value::Null
        );
    }
}

async fn a_passed_limit_is_named_with_what_is_left(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let ana = &stage.ana.caller;
    let limits = json!({ "per_transfer": "30", "per_day_amount": "45", "per_day_count": 2 });
    set(&stage.operator, stage.ana.wallet, limits).await.expect(200);
    let refused = async |amount: &str, limit: &str, remaining: Value| {
        let answer = ana.post("/v1/transfers", stage.pay(amount)).await;
        answer.expect_problem(422, "limit_exceeded");
        assert_eq!(
            (&answer.json["limit"], &answer.json["remaining"]),
            (&json!(limit), &remaining),
            "{}",
            answer.text
        );
        let left = remaining.as_str().unwrap_or("0");
        let detail = format!("the limit {limit} of the source would be passed: {left} is left of it");
        assert_eq!(answer.json["detail"], detail);
        let failed = stage.now(&json!({ "id": answer.json["transfer_id"] })).await;
        assert_eq!(
            (&failed["status"], &failed["failure_reason"]),
            (&json!("FAILED"), &json!("limit_exceeded"))
        );
    };
    refused("30.0001", "per_transfer", json!("30.0000")).await;
    stage.made(stage.pay("30")).await;
    refused("15.0001", "per_day_amount", json!("15.0000")).await;
    stage.made(stage.hold("15")).await;
    refused("0.0001", "per_day_amount", json!("0.0000")).await;
    let limits = json!({ "per_day_count": 2 });
    set(&stage.operator, stage.ana.wallet, limits).await.expect(200);
    refused("1", "per_day_count", json!(0)).await;
    // What comes in is not limited, and a new day begins with nothing.
    bank.fund(stage.ana.wallet, "1", "visa").await;
    bank.advance(TimeDelta::days(1)).await;
    // Ana's token is from yesterday.
    let new = service::transfers::NewTransfer::new(stage.ana.wallet, stage.ben.wallet, Money::parse_unsigned("1").ok());
    let asking = service::transfers::Asking::by(&stage.ana.actor);
    bank.services
        .transfers
        .submit(asking, new)
        .await
        .expect("a new day has begun");
}

async fn limits_are_set_by_operators_on_customers_wallets(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let limits = || json!({ "per_day_count": 2 });
    let before = rows::count(&bank).await;
    for caller in [&stage.ana.caller, &stage.ben.caller] {
        let answer = set(caller, stage.ana.wallet, limits()).await;
        answer.expect_problem(403, "forbidden");
    }
    let system = bank.system_wallet("visa").await;
    let answer = set(&stage.operator, system, limits()).await;
    answer.expect_problem(403, "system_wallet");
    let unknown = WalletId(uuid::Uuid::from_u128(1));
    let answer = set(&stage.operator, unknown, limits()).await;
    answer.expect_problem(404, "wallet_not_found");
    assert_eq!(rows::count(&bank).await, before);
    let close = format!("/v1/wallets/{}/close", stage.ben.wallet);
    act(&stage.operator, &close).await.expect(200);
    let answer = set(&stage.operator, stage.ben.wallet, limits()).await;
    answer.expect_problem(422, "wallet_closed");
}

async fn each_bad_limit_is_named(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let shown = format!("/v1/wallets/{}", stage.ana.wallet);
    let before = stage.operator.get(&shown).await.expect(200);
    let refused = async |body: Value, (status, code): (u16, &str), fields: &[&str]| {
        let answer = set(&stage.operator, stage.ana.wallet, body).await;
        answer.expect_problem(status, code);
        let errors = answer.json["errors"].as_array().expect("errors are listed").clone();
        let found: Vec<&str> = errors.iter().filter_map(|error| error["field"].as_str()).collect();
        assert_eq!(found, fields, "{}", answer.text);
    };
    for amount in [
        json!("0"),
        json!(0),
        json!("-1"),
        json!("1.00001"),
        json!("x"),
        json!(-5),
    ] {
        for field in ["per_transfer", "per_day_amount"] {
            refused(json!({ field: amount }), (422, "invalid_field"), &[field]).await;
        }
    }
    for count in [0, -1, 1_000_000_001] {
        refused(
            json!({ "per_day_count": count }),
            (422, "invalid_field"),
            &["per_day_count"],
        )
        .await;
    }
    for (field, value) in [
        ("per_transfer", json!(true)),
        ("per_day_amount", json!([])),
        ("per_day_count", json!("2")),
        ("per_day_count", json!(1.5)),
        ("per_week_count", json!(1)),
    ] {
        refused(json!({ field: value }), (400, "invalid_request"), &[field]).await;
    }
    assert_eq!(stage.operator.get(&shown).await.expect(200), before);
}

async fn limits_are_set_on_the_wallet_that_was_seen(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let shown = format!("/v1/wallets/{}", stage.ana.wallet);
    let tag = stage.operator.get(&shown).await.header("etag").to_owned();
    let change = |tag: &str, count: i64| {
        let request = stage.operator.request(Method::PUT, &path(stage.ana.wallet));
        let request = request.header("if-match", tag).json(&json!({ "per_day_count": count }));
        Answer::of(request)
    };
    change("\"x\"", 1).await.expect_problem(412, "precondition_failed");
    bank.advance(TimeDelta::seconds(1)).await;
    change(&tag, 1).await.expect(200);
    change(&tag, 2).await.expect_problem(412, "precondition_failed");
    let now = stage.operator.get(&shown).await;
    assert_eq!(now.json["limits"]["per_day_count"], 1);
}
