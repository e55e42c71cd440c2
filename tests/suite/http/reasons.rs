//! The reason of a freeze: it may be missing, and a bad one is named.

use std::sync::Arc;

use harness::{Answer, Caller, TestBank};
use reqwest::Method;
use serde_json::{Value, json};

on_sqlite!(
    a_reason_may_be_missing,
    a_bad_reason_is_named,
    a_body_that_is_no_reason_is_refused
);

async fn send(caller: &Caller, path: &str, body: Value) -> Answer {
    Answer::of(caller.request(Method::POST, path).json(&body)).await
}

async fn a_reason_may_be_missing(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    let path = |verb: &str| format!("/v1/wallets/{}/{verb}", ana.wallet);
    let without = Answer::of(operator.request(Method::POST, &path("freeze"))).await;
    assert_eq!(without.expect(200)["status"], "FROZEN");
    for (verb, body) in [
        ("unfreeze", json!({})),
        ("freeze", json!({ "reason": null })),
        ("unfreeze", json!({ "reason": "ä".repeat(500) })),
        ("freeze", json!({ "reason": " x " })),
    ] {
        let answer = send(&operator, &path(verb), body).await;
        let status = if verb == "freeze" { "FROZEN" } else { "ACTIVE" };
        assert_eq!(answer.expect(200)["status"], status);
    }
}

async fn a_bad_reason_is_named(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    for reason in ["", " ", "a\nb", "a\0b", "a\u{200b}b", &"x".repeat(501)] {
        for verb in ["freeze", "unfreeze"] {
            let path = format!("/v1/wallets/{}/{verb}", ana.wallet);
            let answer = send(&operator, &path, json!({ "reason": reason })).await;
            answer.expect_problem(422, "invalid_field");
            let named = json!([{
                "field": "reason",
                "message": "must have 1 to 500 characters, all of which can be seen",
            }]);
            assert_eq!(answer.json["errors"], named, "{reason:?}");
        }
    }
    let wallet = ana.caller.get(&format!("/v1/wallets/{}", ana.wallet)).await;
    assert_eq!(wallet.expect(200)["status"], "ACTIVE");
    assert_eq!(
        bank.number("SELECT count(*) AS n FROM changes WHERE kind <> 1").await,
        0
    );
}

async fn a_body_that_is_no_reason_is_refused(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    let path = format!("/v1/wallets/{}/freeze", ana.wallet);
    for body in [
        json!({ "reason": 5 }),
        json!({ "reason": ["x"] }),
        json!({ "why": "x" }),
        json!(["x"]),
        json!("x"),
    ] {
        let answer = send(&operator, &path, body).await;
        answer.expect_problem(400, "invalid_request");
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let request = operator.request(Method::POST, &path);
        let request = request.header("content-type", content_type).body("reason=x");
        let answer = Answer::of(request).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    // Who may not freeze learns nothing of the body.
    let answer = send(&ana.caller, &path, json!({ "why": "x" })).await;
    answer.expect_problem(403, "forbidden");
}
