//! The general limit: requests by caller, shown in headers, and what it switches on.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::bank::PASSWORD;
use harness::database::TestDatabase;
use harness::{Answer, Backend, ManualClock, TestBank};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use service::identity::api_keys::NewApiKey;

on_sqlite!(without_a_limit_there_is_none_and_no_header_names_one);

/// A bank whose callers may ask so many times a minute.
async fn with_limit<F: Future<Output = ()>>(per_minute: u32, scenario: impl FnOnce(Arc<TestBank>) -> F) {
    let backend = Backend::Sqlite;
    let database = TestDatabase::new(backend).await;
    let clock = Arc::new(ManualClock::new());
    let bank = TestBank::open_with(backend, database, clock, |config| {
        config.rate_limit_per_minute = per_minute
    })
    .await;
    let bank = Arc::new(bank);
    scenario(bank.clone()).await;
    bank.assert_books_balance().await;
    bank.close().await;
}

/// What an answer says is left, and in how many seconds there is more.
fn left(answer: &Answer) -> (u32, u32) {
    let text = answer.header("ratelimit");
    let (left, more_in_s) = text
        .strip_prefix("\"default\";r=")
        .and_then(|rest| rest.split_once(";t="))
        .unwrap_or_else(|| panic!("{text:?} of {}", answer.text));
    let number = |text: &str| text.parse().expect("a number");
    (number(left), number(more_in_s))
}

