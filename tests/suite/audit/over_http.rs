//! What the API tells the audit log of a request: the client's address and description of itself, and the request's id.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{Answer, Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::Role;

use super::WRONG_PASSWORD;

on_every_backend!(
    the_client_and_the_request_id_stand_in_the_line,
    an_id_that_the_bank_gives_a_request_stands_in_the_line,
);

async fn ask(caller: &Caller, path: &str, id: &str, body: Option<Value>) -> Answer {
    let request = caller
        .request(Method::POST, path)
        .header("x-request-id", id)
        .header("user-agent", "till/7");
    Answer::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn the_client_and_the_request_id_stand_in_the_line(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    bank.user("sue", Role::Support).await;
    let support = bank.sign_in("sue@example.com").await;
    let registration = json!({ "email": "ana@example.com", "password": PASSWORD, "full_name": "Ana" });
    let made = ask(&anybody, "/v1/auth/register", "made-1", Some(registration)).await;
    let user = made.expect(201)["user"]["id"].as_str().unwrap_or_default().to_owned();
    let credentials = |password: &str| Some(json!({ "email": "ana@example.com", "password": password }));
    ask(&anybody, "/v1/auth/login", "wrong-1", credentials(WRONG_PASSWORD))
        .await
        .expect_problem(401, "invalid_credentials");
    let tokens = ask(&anybody, "/v1/auth/login", "right-1", credentials(PASSWORD))
        .await
        .expect(200);
    let ana = bank.with_token(tokens["access_token"].as_str().unwrap_or_default());
    let key = json!({ "name": "till", "scopes": ["wallets:read"] });
    ask(&ana, "/v1/api-keys", "key-1", Some(key)).await.expect(201);
    ask(&ana, "/v1/auth/logout", "out-1", None).await.expect(204);
    let suspend = format!("/v1/users/{user}/suspend");
    ask(&support, &suspend, "suspended-1", None).await.expect(200);
    for (action, id) in [
        ("user.registered", "made-1"),
        ("user.sign_in_failed", "wrong-1"),
        ("api_key.created", "key-1"),
        ("session.ended", "out-1"),
        ("user.suspended", "suspended-1"),
    ] {
        let line = bank.line_of(action).await;
        line.expect_client(Some("127.0.0.1"), Some("till/7"), Some(id));
    }
    let signed_in = bank.lines_of("user.signed_in").await;
    assert!(
        signed_in.iter().any(|line| line.request.as_deref() == Some("right-1")),
        "{signed_in:?}"
    );
}

async fn an_id_that_the_bank_gives_a_request_stands_in_the_line(bank: Arc<TestBank>) {
    let registration = json!({ "email": "ana@example.com", "password": PASSWORD, "full_name": "Ana" });
    let made = bank.anonymous().post("/v1/auth/register", registration).await;
    let line = bank.line_of("user.registered").await;
    assert!(!made.header("x-request-id").is_empty());
    line.expect_client(Some("127.0.0.1"), None, Some(made.header("x-request-id")));
}
