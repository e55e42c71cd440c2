//! What a browser may do with an answer: policies on pages and on the API's answers, and what caches may keep. The headers
//! that every answer has are in `answers`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::{Answer, TestBank};
use reqwest::Method;
use sha2::{Digest, Sha256};

on_sqlite!(
    answers_of_the_api_may_load_nothing,
    pages_run_their_own_scripts_only,
    a_page_that_is_known_keeps_its_policy,
    what_holds_data_is_kept_by_no_cache,
);

const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const POLICY: &str = "content-security-policy";

async fn answers_of_the_api_may_load_nothing(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let paths = [
        "/v1/users/me",
        "/v1/nothing",
        "/livez",
        "/health",
        "/metrics",
        "/nothing",
        "/openapi.json",
    ];
    for path in paths {
        let answer = ana.caller.get(path).await;
        assert_eq!(answer.header(POLICY), API_POLICY, "{path}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{path}");
    }
    let refused = bank.anonymous().get("/v1/users/me").await;
    assert_eq!((refused.status, refused.header(POLICY)), (401, API_POLICY));
}

/// The texts of a page's scripts.
fn scripts(page: &str) -> Vec<&str> {
    let parts = page.split("</script>");
    let opened = parts.filter_map(|part| part.split_once("<script").and_then(|(_, rest)| rest.split_once('>')));
    opened.map(|(_, script)| script).collect()
}

async fn pages_run_their_own_scripts_only(bank: Arc<TestBank>) {
    for (path, count) in [("/", 0), ("/docs", 2), ("/redoc", 2), ("/docs/problems", 0)] {
        let page = bank.anonymous().get(path).await;
        let policy = page.header(POLICY);
        let directive = policy.split("; ").find(|part| part.starts_with("script-src"));
        let scripts = scripts(&page.text);
        assert_eq!(scripts.len(), count, "{path}");
        let allowed = scripts
            .iter()
            .map(|script| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(script))));
        let expected = (count > 0).then(|| format!("script-src{}", allowed.collect::<String>()));
        assert_eq!(directive.map(str::to_owned), expected, "{path}");
        assert!(
            policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe-eval") && !policy.contains("http"), "{policy}");
    }
}

async fn a_page_that_is_known_keeps_its_policy(bank: Arc<TestBank>) {
    let page = bank.anonymous().get("/docs").await;
    let request = bank.anonymous().request(Method::GET, "/docs");
    let known = Answer::of(request.header("if-none-match", page.header("etag"))).await;
    assert_eq!((known.status, known.header(POLICY)), (304, page.header(POLICY)));
}

async fn what_holds_data_is_kept_by_no_cache(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    for path in [
        "/v1/users/me",
        "/v1/nothing",
        "/statistics",
        "/stats?from_date=2026-01-01&to_date=2026-01-02",
        "/analytics/kyc-funnel",
        "/analytics/top-merchant",
        "/v1/journal/head",
    ] {
        let answer = operator.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}: {}", answer.status);
    }
    let refused = bank.anonymous().get("/statistics").await;
    assert_eq!((refused.status, refused.header("cache-control")), (401, "no-store"));
    for path in ["/", "/docs", "/redoc", "/openapi.json"] {
        assert_eq!(
            bank.anonymous().get(path).await.header("cache-control"),
            "public, no-cache",
            "{path}"
        );
    }
}
