//! Heads that two programs may read differently are refused: one request for a proxy must not be two requests here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::TestBank;
use tokio::io::AsyncWriteExt;

use crate::raw::{Connection, RawAnswer, request};

on_sqlite!(
    a_request_names_one_host,
    a_request_has_one_length,
    chunked_bodies_are_fine_by_themselves,
    a_body_is_chunked_once_and_nothing_else,
    a_request_has_one_authorization,
    a_target_over_the_limit_is_too_long,
);

async fn ask(bank: &TestBank, bytes: impl AsRef<[u8]>) -> RawAnswer {
    let mut connection = Connection::open(bank.address).await;
    connection.send(bytes).await;
    connection.answer().await
}

async fn a_request_names_one_host(bank: Arc<TestBank>) {
    let livez = |headers: &str| format!("GET /livez HTTP/1.1\r\n{headers}\r\n");
    for bad in [
        "",
        "hostname: bank\r\n",
        "host: bank\r\nhost: bank\r\n",
        "host: bank\r\nHost: other\r\n",
        "host: bank,other\r\n",
        "host:\r\n",
        "host: a b\r\n",
        "host: http://bank\r\n",
        "host: user@bank\r\n",
        "host: bank:port\r\n",
    ] {
        let answer = ask(&bank, livez(bad)).await;
        assert_eq!(answer.status, 400, "{bad:?}: {answer:?}");
        answer.expect_problem(400, "invalid_request");
        assert!(
            answer.json()["detail"]
                .as_str()
                .is_some_and(|words| words.contains("Host"))
        );
    }
    for good in [
        "host: bank\r\n",
        "HOST: bank.example:8080\r\n",
        "host: 127.0.0.1\r\n",
        "host: [::1]:8080\r\n",
    ] {
        assert_eq!(ask(&bank, livez(good)).await.status, 200, "{good:?}");
    }
    let mut old = Connection::open(bank.address).await;
    old.send("GET /livez HTTP/1.0\r\n\r\n").await;
    let answer = old.until_closed().await;
    assert!(
        answer.starts_with(b"HTTP/1.0 200 "),
        "HTTP/1.0 knows no host: {}",
        String::from_utf8_lossy(&answer)
    );
}

/// A hidden request inside a body: if the server read it as a request, it would answer it.
const HIDDEN: &str = "GET /livez HTTP/1.1\r\nhost: bank\r\n\r\n";

/// A request with both lengths. By Content-Length all of it is one body.
fn ambiguous(is_length_first: bool) -> String {
    let body = format!("0\r\n\r\n{HIDDEN}");
    let mut lengths = [
        format!("Content-Length: {}", body.len()),
        "transfer-ENCODING: chunked".to_owned(),
    ];
    if !is_length_first {
        lengths.reverse();
    }
    format!(
        "POST /v1/auth/login HTTP/1.1\r\nhost: bank\r\n{}\r\n\r\n{body}",
        lengths.join("\r\n")
    )
}

fn chunked(path: &str, body: &str) -> String {
    let bytes = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bank\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n\
         {bytes:x};note=content-length\r\n{body}\r\n0\r\ncontent-length: 3\r\n\r\n"
    )
}

/// The same requests, each with an address of its own: failed sign-ins of one address are throttled.
fn with_own_addresses(requests: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let mut parts = requests.split("nobody@");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        whole.push_str(&format!("{number:06}@{part}"));
    }
    whole
}

const SIGN_IN: &str = "{\"email\":\"nobody@example.com\",\"password\":\"content-length: 3\\r\\n\"}";

