//! Dry runs: what would happen now, by the same rules, with nothing written and nothing used up.

use std::sync::Arc;

use harness::{Answer, Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};

use super::{HttpStage, NOT_PREVIEWED, act, has_fields, is_preview, path_of, text};
use crate::rows;

on_every_backend!(
    a_dry_run_shows_what_would_happen_and_writes_nothing,
    a_dry_run_is_refused_as_the_request_would_be,
    a_dry_run_uses_no_key_up,
    a_dry_run_opens_no_method,
);
on_sqlite!(only_what_moves_money_takes_a_dry_run);

const DRY: &str = "?dry_run=true";

/// Asks for a dry run, which must find a transfer; then asks for the same in earnest, which must make it.
async fn dry_then_made(stage: &HttpStage, caller: &Caller, path: &str, body: Value) -> Value {
    let before = (rows::count(&stage.bank).await, stage.amounts(stage.ana.wallet).await);
    let dry = caller.post(&format!("{path}{DRY}"), body.clone()).await;
    assert_eq!(dry.header("location"), "", "nothing is made");
    let preview = dry.expect(200);
    is_preview(&preview);
    let after = (rows::count(&stage.bank).await, stage.amounts(stage.ana.wallet).await);
    assert_eq!(before, after, "a dry run of {path} wrote something");
    let made = caller.post(path, body).await.expect(201);
    let mut expected = made.clone();
    let fields = expected.as_object_mut().expect("a transfer is an object");
    fields.retain(|name, _| !NOT_PREVIEWED.contains(&name.as_str()));
    // A hold ends at a time of its own.
    let mut preview = preview;
    for shown in [&mut expected, &mut preview] {
        if let Some(hold) = shown["hold"].as_object_mut() {
            hold.remove("expires_at");
        }
    }
    assert_eq!(preview, expected, "{path}");
    made
}

async fn a_dry_run_shows_what_would_happen_and_writes_nothing(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let (ana, ben, operator) = (&stage.ana.caller, &stage.ben.caller, &stage.operator);
    let wallet = format!("/v1/wallets/{}", stage.ana.wallet);
    let payment = json!({ "amount": "3", "method": "visa", "description": "by hand" });
    dry_then_made(&stage, operator, &format!("{wallet}/deposits"), payment.clone()).await;
    dry_then_made(&stage, ana, &format!("{wallet}/withdrawals"), payment).await;
    let mut described = stage.pay("30");
    (described["description"], described["metadata"]) = (json!("rent"), json!({ "a": 1 }));
    let paid = dry_then_made(&stage, ana, "/v1/transfers", described).await;
    dry_then_made(&stage, operator, &path_of(&paid, "/reverse"), json!({ "amount": "5" })).await;
    let hold = dry_then_made(&stage, ana, "/v1/transfers", stage.hold("20")).await;
    let part = json!({ "amount": "5", "final": false });
    dry_then_made(&stage, ben, &path_of(&hold, "/capture"), part).await;
    dry_then_made(&stage, ben, &path_of(&hold, "/void"), json!({})).await;

    let transfers = vec![stage.pay("1"), stage.pay("0"), stage.pay("1000"), stage.hold("1")];
    let before = rows::count(&bank).await;
    let body = json!({ "atomic": false, "transfers": transfers });
    let dry = ana.post(&format!("/v1/transfers/batch{DRY}"), body).await.expect(200);
    assert_eq!(rows::count(&bank).await, before);
    has_fields(&dry, &["results"]);
    let results = dry["results"].as_array().expect("a batch has results");
    let statuses: Vec<&str> = results.iter().map(|result| text(result, "status")).collect();
    assert_eq!(statuses, ["COMPLETED", "REFUSED", "FAILED", "PENDING"]);
    for result in results {
        has_fields(result, &["status", "transfer", "problem"]);
        if result["problem"].is_null() {
            is_preview(&result["transfer"]);
        }
    }
    let problem = &results[2]["problem"];
    assert_eq!(
        (&problem["code"], problem.get("transfer_id")),
        (&json!("insufficient_funds"), None)
    );
}

