//! The pages that explain the API: what they show, what they need, and how they travel.

use std::sync::Arc;

use harness::TestBank;

use crate::document::current;

on_sqlite!(pages_show_the_finished_document, pages_are_in_standards_mode,);

async fn pages_show_the_finished_document(bank: Arc<TestBank>) {
    let document = current(&bank);
    let served = bank.anonymous().get("/openapi.json").await;
    assert_eq!(
        (served.status, served.header("content-type")),
        (200, "application/json")
    );
    assert_eq!(served.text, format!("{document:#}"));
    let inside = format!("let spec = {}", format!("{document:#}").replace('<', "\\u003c"));
    for path in ["/docs", "/docs/", "/redoc", "/redoc/"] {
        let page = bank.anonymous().get(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        assert_eq!(
            page.text.matches(inside.as_str()).count(),
            1,
            "{path} shows another document"
        );
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"),
            "{path}: {policy}"
        );
        for host in ["src=\"http", "href=\"https://fonts", "src=\"//"] {
            assert!(!page.text.contains(host), "{path} needs another host: {host}");
        }
    }
    let docs = bank.anonymous().get("/docs").await.text;
    assert_eq!(docs.matches("persistAuthorization: true").count(), 1);
    let problems = bank.anonymous().get("/docs/problems").await;
    let refused = bank.anonymous().get("/v1/users/me").await;
    let (page, code) = refused
        .text_of("type")
        .split_once('#')
        .expect("a type is a page and a place in it");
    assert_eq!((page, problems.status), ("/docs/problems", 200));
    assert!(problems.text.contains(&format!("id=\"{code}\"")));
}

async fn pages_are_in_standards_mode(bank: Arc<TestBank>) {
    for path in ["/", "/docs", "/redoc", "/docs/problems"] {
        let page = bank.anonymous().get(path).await.text;
        assert!(
            page[..15].eq_ignore_ascii_case("<!doctype html>"),
            "{path}: {}",
            &page[..60]
        );
    }
}
