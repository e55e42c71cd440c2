//! Forgotten passwords and changed addresses over HTTP: statuses, codes, and that an answer tells nothing of an
//! address.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::database::TestDatabase;
use harness::{Answer, Backend, Caller, ManualClock, SmtpServer, TestBank};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::Role;

use crate::life::act;

on_sqlite!(
    a_token_is_made_by_staff_and_used_once,
    who_may_not_make_a_token_is_told_why,
    a_token_that_is_not_valid_gets_one_answer,
    a_bank_without_mails_says_so,
    a_change_names_at_least_one_field,
);

const NEW_PASSWORD: &str = "violet tractor under glass";
const UNKNOWN: &str = "/v1/users/01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";

async fn patch(caller: &Caller, body: Value) -> Answer {
    Answer::of(caller.request(Method::PATCH, "/v1/users/me").json(&body)).await
}

async fn login(bank: &TestBank, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    bank.anonymous().post("/v1/auth/login", body).await
}

async fn reset(bank: &TestBank, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "new_password": password });
    bank.anonymous().post("/v1/auth/reset", body).await
}

async fn confirm(bank: &TestBank, token: &str) -> Answer {
    bank.anonymous()
        .post("/v1/auth/confirm-email", json!({ "token": token }))
        .await
}

async fn forgotten(bank: &TestBank, email: &str) -> Answer {
    bank.anonymous()
        .post("/v1/auth/forgotten", json!({ "email": email }))
        .await
}

/// A user of any role, who has signed in, and the path of what is done to them.
async fn user(bank: &TestBank, name: &str, role: Role) -> (Caller, String) {
    let user = bank.user(name, role).await;
    (bank.sign_in(&user.email).await, format!("/v1/users/{}", user.id))
}

#[track_caller]
fn is_done(answer: &Answer) {
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
}

async fn a_token_is_made_by_staff_and_used_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (support, _) = user(&bank, "sue", Role::Support).await;
    let made = act(&support, &format!("/v1/users/{}/reset", ana.actor.user)).await;
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(made.header("location"), "");
    let made = made.expect(201);
    let names: Vec<&String> = made.as_object().expect("it is an object").keys().collect();
    assert_eq!(names, ["token", "expires_at"]);
    assert_eq!(made["expires_at"], "2026-01-05T04:03:58.000000Z");
    let token = made["token"].as_str().expect("a token is text");

    let weak = reset(&bank, token, "password1234").await;
    weak.expect_problem(422, "weak_password");
    reset(&bank, token, "short").await.expect_problem(422, "weak_password");
    ana.caller.get("/v1/users/me").await.expect(200);
    is_done(&reset(&bank, token, NEW_PASSWORD).await);
    let out = ana.caller.get("/v1/users/me").await;
    out.expect_problem(401, "unauthenticated");
    login(&bank, &ana.email, PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    login(&bank, &ana.email, NEW_PASSWORD).await.expect(200);
    reset(&bank, token, PASSWORD).await.expect_problem(401, "invalid_token");
}

async fn who_may_not_make_a_token_is_told_why(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let path = format!("/v1/users/{}", ana.actor.user);
    let (support, own) = user(&bank, "sue", Role::Support).await;
    let (admin, admins) = user(&bank, "dora", Role::Admin).await;
    for (caller, path, status, code, words) in [
        (&ana.caller, path.as_str(), 403, "forbidden", "users:reset"),
        (&support, own.as_str(), 403, "forbidden", "for yourself"),
        (&support, admins.as_str(), 403, "forbidden", "only an admin"),
        (&support, UNKNOWN, 404, "user_not_found", "no such user"),
    ] {
        let refused = act(caller, &format!("{path}/reset")).await;
        refused.expect_problem(status, code);
        assert!(refused.text_of("detail").contains(words), "{words}: {}", refused.text);
    }
    act(&admin, &format!("{own}/reset")).await.expect(201);
    act(&support, &format!("{path}/suspend")).await.expect(200);
    let refused = act(&admin, &format!("{path}/reset")).await;
    refused.expect_problem(403, "forbidden");
    assert!(refused.text_of("detail").contains("suspended"), "{}", refused.text);
}

async fn a_token_that_is_not_valid_gets_one_answer(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (support, _) = user(&bank, "sue", Role::Support).await;
    let path = format!("/v1/users/{}/reset", ana.actor.user);
    let make = async || {
        let made = act(&support, &path).await.expect(201);
        made["token"].as_str().expect("a token is text").to_owned()
    };
    let used = make().await;
    is_done(&reset(&bank, &used, NEW_PASSWORD).await);
    let replaced = make().await;
    let expired = make().await;
    bank.advance(chrono::TimeDelta::minutes(30)).await;
    let mut faces = Vec::new();
    for token in [
        "nonsense",
        "",
        &used,
        &replaced,
        &expired,
        &format!("{used}x"),
        &"x".repeat(10_000),
    ] {
        for answer in [reset(&bank, token, PASSWORD).await, confirm(&bank, token).await] {
            answer.expect_problem(401, "invalid_token");
            faces.push(answer.text_without_id());
        }
    }
    faces.dedup();
    assert_eq!(faces.len(), 1, "{faces:?}");
    // A token is no access token.
    let caller = bank.with_token(&used);
    caller.get("/v1/users/me").await.expect_problem(401, "unauthenticated");
}