async fn a_dry_run_is_refused_as_the_request_would_be(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let hold = stage.made(stage.hold("20")).await;
    let before = rows::count(&bank).await;
    let ana = &stage.ana.caller;
    let short = ana.post(&format!("/v1/transfers{DRY}"), stage.pay("80.0001")).await;
    short.expect_problem(422, "insufficient_funds");
    assert_eq!(
        (&short.json["available"], short.json.get("transfer_id")),
        (&json!("80.0000"), None)
    );
    let capture = format!("{}{DRY}", path_of(&hold, "/capture"));
    ana.post(&capture, json!({})).await.expect_problem(403, "forbidden");
    let above = stage.ben.caller.post(&capture, json!({ "amount": "21" })).await;
    above.expect_problem(422, "amount_exceeds_hold");
    let reverse = format!("{}{DRY}", path_of(&hold, "/reverse"));
    let refused = stage.operator.post(&reverse, json!({})).await;
    refused.expect_problem(422, "not_reversible");
    let atomic = json!({ "atomic": true, "transfers": [stage.pay("1"), stage.pay("80")] });
    let refused = ana.post(&format!("/v1/transfers/batch{DRY}"), atomic).await;
    refused.expect_problem(422, "insufficient_funds");
    assert_eq!(
        (&refused.json["index"], refused.json.get("transfer_id")),
        (&json!(1), None)
    );
    let void = format!("{}{DRY}", path_of(&hold, "/void"));
    act(ana, &void).await.expect_problem(403, "forbidden");
    for word in ["yes", "1", ""] {
        let answer = ana.post(&format!("/v1/transfers?dry_run={word}"), stage.pay("1")).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "dry_run");
    }
    assert_eq!(rows::count(&bank).await, before);
    ana.post("/v1/transfers?dry_run=false", stage.pay("1"))
        .await
        .expect(201);
}

async fn a_dry_run_uses_no_key_up(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let ana = &stage.ana.caller;
    let dry = format!("/v1/transfers{DRY}");
    for amount in ["1", "2", "1000"] {
        let answer = ana.post_once(&dry, "k", stage.pay(amount)).await;
        assert_ne!(answer.status, 201);
        assert_eq!(answer.header("idempotent-replayed"), "");
    }
    let made = ana.post_once("/v1/transfers", "k", stage.pay("3")).await;
    assert_eq!(
        (made.status, made.header("idempotent-replayed")),
        (201, ""),
        "{}",
        made.text
    );
    // A used key is answered as the request would be.
    let replayed = ana.post_once(&dry, "k", stage.pay("3")).await;
    assert_eq!(replayed.header("idempotent-replayed"), "true");
    is_preview(&replayed.expect(200));
    let other = ana.post_once(&dry, "k", stage.pay("4")).await;
    other.expect_problem(422, "idempotency_key_reused");
}

async fn a_dry_run_opens_no_method(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let before = rows::count(&bank).await;
    let wallet = format!("/v1/wallets/{}", stage.ana.wallet);
    let payment = json!({ "amount": "3", "method": "fresh" });
    let path = format!("{wallet}/deposits{DRY}");
    let deposit = stage.operator.post(&path, payment.clone()).await.expect(200);
    is_preview(&deposit);
    assert_eq!(
        (&deposit["source_wallet_id"], &deposit["destination_wallet_id"]),
        (&Value::Null, &json!(stage.ana.wallet))
    );
    let path = format!("{wallet}/withdrawals{DRY}");
    let withdrawal = stage.operator.post(&path, payment.clone()).await.expect(200);
    assert_eq!(
        (&withdrawal["source_wallet_id"], &withdrawal["destination_wallet_id"]),
        (&json!(stage.ana.wallet), &Value::Null)
    );
    stage
        .ana
        .caller
        .post(&path, payment)
        .await
        .expect_problem(422, "unknown_method");
    assert_eq!(rows::count(&bank).await, before);
}

async fn only_what_moves_money_takes_a_dry_run(bank: Arc<TestBank>) {
    let stage = HttpStage::set(&bank).await;
    let wallet = format!("/v1/wallets/{}", stage.ana.wallet);
    for (method, path) in [
        (Method::POST, format!("{wallet}/freeze")),
        (Method::PUT, format!("{wallet}/limits")),
        (Method::GET, "/v1/transfers".to_owned()),
    ] {
        let request = stage.operator.request(method, &format!("{path}{DRY}"));
        let answer = Answer::of(request.json(&json!({}))).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "dry_run", "{path}");
    }
}