async fn without_a_limit_there_is_none_and_no_header_names_one(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for _ in 0..200 {
        let answer = ana.caller.get("/v1/users/me").await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
        assert_eq!(answer.header("ratelimit-policy"), "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_has_so_many_requests_a_minute_and_is_told_what_is_left() {
    with_limit(10, |bank| async move {
        let ana = bank.customer("ana").await;
        for number in 0..10 {
            let answer = ana.caller.get("/v1/users/me").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=10;w=60");
            assert_eq!(left(&answer), (9 - number, 6));
            assert_eq!(answer.header("retry-after"), "");
        }
        let refused = ana.caller.get("/v1/users/me").await;
        refused.expect_problem(429, "rate_limited");
        assert_eq!((refused.header("retry-after"), left(&refused)), ("6", (0, 6)));
        assert_eq!(refused.header("cache-control"), "no-store");
        // What is refused counts for nothing: six seconds later there is one again.
        bank.advance(TimeDelta::seconds(6)).await;
        ana.caller.get("/v1/users/me").await.expect(200);
        ana.caller.get("/v1/users/me").await.expect_problem(429, "rate_limited");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_under_v1_counts_and_others_do_not() {
    with_limit(50, |bank| async move {
        let ana = bank.customer("ana").await;
        let paths = [
            (200, "/v1/users/me"),
            (400, "/v1/wallets?nope=1"),
            (400, "/v1/wallets/abc"),
            (404, "/v1/nothing"),
        ];
        for (number, (status, path)) in (0..).zip(paths) {
            let answer = ana.caller.get(path).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text);
            assert_eq!(left(&answer).0, 49 - number, "{path}");
        }
        for path in ["/livez", "/health", "/metrics", "/docs", "/openapi.json"] {
            let answer = ana.caller.get(path).await;
            assert_eq!((answer.status, answer.header("ratelimit")), (200, ""), "{path}");
        }
        let preflight = bank.anonymous().request(Method::OPTIONS, "/v1/wallets");
        let preflight = preflight
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST");
        assert_eq!(Answer::of(preflight).await.header("ratelimit"), "");
        let calls = bank.anonymous().request(Method::GET, "/v1/users/me");
        let answer = Answer::of(calls.header("origin", "https://app.example")).await;
        let exposed = answer.header("access-control-expose-headers").to_owned();
        assert!(
            exposed.contains("ratelimit,") && exposed.contains("ratelimit-policy"),
            "{exposed}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_one_caller_with_any_token_and_strangers_share_their_address() {
    with_limit(8, |bank| async move {
        let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
        let body = json!({ "email": ana.email, "password": PASSWORD });
        let again = bank.anonymous().post("/v1/auth/login", body).await;
        assert_eq!(left(&again).0, 7, "an anonymous request counts for the address");
        let second = bank.with_token(again.text_of("access_token"));
        for (number, caller) in (0..).zip([&ana.caller, &second, &ana.caller]) {
            assert_eq!(left(&caller.get("/v1/users/me").await).0, 7 - number);
        }
        assert_eq!(
            left(&ben.caller.get("/v1/users/me").await).0,
            7,
            "others have requests of their own"
        );
        let forged = bank.with_token("nonsense").get("/v1/users/me").await;
        assert_eq!(
            (forged.status, left(&forged).0),
            (401, 6),
            "a forged token is an address'"
        );
        for number in 0..6 {
            let forged = bank.with_token(&format!("nonsense{number}")).get("/v1/users/me").await;
            assert_eq!(forged.status, 401, "{}", forged.text);
        }
        bank.with_token("another")
            .get("/v1/users/me")
            .await
            .expect_problem(429, "rate_limited");
        ana.caller.get("/v1/users/me").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_and_their_api_keys_share_their_requests() {
    with_limit(8, |bank| async move {
        let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
        let mut programs = Vec::new();
        for number in 0..2 {
            let body = json!({ "name": format!("program {number}"), "scopes": ["wallets:read"] });
            let made = ana.caller.post("/v1/api-keys", body).await;
            assert_eq!(left(&made).0, 7 - number, "{}", made.text);
            programs.push(bank.with_token(made.text_of("secret")));
        }
        let in_turn = [&programs[0], &programs[1], &ana.caller];
        for (number, caller) in (0..6).zip(in_turn.iter().cycle()) {
            let answer = caller.get("/v1/wallets").await;
            assert_eq!((answer.status, left(&answer).0), (200, 5 - number), "{}", answer.text);
        }
        for caller in in_turn {
            caller.get("/v1/wallets").await.expect_problem(429, "rate_limited");
        }
        ben.caller.get("/v1/wallets").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_throttles_registrations_by_address() {
    with_limit(1_000, |bank| async move {
        let anybody = bank.anonymous();
        let register = async |number: usize| {
            let email = format!("user{number}@example.com");
            let body = json!({ "email": email, "password": PASSWORD, "full_name": "A User" });
            anybody.post("/v1/auth/register", body).await
        };
        for number in 0..10 {
            register(number).await.expect(201);
        }
        let refused = register(10).await;
        refused.expect_problem(429, "rate_limited");
        assert_eq!(refused.header("retry-after"), "60");
        assert_eq!(bank.number("SELECT count(*) AS n FROM users").await, 10);
        bank.advance(TimeDelta::seconds(60)).await;
        register(10).await.expect(201);
    })
    .await;
}

/// The first use of a key costs a read of the database, which an address with no requests left does not get.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_without_requests_has_no_unknown_key_looked_up() {
    with_limit(3, |bank| async move {
        let ana = bank.customer("ana").await;
        let make = async || {
            let new = NewApiKey {
                name: "a test's".to_owned(),
                scopes: vec!["wallets:read".to_owned()],
                wallets: None,
                addresses: None,
                expires_at: None,
            };
            let made = bank.services.identity.api_keys.create(&ana.actor, new).await;
            let (_, secret) = made.expect("a key can be made");
            bank.with_token(secret.expose_secret())
        };
        let (known, unknown) = (make().await, make().await);
        known.get("/v1/wallets").await.expect(200);
        for _ in 0..3 {
            bank.anonymous()
                .get("/v1/wallets")
                .await
                .expect_problem(401, "unauthenticated");
        }
        unknown.get("/v1/wallets").await.expect_problem(429, "rate_limited");
        known.get("/v1/wallets").await.expect(200);
        // One request of the address is free again: the key is looked up, and counts by itself.
        bank.advance(TimeDelta::seconds(20)).await;
        unknown.get("/v1/wallets").await.expect(200);
        bank.anonymous()
            .get("/v1/wallets")
            .await
            .expect_problem(401, "unauthenticated");
        bank.anonymous()
            .get("/v1/wallets")
            .await
            .expect_problem(429, "rate_limited");
    })
    .await;
}
