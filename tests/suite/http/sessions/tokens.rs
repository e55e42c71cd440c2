//! The tokens of a session in bodies.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{act, is_out, login, refresh, with};

on_every_backend!(
    signing_in_gives_both_tokens,
    a_refresh_gives_the_next_tokens,
    a_used_token_that_comes_again_ends_the_session,
    signing_out_ends_the_session,
    a_password_is_changed_with_the_old_one,
);
on_sqlite!(
    what_is_no_refresh_token_is_refused,
    a_body_may_be_missing_where_all_fields_may,
);

const FIELDS: [&str; 5] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "refresh_expires_in",
];

#[track_caller]
fn has_both(tokens: &Value) {
    let names: Vec<_> = tokens.as_object().expect("it is an object").keys().collect();
    assert_eq!(names, FIELDS);
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    let token = tokens["refresh_token"].as_str().unwrap_or_default();
    assert!(token.starts_with("florin_rt_") && token.len() == 80, "{token}");
}

async fn signing_in_gives_both_tokens(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let tokens = login(&bank, &ana.email).await;
    has_both(&tokens);
    assert_eq!(tokens["refresh_expires_in"], 30 * 24 * 60 * 60);
    with(&bank, &tokens).get("/v1/users/me").await.expect(200);
}

async fn a_refresh_gives_the_next_tokens(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let first = login(&bank, &ana.email).await;
    bank.advance(chrono::TimeDelta::minutes(20)).await;
    is_out(&with(&bank, &first).get("/v1/users/me").await);
    let second = refresh(&bank, &first["refresh_token"]).await;
    assert_eq!(second.header("cache-control"), "no-store");
    assert!(second.headers.get("set-cookie").is_none());
    let second = second.expect(200);
    has_both(&second);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let me = with(&bank, &second).get("/v1/users/me").await.expect(200);
    assert_eq!(me["email"], ana.email);
}

async fn a_used_token_that_comes_again_ends_the_session(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let first = login(&bank, &ana.email).await;
    let second = refresh(&bank, &first["refresh_token"]).await.expect(200);
    let again = refresh(&bank, &first["refresh_token"]).await.expect(200);
    assert_eq!(
        again["refresh_token"], second["refresh_token"],
        "within 10 s it is the same"
    );
    let third = refresh(&bank, &second["refresh_token"]).await.expect(200);
    is_out(&refresh(&bank, &first["refresh_token"]).await);
    is_out(&refresh(&bank, &third["refresh_token"]).await);
    is_out(&with(&bank, &third).get("/v1/users/me").await);
}

async fn signing_out_ends_the_session(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (here, other) = (login(&bank, &ana.email).await, login(&bank, &ana.email).await);
    let caller = with(&bank, &here);
    let body = json!({ "refresh_token": here["refresh_token"] });
    let done = caller.post("/v1/auth/logout", body).await;
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    is_out(&caller.get("/v1/users/me").await);
    is_out(&caller.post("/v1/auth/logout", json!({})).await);
    is_out(&refresh(&bank, &here["refresh_token"]).await);
    with(&bank, &other).get("/v1/users/me").await.expect(200);
}

async fn a_password_is_changed_with_the_old_one(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (here, other) = (login(&bank, &ana.email).await, login(&bank, &ana.email).await);
    let caller = with(&bank, &here);
    let new = "violet tractor under glass";
    let change = async |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        caller.post("/v1/users/me/password", body).await
    };
    change("correct horse batterz", new)
        .await
        .expect_problem(401, "invalid_credentials");
    change(PASSWORD, "short").await.expect_problem(422, "weak_password");
    with(&bank, &other).get("/v1/users/me").await.expect(200);
    let done = change(PASSWORD, new).await;
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    is_out(&with(&bank, &other).get("/v1/users/me").await);
    caller.get("/v1/users/me").await.expect(200);
    for (password, status) in [(PASSWORD, 401), (new, 200)] {
        let body = json!({ "email": ana.email, "password": password });
        bank.anonymous().post("/v1/auth/login", body).await.expect(status);
    }
}

async fn what_is_no_refresh_token_is_refused(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let tokens = login(&bank, &ana.email).await;
    for bad in [
        json!(""),
        json!("florin_rt_"),
        json!("x".repeat(10_000)),
        json!("florin_rt_\0"),
        tokens["access_token"].clone(),
        json!(format!("{}A", tokens["refresh_token"].as_str().unwrap_or_default())),
    ] {
        is_out(&refresh(&bank, &bad).await);
    }
    // A refresh token is no access token.
    let caller = bank.with_token(tokens["refresh_token"].as_str().unwrap_or_default());
    is_out(&caller.get("/v1/users/me").await);
    for (body, field) in [
        (json!({}), "refresh_token"),
        (json!({ "refresh_token": 1 }), "refresh_token"),
        (json!({ "refresh_token": null }), "refresh_token"),
        (json!({ "refresh_token": "x", "role": "admin" }), "role"),
    ] {
        let answer = bank.anonymous().post("/v1/auth/refresh", body).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], field, "{}", answer.text);
    }
    refresh(&bank, &tokens["refresh_token"]).await.expect(200);
}

async fn a_body_may_be_missing_where_all_fields_may(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let tokens = login(&bank, &ana.email).await;
    let text = with(&bank, &tokens)
        .request(reqwest::Method::POST, "/v1/auth/logout")
        .body("{}");
    harness::Answer::of(text)
        .await
        .expect_problem(415, "unsupported_media_type");
    let done = act(&with(&bank, &tokens), "/v1/auth/logout").await;
    assert_eq!(done.status, 204, "{}", done.text);
    is_out(&refresh(&bank, &tokens["refresh_token"]).await);
}
