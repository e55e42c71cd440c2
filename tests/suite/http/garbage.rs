//! Bytes that are not a request, or several requests at once.

use std::sync::Arc;
use std::time::Duration;

use harness::TestBank;

use crate::raw::{Connection, request};
use crate::sockets::is_well;

on_sqlite!(
    garbage_is_answered_with_a_problem,
    two_readings_of_one_request_are_refused,
    pipelined_requests_are_answered_in_order,
);

async fn pipelined_requests_are_answered_in_order(bank: Arc<TestBank>) {
    let mut connection = Connection::open(bank.address).await;
    let (mut all, mut expected) = (String::new(), Vec::new());
    for turn in 0..30 {
        let id = format!("x-request-id: turn-{turn}");
        let (message, status) = match turn % 3 {
            0 => (request("GET /livez", &[&id], ""), 200),
            1 => (request("GET /nothing", &[&id], ""), 404),
            _ => (request("POST /v1/auth/login", &[&id], "{\"email\":1}"), 400),
        };
        all.push_str(&message);
        expected.push((status, format!("turn-{turn}")));
    }
    connection.send(all).await;
    for (status, id) in expected {
        let answer = connection.answer().await;
        assert_eq!((answer.status, answer.header("x-request-id")), (status, id.as_str()));
    }
}

async fn garbage_is_answered_with_a_problem(bank: Arc<TestBank>) {
    let tls_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and so on, until a line ends\r\n\r\n".as_slice();
    let garbage: &[&[u8]] = &[
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: \0\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"G\xffT / HTTP/1.1\r\n\r\n",
        tls_hello,
        b"GET / HTTP/1.1\r\nhost: x\r\n folded\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
        b"*\r\n$4\r\nPING\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
    ];
    for bytes in garbage {
        let mut connection = Connection::open(bank.address).await;
        connection.send(bytes).await;
        let answer = connection.try_answer().await;
        let shown = String::from_utf8_lossy(bytes);
        let answer = answer.unwrap_or_else(|broken| panic!("{shown:?} is not answered: {broken:?}"));
        assert!((400..500).contains(&answer.status), "{shown:?}: {answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{shown:?}");
        assert_eq!(answer.json()["status"], answer.status, "{shown:?}");
        connection.until_closed().await;
    }
    // A client that begins with HTTP/2 expects frames and not text, so the server closes without an answer.
    let mut http2 = Connection::open(bank.address).await;
    http2.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    http2.until_closed().await;
    let mut endless = Connection::open(bank.address).await;
    // The line never ends: the server must stop reading at its limit.
    while endless.try_send("x".repeat(10_000)).await.is_ok() && endless.is_silent_for(Duration::from_millis(1)).await {}
    // A first line without an end counts as a target that is too long.
    endless.answer().await.expect_problem(414, "uri_too_long");
    is_well(bank.address).await;
}

/// If two servers read a request differently, another request can be hidden inside it.
async fn two_readings_of_one_request_are_refused(bank: Arc<TestBank>) {
    let hidden = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let framings = [
        "content-length: 5\r\ncontent-length: 6",
        "content-length: 5, 6",
        "content-length: +5",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: x",
    ];
    for framing in framings {
        let mut connection = Connection::open(bank.address).await;
        connection
            .send(format!(
                "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n{hidden}"
            ))
            .await;
        let answer = connection.answer().await;
        assert!((400..500).contains(&answer.status), "{framing}: {answer:?}");
        let rest = connection.until_closed().await;
        assert!(
            !rest.starts_with(b"HTTP/1.1 200"),
            "{framing}: the hidden request was answered"
        );
    }
    // With both framings, chunks win, and the connection must not go on out of step.
    let mut connection = Connection::open(bank.address).await;
    let both =
        "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    connection.send(format!("{both}{hidden}")).await;
    assert!((400..500).contains(&connection.answer().await.status));
}
