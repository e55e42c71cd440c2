//! The pages that explain the API: their content, what they load, and their headers.

use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use harness::TestBank;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};

use crate::document::current;

on_sqlite!(
    pages_show_the_finished_document,
    pages_are_in_standards_mode,
    pages_are_compressed_for_those_who_take_it,
    a_known_page_is_not_sent_again,
    swagger_ui_ends_the_stream_it_tries,
);

const PAGES: [&str; 5] = ["/", "/openapi.json", "/docs", "/redoc", "/docs/problems"];

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
        // There is no icon, and with this link a browser does not request one.
        assert_eq!(page.matches("<link rel=\"icon\" href=\"data:,\">").count(), 1, "{path}");
    }
}

/// Requests a page with headers; returns the answer with the bytes of its body.
async fn ask(bank: &TestBank, path: &str, headers: &[(&str, &str)]) -> (u16, HeaderMap, Vec<u8>) {
    let mut request = bank.anonymous().request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.expect("the answer can be read");
    (status, headers, body.to_vec())
}

fn unzip(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = GzDecoder::new(bytes).read_to_end(&mut plain);
    read.expect("the body is gzip");
    plain
}

async fn pages_are_compressed_for_those_who_take_it(bank: Arc<TestBank>) {
    for path in PAGES {
        let (status, plain_headers, plain) = ask(&bank, path, &[]).await;
        assert_eq!((status, plain_headers.get("content-encoding")), (200, None), "{path}");
        let (status, headers, body) = ask(&bank, path, &[("accept-encoding", "br, gzip;q=0.9")]).await;
        assert_eq!(
            (status, &headers["content-encoding"]),
            (200, &HeaderValue::from_static("gzip")),
            "{path}"
        );
        assert_eq!(headers["content-length"], body.len().to_string().as_str(), "{path}");
        assert_eq!(headers["content-type"], plain_headers["content-type"], "{path}");
        assert!(unzip(&body) == plain, "{path}: another page comes out");
        assert!(
            plain.len() < 100_000 || body.len() < plain.len() / 2,
            "{path}: {} of {}",
            body.len(),
            plain.len()
        );
        // A proxy must cache both forms separately.
        for headers in [&plain_headers, &headers] {
            assert_eq!(headers["cache-control"], "public, no-cache", "{path}");
            let mut vary = headers.get_all("vary").iter();
            assert!(vary.any(|names| names == "accept-encoding"), "{path}: {headers:?}");
        }
        assert_ne!(headers["etag"], plain_headers["etag"], "{path}");
        let (_, refused, _) = ask(&bank, path, &[("accept-encoding", "gzip;q=0")]).await;
        assert_eq!(refused.get("content-encoding"), None, "{path}");
    }
}

async fn a_known_page_is_not_sent_again(bank: Arc<TestBank>) {
    for path in PAGES {
        for coding in ["identity", "gzip"] {
            let coding = ("accept-encoding", coding);
            let (_, first, body) = ask(&bank, path, &[coding]).await;
            let tag = first["etag"].to_str().expect("a tag is text");
            let (_, again, same) = ask(&bank, path, &[coding]).await;
            assert!(again["etag"] == tag && body == same, "{path} is another page each time");
            for known in [tag, "*", &format!("\"x\", W/{tag}")] {
                let (status, headers, body) = ask(&bank, path, &[coding, ("if-none-match", known)]).await;
                assert_eq!((status, body.len()), (304, 0), "{path}: {known}");
                assert_eq!(headers["etag"], tag, "{path}");
                assert_eq!(headers["cache-control"], "public, no-cache", "{path}");
                assert_eq!(headers.get("content-encoding"), None, "{path}");
            }
            let (status, _, body) = ask(&bank, path, &[coding, ("if-none-match", "\"x\"")]).await;
            assert!(status == 200 && !body.is_empty(), "{path}");
        }
    }
    // A tag depends only on the page's content: it is the same on all replicas, and different for different pages.
    let other = TestBank::open(bank.backend).await;
    let tag = async |bank: &TestBank, path: &str| ask(bank, path, &[]).await.1["etag"].clone();
    assert_eq!(tag(&bank, "/docs").await, tag(&other, "/docs").await);
    assert_ne!(tag(&bank, "/docs").await, tag(&bank, "/redoc").await);
    other.close().await;
}

async fn swagger_ui_ends_the_stream_it_tries(bank: Arc<TestBank>) {
    let docs = bank.anonymous().get("/docs").await.text;
    assert_eq!(docs.matches("url.searchParams.set(\"limit\", \"3\")").count(), 1);
    let document = current(&bank);
    let parameters = document["paths"]["/statistics/stream"]["get"]["parameters"].as_array();
    let limit = parameters
        .into_iter()
        .flatten()
        .find(|parameter| parameter["name"] == "limit");
    let limit = &limit.expect("a stream has a limit")["schema"];
    assert_eq!(
        (limit["minimum"].as_f64(), limit["maximum"].as_f64()),
        (Some(1.0), Some(900.0))
    );
}
