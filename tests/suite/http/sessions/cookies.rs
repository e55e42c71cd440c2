//! The refresh token in a cookie, for browsers.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{Answer, Caller, TestBank};
use reqwest::Method;
use serde_json::{Value, json};

use super::{is_out, login, with};

on_sqlite!(
    the_cookie_has_the_token_and_the_body_has_none,
    the_cookie_is_exchanged_and_removed,
    without_the_header_the_cookie_is_ignored,
    pages_of_other_origins_are_refused,
    an_unknown_mode_is_refused,
);

const HEADER: (&str, &str) = ("X-Florin-Session", "cookie");
/// The origin that the harness allows.
const ALLOWED: &str = "https://app.example";

async fn send(caller: &Caller, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
    let request = caller.request(Method::POST, path).json(&body);
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    Answer::of(request).await
}

async fn login_by_cookie(bank: &TestBank, email: &str) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD });
    send(&bank.anonymous(), "/v1/auth/login", &[HEADER], body).await
}

/// `name=value` of the cookie that an answer sets.
#[track_caller]
fn pair(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

async fn the_cookie_has_the_token_and_the_body_has_none(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let answer = login_by_cookie(&bank, &ana.email).await;
    let cookie = answer.header("set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").expect("a cookie has attributes");
    assert!(
        pair.starts_with("florin_refresh=florin_rt_") && pair.len() == 95,
        "{pair}"
    );
    assert_eq!(
        attributes,
        "HttpOnly; Secure; SameSite=Strict; Path=/v1/auth; Max-Age=2592000"
    );
    let token = pair.trim_start_matches("florin_refresh=");
    assert!(!answer.text.contains(token), "the token is in the body, too");
    let body = answer.expect(200);
    assert_eq!(body["refresh_token"], Value::Null);
    with(&bank, &body).get("/v1/users/me").await.expect(200);
}

async fn the_cookie_is_exchanged_and_removed(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let first = login_by_cookie(&bank, &ana.email).await;
    let cookie = format!("theme=dark; {}", pair(&first));
    let headers = [HEADER, ("Cookie", cookie.as_str()), ("Origin", ALLOWED)];
    let second = send(&bank.anonymous(), "/v1/auth/refresh", &headers, json!({})).await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_ne!(pair(&first), pair(&second));
    assert_eq!(second.json["refresh_token"], Value::Null);

    let cookie = pair(&second);
    let caller = with(&bank, &second.json);
    let out = send(&caller, "/v1/auth/logout", &[HEADER, ("Cookie", &cookie)], json!({})).await;
    assert_eq!(out.status, 204, "{}", out.text);
    let removed = out.header("set-cookie");
    assert!(
        removed.starts_with("florin_refresh=;") && removed.ends_with("Max-Age=0"),
        "{removed}"
    );
    let late = send(
        &bank.anonymous(),
        "/v1/auth/refresh",
        &[HEADER, ("Cookie", &cookie)],
        json!({}),
    )
    .await;
    is_out(&late);
    is_out(&caller.get("/v1/users/me").await);
}

async fn without_the_header_the_cookie_is_ignored(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let cookie = pair(&login_by_cookie(&bank, &ana.email).await);
    let without = send(&bank.anonymous(), "/v1/auth/refresh", &[("Cookie", &cookie)], json!({})).await;
    without.expect_problem(400, "invalid_request");
    // The token of the body counts, and that of the cookie does not.
    let bens = login(&bank, &ben.email).await;
    let body = json!({ "refresh_token": bens["refresh_token"] });
    let answer = send(&bank.anonymous(), "/v1/auth/refresh", &[("Cookie", &cookie)], body).await;
    assert!(answer.headers.get("set-cookie").is_none());
    let me = with(&bank, &answer.expect(200)).get("/v1/users/me").await.expect(200);
    assert_eq!(me["email"], ben.email);
    // With the header it is the other way round.
    let body = json!({ "refresh_token": "florin_rt_of_the_body" });
    let headers = [HEADER, ("Cookie", cookie.as_str())];
    let answer = send(&bank.anonymous(), "/v1/auth/refresh", &headers, body)
        .await
        .expect(200);
    let me = with(&bank, &answer).get("/v1/users/me").await.expect(200);
    assert_eq!(me["email"], ana.email);
    is_out(&send(&bank.anonymous(), "/v1/auth/refresh", &[HEADER], json!({})).await);
}

async fn pages_of_other_origins_are_refused(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let signed_in = login_by_cookie(&bank, &ana.email).await;
    let cookie = pair(&signed_in);
    let caller = with(&bank, &signed_in.json);
    let credentials = json!({ "email": ana.email, "password": PASSWORD });
    let own = format!("http://{}", bank.address);
    let other_port = format!("http://{}:1", bank.address.ip());
    for origin in [
        "null",
        "https://evil.example",
        "http://app.example",
        "https://app.example.evil.example",
        "https://app.example:8443",
        "app.example",
        &other_port,
        &own.replace("http://", "ftp://"),
        &format!("{own}.evil.example"),
    ] {
        let headers = [HEADER, ("Cookie", cookie.as_str()), ("Origin", origin)];
        for (path, body) in [
            ("/v1/auth/login", credentials.clone()),
            ("/v1/auth/refresh", json!({})),
            ("/v1/auth/logout", json!({})),
        ] {
            let refused = send(&caller, path, &headers, body).await;
            refused.expect_problem(403, "forbidden");
            assert!(refused.headers.get("set-cookie").is_none());
        }
    }
    caller.get("/v1/users/me").await.expect(200);
    // An origin means nothing where the cookie is not asked for.
    let evil = [("Origin", "https://evil.example")];
    send(&bank.anonymous(), "/v1/auth/login", &evil, credentials)
        .await
        .expect(200);
    let headers = [HEADER, ("Cookie", cookie.as_str()), ("Origin", own.as_str())];
    send(&bank.anonymous(), "/v1/auth/refresh", &headers, json!({}))
        .await
        .expect(200);
}

async fn an_unknown_mode_is_refused(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let body = json!({ "email": ana.email, "password": PASSWORD });
    for mode in ["", "Cookie", "cookies", "body"] {
        let headers = [("X-Florin-Session", mode)];
        let refused = send(&bank.anonymous(), "/v1/auth/login", &headers, body.clone()).await;
        refused.expect_problem(400, "invalid_request");
        assert_eq!(refused.json["errors"][0]["field"], "X-Florin-Session");
    }
    let twice = [HEADER, HEADER];
    let refused = send(&bank.anonymous(), "/v1/auth/login", &twice, body).await;
    refused.expect_problem(400, "invalid_request");
}