async fn a_request_has_one_length(bank: Arc<TestBank>) {
    let livez = request("GET /livez", &[], "");
    let sign_in = request("POST /v1/auth/login", &[], SIGN_IN);
    let chunked = chunked("/v1/auth/login", SIGN_IN);
    let before: [(&[&str], &[u16]); 4] = [
        (&[], &[]),
        (&[&livez], &[200]),
        (&[&sign_in, &livez], &[401, 200]),
        (&[&chunked, &sign_in, &chunked], &[401, 401, 401]),
    ];
    for is_length_first in [true, false] {
        for (requests, statuses) in before {
            let whole = with_own_addresses(&[requests.concat(), ambiguous(is_length_first)].concat());
            for step in [whole.len(), 11] {
                let mut connection = Connection::open(bank.address).await;
                for part in whole.as_bytes().chunks(step) {
                    // The refusal may come before the last byte is sent.
                    let _ = connection.try_send(part).await;
                }
                for status in statuses {
                    assert_eq!(connection.answer().await.status, *status);
                }
                let refused = connection.answer().await;
                refused.expect_problem(400, "invalid_request");
                assert_eq!(refused.header("connection"), "close");
                // Otherwise the server would wait for further bytes.
                let _ = connection.stream.shutdown().await;
                assert_eq!(
                    connection.until_closed().await,
                    b"",
                    "what is hidden in a body is answered"
                );
            }
        }
    }
}

async fn chunked_bodies_are_fine_by_themselves(bank: Arc<TestBank>) {
    let chunked = chunked("/v1/auth/login", SIGN_IN);
    let mut connection = Connection::open(bank.address).await;
    for _ in 0..3 {
        connection.send(with_own_addresses(&chunked.repeat(2))).await;
        for _ in 0..2 {
            connection.answer().await.expect_problem(401, "invalid_credentials");
        }
    }
}

async fn a_body_is_chunked_once_and_nothing_else(bank: Arc<TestBank>) {
    let plain = chunked("/v1/auth/login", SIGN_IN);
    let with = |encoding: &str| plain.replace("transfer-encoding: chunked", encoding);
    for bad in [
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: , chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked",
        "transfer-encoding:\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked, gzip",
        "transfer-encoding: gzip",
        "transfer-encoding: ÿ, chunked",
    ] {
        let mut connection = Connection::open(bank.address).await;
        connection.send([with(bad).as_str(), HIDDEN].concat()).await;
        let refused = connection.answer().await;
        assert_eq!(refused.status, 400, "{bad}: {refused:?}");
        refused.expect_problem(400, "invalid_request");
        assert_eq!(refused.header("connection"), "close", "{bad}");
        let _ = connection.stream.shutdown().await;
        assert_eq!(
            connection.until_closed().await,
            b"",
            "{bad}: the next request is answered"
        );
    }
    for good in ["transfer-encoding: chunked", "Transfer-Encoding:  CHUNKED "] {
        let answer = ask(&bank, with(good)).await;
        answer.expect_problem(401, "invalid_credentials");
    }
}

async fn a_request_has_one_authorization(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let token = format!(
        "authorization: Bearer {}",
        ana.caller.token.as_deref().expect("a customer has a token")
    );
    let with = |headers: &[&str]| request("GET /v1/users/me", headers, "");
    assert_eq!(ask(&bank, with(&[&token])).await.status, 200);
    for twice in [
        [token.as_str(), token.as_str()],
        [token.as_str(), "Authorization: Bearer x"],
        ["authorization: Basic YTpi", token.as_str()],
    ] {
        let answer = ask(&bank, with(&twice)).await;
        answer.expect_problem(400, "invalid_request");
    }
}

async fn a_target_over_the_limit_is_too_long(bank: Arc<TestBank>) {
    for bytes in [9_000, 20_000, 40_000, 70_000, 200_000] {
        for path in [
            format!("/{}", "x".repeat(bytes)),
            format!("/v1/transfers?cursor={}", "x".repeat(bytes)),
        ] {
            let mut connection = Connection::open(bank.address).await;
            // The answer may come before the last byte is read.
            let _ = connection.try_send(request(&format!("GET {path}"), &[], "")).await;
            let answer = connection.answer().await;
            assert_eq!(answer.status, 414, "{bytes}: {answer:?}");
            answer.expect_problem(414, "uri_too_long");
        }
    }
    let header = format!("x: {}", "x".repeat(40_000));
    let mut connection = Connection::open(bank.address).await;
    let _ = connection.try_send(request("GET /livez", &[&header], "")).await;
    connection.answer().await.expect_problem(431, "headers_too_large");
}
