//! What every answer has: security headers, a request id and the time it took. And which other origins may read it.

use std::sync::Arc;

use api::app::app;
use api::edge::{self, ConnectionLimits};
use harness::{Answer, Caller, TestBank};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::net::TcpListener;

use crate::raw::{Connection, request};

on_sqlite!(
    every_answer_has_the_headers,
    answers_to_broken_heads_have_the_headers,
    a_good_request_id_is_echoed_and_a_bad_one_replaced,
    what_is_somebodys_own_is_not_kept_by_caches,
    pages_of_a_configured_origin_may_call,
    pages_of_other_origins_may_not,
    cross_origin_calls_are_closed_by_default,
);

const FIXED: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("referrer-policy", "no-referrer"),
];

/// Checks the headers of one answer; `header` reads one by name.
fn has_the_headers<'a>(shown: &str, header: impl Fn(&str) -> &'a str) {
    for (name, value) in FIXED {
        assert_eq!(header(name), value, "{name} of {shown}");
    }
    let id = header("x-request-id");
    let is_fit = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    assert!(is_fit, "{shown} has the request id {id:?}");
    let time = header("x-process-time");
    let (whole, decimals) = time.split_once('.').unwrap_or_else(|| panic!("{shown} took {time:?}"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    assert!(are_digits(whole) && are_digits(decimals), "{shown} took {time:?}");
    assert_eq!(
        decimals.len(),
        4,
        "{shown} took {time:?}: finer times tell what was looked up"
    );
    assert!(
        whole.parse::<u64>().is_ok_and(|seconds| seconds < 60),
        "{shown} took {time:?}: not seconds"
    );
}

async fn every_answer_has_the_headers(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    let (operator, anonymous) = (bank.operator().await, bank.anonymous());
    let transfer = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ana.wallet, "amount": "1" });
    let post = |caller: &Caller, path: &str| caller.request(Method::POST, path);
    let get = |caller: &Caller, path: &str| caller.request(Method::GET, path);
    let preflight = anonymous
        .request(Method::OPTIONS, "/v1/transfers")
        .header("access-control-request-method", "POST");
    let requests: Vec<(u16, RequestBuilder)> = vec![
        (200, get(&ana.caller, "/v1/users/me")),
        (200, anonymous.request(Method::HEAD, "/livez")),
        (200, get(&anonymous, "/docs")),
        (200, get(&anonymous, "/openapi.json")),
        (
            201,
            post(&ana.caller, "/v1/wallets").json(&json!({ "currency": "EUR" })),
        ),
        (204, preflight.header("origin", "https://app.example")),
        (400, post(&ana.caller, "/v1/wallets").json(&json!({ "currency": 1 }))),
        (400, get(&ana.caller, "/v1/wallets?nope=1")),
        (400, get(&ana.caller, "/v1/wallets/abc")),
        (401, get(&anonymous, "/v1/users/me")),
        (403, post(&ana.caller, &format!("/v1/wallets/{}/freeze", ana.wallet.0))),
        (404, get(&anonymous, "/nothing")),
        (
            404,
            get(&ana.caller, "/v1/wallets/00000000-0000-0000-0000-000000000000"),
        ),
        (405, anonymous.request(Method::DELETE, "/v1/wallets")),
        (
            409,
            post(&ana.caller, "/v1/wallets").json(&json!({ "currency": "USD" })),
        ),
        (
            413,
            post(&ana.caller, "/v1/wallets")
                .header("content-type", "application/json")
                .body("x".repeat(2_000_000)),
        ),
        (414, get(&anonymous, &format!("/{}", "x".repeat(9_000)))),
        (415, post(&ana.caller, "/v1/wallets").body("{}")),
        (422, post(&ana.caller, "/v1/transfers").json(&transfer)),
        (422, post(&operator, &format!("/v1/wallets/{}/close", ana.wallet.0))),
    ];
    for (status, request) in requests {
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        has_the_headers(
            &format!("{status} {}", answer.text.chars().take(99).collect::<String>()),
            |name| answer.header(name),
        );
    }
}

async fn answers_to_broken_heads_have_the_headers(bank: Arc<TestBank>) {
    let huge = format!(
        "GET /livez HTTP/1.1\r\nhost: bank\r\nx: {}\r\n\r\n",
        "x".repeat(100_000)
    );
    for (bytes, status, code) in [
        ("nonsense\r\n\r\n", 400, "invalid_request"),
        (huge.as_str(), 431, "headers_too_large"),
    ] {
        let mut connection = Connection::open(bank.address).await;
        connection.send(bytes).await;
        let answer = connection.answer().await;
        answer.expect_problem(status, code);
        has_the_headers(&format!("{status}"), |name| answer.header(name));
        assert_eq!(answer.header("connection"), "close");
        assert_eq!(connection.until_closed().await, b"");
    }
}