async fn a_bank_without_mails_says_so(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for email in [ana.email.as_str(), "nobody@example.com"] {
        forgotten(&bank, email).await.expect_problem(422, "mail_not_configured");
    }
    let both = json!({ "full_name": "Ana Silva", "email": "ana.silva@example.com" });
    patch(&ana.caller, both)
        .await
        .expect_problem(422, "mail_not_configured");
    let me = ana.caller.get("/v1/users/me").await.expect(200);
    assert_eq!((&me["full_name"], &me["email"]), (&json!("ana"), &json!(ana.email)));
    let named = patch(&ana.caller, json!({ "full_name": " Ana  Silva " }))
        .await
        .expect(200);
    assert_eq!(named["full_name"], "Ana Silva");
    let me = ana.caller.get("/v1/users/me").await.expect(200);
    for (field, value) in named.as_object().expect("a user is an object") {
        assert_eq!(&me[field], value, "{field}");
    }
}

async fn a_change_names_at_least_one_field(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for (body, field) in [
        (json!({}), ""),
        (json!({ "full_name": null, "email": null }), ""),
        (json!({ "full_name": "" }), "full_name"),
        (json!({ "email": "ana" }), "email"),
        (json!({ "role": "admin" }), "role"),
    ] {
        let refused = patch(&ana.caller, body).await;
        refused.expect_problem(400, "invalid_request");
        assert_eq!(refused.json["errors"][0]["field"], field, "{}", refused.text);
    }
    let anonymous = patch(&bank.anonymous(), json!({ "full_name": "Ana" })).await;
    anonymous.expect_problem(401, "unauthenticated");
}

/// A bank that sends its mails to a server.
async fn with_mail<F: Future<Output = ()>>(
    backend: Backend,
    scenario: impl FnOnce(Arc<TestBank>, Arc<SmtpServer>) -> F,
) {
    let server = Arc::new(SmtpServer::start().await);
    let database = TestDatabase::new(backend).await;
    let clock = Arc::new(ManualClock::new());
    let bank = TestBank::open_with(backend, database, clock, |config| {
        config.mail = Some(server.config());
    })
    .await;
    let bank = Arc::new(bank);
    scenario(bank.clone(), server).await;
    bank.assert_books_balance().await;
    bank.close().await;
}

async fn a_forgotten_password(bank: Arc<TestBank>, server: Arc<SmtpServer>) {
    let ana = bank.customer("ana").await;
    let (known, unknown) = (
        forgotten(&bank, "ANA@example.com").await,
        forgotten(&bank, "eve@example.com").await,
    );
    for answer in [&known, &unknown] {
        assert_eq!((answer.status, answer.text.as_str()), (202, ""));
    }
    let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    let token = server.next_to(&ana.email).await.token();
    is_done(&reset(&bank, &token, NEW_PASSWORD).await);
    login(&bank, &ana.email, NEW_PASSWORD).await.expect(200);
    let malformed = forgotten(&bank, "ana").await;
    malformed.expect_problem(400, "invalid_request");
    for email in ["ana@example.com", "eve@example.com"] {
        for _ in 0..2 {
            assert_eq!(forgotten(&bank, email).await.status, 202);
        }
        forgotten(&bank, email).await.expect_problem(429, "rate_limited");
    }
}

async fn a_new_address(bank: Arc<TestBank>, server: Arc<SmtpServer>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let new = "ana.silva@example.com";
    let change = json!({ "full_name": "Ana Silva", "email": new });
    let asked = patch(&ana.caller, change).await.expect(200);
    assert_eq!(
        (&asked["full_name"], &asked["email"]),
        (&json!("Ana Silva"), &json!(ana.email))
    );
    let token = server.next_to(new).await.token();
    let taken = patch(&ana.caller, json!({ "email": ben.email })).await.expect(200);
    assert_eq!(taken, asked, "the answer does not tell that it is taken");
    confirm(&bank, &token).await.expect_problem(401, "invalid_token");
    // The token for the taken address has replaced it, so the user asks again.
    patch(&ana.caller, json!({ "email": new })).await.expect(200);
    let token = server.next_to(new).await.token();
    is_done(&confirm(&bank, &token).await);
    for _ in 0..3 {
        // Of the taken address too.
        let asked = server.next_to(&ana.email).await;
        assert!(asked.text.contains("was asked for"), "{}", asked.text);
    }
    let told = server.next_to(&ana.email).await;
    assert!(told.text.contains("was changed"), "{}", told.text);
    let me = ana.caller.get("/v1/users/me").await.expect(200);
    assert_eq!(me["email"], new, "the session goes on");
    login(&bank, &ana.email, PASSWORD)
        .await
        .expect_problem(401, "invalid_credentials");
    login(&bank, new, PASSWORD).await.expect(200);
    assert!(server.mails().is_empty(), "none to ben: {:?}", server.mails());
    let metrics = bank.anonymous().get("/metrics").await.text;
    assert!(
        !metrics.contains("mails"),
        "a count would tell who is a user: {metrics}"
    );

    let free = "free@example.com";
    patch(&ana.caller, json!({ "email": free })).await.expect(200);
    let token = server.next_to(free).await.token();
    bank.customer("free").await;
    confirm(&bank, &token).await.expect_problem(409, "email_taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_mailed_a_token_and_the_answer_tells_nothing() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        with_mail(backend, a_forgotten_password).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        with_mail(backend, a_new_address).await;
    }
}
