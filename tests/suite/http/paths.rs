//! Routes and methods: a problem document answers requests for those that do not exist.

use std::sync::Arc;

use api::app::document;
use harness::{Answer, Customer, TestBank};
use reqwest::Method;

use crate::raw::{Connection, request};
use crate::rows;

on_sqlite!(
    unknown_routes,
    wrong_methods,
    head_is_answered_like_get_without_a_body,
    targets_that_no_client_library_sends,
);

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
];
const PAGES: &[&str] = &["/", "/docs", "/redoc", "/openapi.json", "/docs/problems", "/console"];

pub fn method(name: &str) -> Method {
    Method::from_bytes(name.as_bytes()).expect("this is a method")
}

async fn unknown_routes(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    let before = rows::count(&bank).await;
    let wallet = ana.wallet.0;
    let routes = [
        "/v1",
        "/v1/",
        "/v2/wallets",
        "/v1/wallet",
        "/V1/users/me",
        "/v1/users/me/wallets",
        "/docs/nothing",
        "/v1/transfers/batch/1",
        "/v1/auth",
        "/openapi.yaml",
        "/.env",
        "/favicon.ico",
        "/health/live",
        "/v1//wallets",
        "//v1/wallets",
        "/v1/wallets/me/entries;a=b",
        "/florin.db",
        "/%2e%2e/etc/passwd",
    ];
    let below = ["nothing", "freeze/now", "deposits/1", "entries/1"].map(|rest| format!("/v1/wallets/{wallet}/{rest}"));
    for route in routes.iter().map(|route| (*route).to_owned()).chain(below) {
        for caller in [&bank.anonymous(), &ana.caller, &operator] {
            for name in ["GET", "POST", "DELETE"] {
                let answer = Answer::of(caller.request(method(name), &route).body("{")).await;
                answer.expect_problem(404, "not_found");
            }
        }
    }
    assert_eq!(rows::count(&bank).await, before);
}

/// Every documented path with the wallet and a transfer of Ana's in it, and its methods.
pub async fn real_paths(bank: &TestBank, ana: &Customer) -> Vec<(String, Vec<String>)> {
    let document = document(&bank.services).expect("the document can be made");
    let paths = document["paths"].as_object().expect("paths are an object");
    let mut real = Vec::new();
    for (path, item) in paths {
        let path = path
            .replace("{wallet_id}", &ana.wallet.0.to_string())
            .replace("{transfer_id}", &ana.wallet.0.to_string())
            .replace("{merchant_id}", "MRC-000001")
            .replace("{import_id}", &ana.wallet.0.to_string())
            .replace("{session_id}", &ana.wallet.0.to_string())
            .replace("{user_id}", &ana.wallet.0.to_string())
            .replace("{api_key_id}", &ana.wallet.0.to_string())
            .replace("{webhook_id}", &ana.wallet.0.to_string())
            .replace("{delivery_id}", &ana.wallet.0.to_string());
        assert!(!path.contains('{'), "a new kind of id: {path}");
        let methods = item
            .as_object()
            .expect("a path is an object")
            .keys()
            .map(|name| name.to_uppercase());
        real.push((path, methods.collect()));
    }
    real.extend(PAGES.iter().map(|page| ((*page).to_owned(), vec!["GET".to_owned()])));
    real
}

async fn wrong_methods(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let before = rows::count(&bank).await;
    let mut refused = 0;
    for (path, mut methods) in real_paths(&bank, &ana).await {
        if methods.iter().any(|name| name == "GET") {
            methods.push("HEAD".to_owned());
        }
        methods.sort();
        for name in METHODS
            .iter()
            .filter(|name| !methods.iter().any(|known| known == *name))
        {
            for caller in [&bank.anonymous(), &ana.caller] {
                let answer = Answer::of(caller.request(method(name), &path)).await;
                assert_eq!(
                    (answer.status, answer.header("allow")),
                    (405, methods.join(", ").as_str()),
                    "{name} {path}"
                );
                if *name == "HEAD" {
                    assert_eq!(answer.header("content-type"), "application/problem+json");
                } else {
                    answer.expect_problem(405, "method_not_allowed");
                }
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "only {refused} methods were tried");
    assert_eq!(rows::count(&bank).await, before);
}

async fn head_is_answered_like_get_without_a_body(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    for (path, methods) in real_paths(&bank, &ana).await {
        if methods.iter().any(|name| name == "GET") {
            let get = ana.caller.request(Method::GET, &path);
            let get = match path.as_str() {
                // The stream has no end.
                "/v1/events/stream" => Answer::begun(get).await,
                _ => Answer::of(get).await,
            };
            let head = Answer::of(ana.caller.request(Method::HEAD, &path)).await;
            assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
    }
}

async fn targets_that_no_client_library_sends(bank: Arc<TestBank>) {
    let targets = [
        "/v1/wallets/%",
        "/v1/wallets/%zz",
        "/v1/wallets/%ff",
        "/v1/wallets/%00",
        "/v1/../v1/users/me",
        "/v1/users/me#x",
        "/v1/users/me?",
        "/v1/users/me?&&",
        "/v1/transfers?%",
        "/v1/transfers?limit=%ff",
        "/v1/transfers?=1",
        "*",
        "http://bank/v1/users/me",
        "http://other.example/v1/users/me",
        "/\u{7f}",
        "/v1/users/{}",
        "/v1/users/me\\",
        "/v1/wallets/\"",
    ];
    let long = format!("/v1/transfers?cursor={}", "a".repeat(9_000));
    for target in targets.iter().copied().chain([long.as_str()]) {
        let mut connection = Connection::open(bank.address).await;
        connection.send(request(&format!("GET {target}"), &[], "")).await;
        let answer = connection.answer().await;
        assert!((400..500).contains(&answer.status), "{target}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{target}");
        assert_eq!(answer.json()["status"], answer.status, "{target}");
    }
    let mut connection = Connection::open(bank.address).await;
    connection.send(request(&format!("GET {long}"), &[], "")).await;
    connection.answer().await.expect_problem(414, "uri_too_long");
}