async fn a_good_request_id_is_echoed_and_a_bad_one_replaced(bank: Arc<TestBank>) {
    let longest = "x".repeat(64);
    for path in ["/livez", "/nothing"] {
        for id in ["a", "order-17_a.B", &longest] {
            let request = bank.anonymous().request(Method::GET, path).header("x-request-id", id);
            assert_eq!(Answer::of(request).await.header("x-request-id"), id);
        }
        let too_long = "x".repeat(65);
        let bad: [&[u8]; 8] = [
            b"",
            b"a b",
            b"a\"b",
            b"<script>",
            b"{}",
            "\u{e9}".as_bytes(),
            b"a,b",
            too_long.as_bytes(),
        ];
        let mut given = Vec::new();
        for id in bad {
            let request = bank.anonymous().request(Method::GET, path).header("x-request-id", id);
            let answer = Answer::of(request).await;
            let fresh = answer.header("x-request-id");
            assert!(uuid::Uuid::try_parse(fresh).is_ok(), "{fresh:?} for {id:?}");
            assert!(!given.iter().any(|known| known == fresh), "{fresh} is given twice");
            given.push(fresh.to_owned());
        }
    }
    let mut connection = Connection::open(bank.address).await;
    let smuggled = request("GET /livez", &["x-request-id: a\tb", "x-request-id: good"], "");
    connection.send(smuggled).await;
    assert_ne!(connection.answer().await.header("x-request-id"), "a\tb");
}

async fn what_is_somebodys_own_is_not_kept_by_caches(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for path in ["/v1/users/me", "/v1/wallets", "/v1/nothing"] {
        assert_eq!(ana.caller.get(path).await.header("cache-control"), "no-store", "{path}");
    }
}

const ORIGIN: &str = "https://app.example";
const ALLOWED: &str = "access-control-allow-origin";

fn from(caller: &Caller, method: Method, path: &str, origin: &str) -> RequestBuilder {
    let request = caller.request(method.clone(), path).header("origin", origin);
    if method == Method::OPTIONS {
        let asks = request.header("access-control-request-method", "POST");
        asks.header(
            "access-control-request-headers",
            "authorization,content-type,idempotency-key",
        )
    } else {
        request
    }
}

async fn pages_of_a_configured_origin_may_call(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let preflight = Answer::of(from(&bank.anonymous(), Method::OPTIONS, "/v1/transfers", ORIGIN)).await;
    assert_eq!((preflight.status, preflight.text.as_str()), (204, ""));
    assert_eq!(preflight.header(ALLOWED), ORIGIN);
    assert!(preflight.header("access-control-allow-methods").contains("POST"));
    for name in ["authorization", "content-type", "idempotency-key", "x-request-id"] {
        let allowed = preflight.header("access-control-allow-headers");
        assert!(
            allowed.split(", ").any(|known| known == name),
            "{name} is missing in {allowed}"
        );
    }
    // Failures must be readable too, so that a page can tell what went wrong.
    for (caller, path, status) in [
        (&ana.caller, "/v1/users/me", 200),
        (&bank.anonymous(), "/v1/users/me", 401),
        (&ana.caller, "/v1/nothing", 404),
    ] {
        let answer = Answer::of(from(caller, Method::GET, path, ORIGIN)).await;
        assert_eq!((answer.status, answer.header(ALLOWED)), (status, ORIGIN));
        assert!(answer.header("access-control-expose-headers").contains("x-request-id"));
        assert!(answer.header("vary").to_ascii_lowercase().contains("origin"));
        assert_eq!(
            answer.header("access-control-allow-credentials"),
            "true",
            "a named origin may use the cookie of a session"
        );
    }
}

async fn pages_of_other_origins_may_not(bank: Arc<TestBank>) {
    let others = [
        "https://evil.example",
        "http://app.example",
        "https://app.example.evil.example",
        "https://app.example:8443",
        "null",
        "*",
    ];
    for origin in others {
        let preflight = Answer::of(from(&bank.anonymous(), Method::OPTIONS, "/v1/transfers", origin)).await;
        preflight.expect_problem(403, "forbidden");
        assert_eq!(preflight.header(ALLOWED), "", "{origin}");
        let answer = Answer::of(from(&bank.anonymous(), Method::GET, "/livez", origin)).await;
        assert_eq!((answer.status, answer.header(ALLOWED)), (200, ""), "{origin}");
        assert!(
            answer.header("vary").to_ascii_lowercase().contains("origin"),
            "a cache must not mix origins up"
        );
    }
}

async fn cross_origin_calls_are_closed_by_default(bank: Arc<TestBank>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let app = app(bank.services.clone(), Vec::new()).expect("the app can be built");
    let server = tokio::spawn(edge::serve(
        listener,
        app,
        ConnectionLimits::default(),
        std::future::pending(),
    ));
    let closed = Caller::at(address);
    for origin in [ORIGIN, "http://localhost:3000", "null"] {
        let preflight = Answer::of(from(&closed, Method::OPTIONS, "/v1/transfers", origin)).await;
        preflight.expect_problem(403, "forbidden");
        let answer = Answer::of(from(&closed, Method::GET, "/livez", origin)).await;
        assert_eq!(answer.status, 200);
        for answer in [preflight, answer] {
            let opening = answer
                .headers
                .keys()
                .find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(opening, None, "{origin}");
        }
    }
    server.abort();
}
