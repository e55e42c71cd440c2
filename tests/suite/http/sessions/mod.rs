//! Sessions over HTTP: sign-in, refresh, sign-out, the list of sessions, the cookie, and what staff do to users.

mod cookies;
mod lists;
mod staff;
mod tokens;

use harness::bank::PASSWORD;
use harness::{Answer, Caller, TestBank};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use service::identity::{Email, FullName};
use service::values::Role;

async fn login(bank: &TestBank, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD });
    bank.anonymous().post("/v1/auth/login", body).await.expect(200)
}

async fn refresh(bank: &TestBank, token: &Value) -> Answer {
    let body = json!({ "refresh_token": token });
    bank.anonymous().post("/v1/auth/refresh", body).await
}

/// A caller with the access token of a sign-in or a refresh.
fn with(bank: &TestBank, tokens: &Value) -> Caller {
    bank.with_token(tokens["access_token"].as_str().unwrap_or_default())
}

async fn delete(caller: &Caller, path: &str) -> Answer {
    Answer::of(caller.request(Method::DELETE, path)).await
}

/// A POST without a body.
async fn act(caller: &Caller, path: &str) -> Answer {
    Answer::of(caller.request(Method::POST, path)).await
}

/// Fails unless the caller's token is refused.
#[track_caller]
fn is_out(answer: &Answer) {
    answer.expect_problem(401, "unauthenticated");
}

/// A user of any role, who has signed in; and the user's id.
async fn user(bank: &TestBank, name: &str, role: Role) -> (Caller, String) {
    let email = format!("{name}@example.com");
    let made = bank
        .services
        .identity
        .create_user(
            Email::try_new(&email).expect("a test's name makes an address"),
            FullName::try_new(name).expect("a test's name is a name"),
            SecretString::from(PASSWORD),
            role,
        )
        .await;
    let id = made.expect("a user can be made").id.to_string();
    (with(bank, &login(bank, &email).await), id)
}
