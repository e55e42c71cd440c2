//! The edge around an application that misbehaves in ways in which the bank's own does not: it panics, reads slowly, or
//! fails with a plain text.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use api::edge::{self, BodyLimit, ConnectionLimits, EdgeConfig, TimeoutScope};
use poem::endpoint::make;
use poem::{Endpoint, IntoResponse, Request, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::raw::{Connection, request};

/// An application that misbehaves as the path says.
async fn misbehave(mut request: Request) -> poem::Result<Response> {
    match request.uri().path() {
        "/panic" => panic!("a secret in a panic"),
        "/fails" => Err(poem::Error::from_string(
            "a secret in a failure",
            poem::http::StatusCode::INTERNAL_SERVER_ERROR,
        )),
        "/refuses" => Err(poem::Error::from_string(
            "a secret in a refusal",
            poem::http::StatusCode::CONFLICT,
        )),
        "/ignores" => Ok("ignored".into_response()),
        _ => Ok(request
            .take_body()
            .into_bytes()
            .await?
            .len()
            .to_string()
            .into_response()),
    }
}

async fn serve<E>(app: E, config: EdgeConfig) -> (SocketAddr, JoinHandle<std::io::Result<()>>)
where
    E: Endpoint + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let app = edge::wrap(app, config);
    (
        address,
        tokio::spawn(edge::serve(
            listener,
            app,
            ConnectionLimits::default(),
            std::future::pending(),
        )),
    )
}

fn limits() -> EdgeConfig {
    let body = BodyLimit {
        max_bytes: 100,
        timeout: Duration::from_millis(300),
        ..BodyLimit::default()
    };
    let larger = BodyLimit {
        max_bytes: 1_000,
        ..body
    };
    let patient = BodyLimit {
        timeout_scope: TimeoutScope::EachWait,
        ..body
    };
    EdgeConfig {
        body,
        body_by_prefix: vec![("/large".to_owned(), larger), ("/patient".to_owned(), patient)],
        ..EdgeConfig::default()
    }
}

#[tokio::test]
async fn faults_are_problems_that_tell_nothing_and_cost_one_request() {
    let (address, server) = serve(make(misbehave), limits()).await;
    let mut connection = Connection::open(address).await;
    for (path, status, code) in [
        ("/panic", 500, "internal"),
        ("/fails", 500, "internal"),
        ("/refuses", 400, "invalid_request"),
        ("/panic", 500, "internal"),
    ] {
        connection.send(request(&format!("GET {path}"), &[], "")).await;
        let answer = connection.answer().await;
        answer.expect_problem(status, code);
        assert!(
            !String::from_utf8_lossy(&answer.body).contains("secret"),
            "{path} tells what happened inside"
        );
        connection.send(request("POST /", &[], "hello")).await;
        assert_eq!(
            connection.answer().await.body,
            b"5",
            "the connection lives after {path}"
        );
    }
    server.abort();
}

#[tokio::test]
async fn bodies_have_the_limit_of_their_path() {
    let (address, server) = serve(make(misbehave), limits()).await;
    for (path, bytes, fits) in [
        ("/", 100, true),
        ("/", 101, false),
        ("/large", 1_000, true),
        ("/large/x", 1_000, true),
        ("/large", 1_001, false),
    ] {
        let body = "x".repeat(bytes);
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{bytes:x}\r\n{body}\r\n0\r\n\r\n"
        );
        for message in [request(&format!("POST {path}"), &[], &body), chunked] {
            let mut connection = Connection::open(address).await;
            connection.send(message).await;
            let answer = connection.answer().await;
            if fits {
                assert_eq!((answer.status, answer.body), (200, bytes.to_string().into_bytes()));
            } else {
                answer.expect_problem(413, "body_too_large");
            }
        }
    }
    server.abort();
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let (address, server) = serve(make(misbehave), limits()).await;
    let mut connection = Connection::open(address).await;
    let started = Instant::now();
    connection
        .send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        .await;
    connection.answer().await.expect_problem(408, "request_timeout");
    assert!(started.elapsed() >= Duration::from_millis(300), "it had its time");
    assert_eq!(connection.until_closed().await, b"");
    server.abort();
}

#[tokio::test]
async fn a_body_that_trickles_has_the_same_time_as_any() {
    let (address, server) = serve(make(misbehave), limits()).await;
    let mut connection = Connection::open(address).await;
    connection
        .send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 90\r\n\r\n")
        .await;
    let mut sent = 0;
    // 90 bytes would take 4.5 seconds at this pace.
    while connection.is_silent_for(Duration::from_millis(50)).await {
        sent += 1;
        assert!(sent < 60, "a trickle keeps a body alive");
        connection.send("x").await;
    }
    connection.answer().await.expect_problem(408, "request_timeout");
    server.abort();
}

#[tokio::test]
async fn where_a_body_may_take_long_it_lives_as_long_as_it_comes() {
    let (address, server) = serve(make(misbehave), limits()).await;
    let mut connection = Connection::open(address).await;
    let started = Instant::now();
    connection
        .send("POST /patient HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n")
        .await;
    for _ in 0..20 {
        assert!(
            connection.is_silent_for(Duration::from_millis(50)).await,
            "it is cut short"
        );
        connection.send("x").await;
    }
    assert_eq!(connection.answer().await.body, b"20");
    assert!(started.elapsed() > Duration::from_millis(600), "twice its time passed");
    connection
        .send("POST /patient HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\nx")
        .await;
    connection.answer().await.expect_problem(408, "request_timeout");
    server.abort();
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_confuse_the_next_request() {
    let (address, server) = serve(make(misbehave), limits()).await;
    let mut connection = Connection::open(address).await;
    connection
        .send(request("POST /ignores", &[], "GET /panic HTTP/1.1\r\n\r\n"))
        .await;
    connection.send(request("POST /", &[], "hello")).await;
    assert_eq!(connection.answer().await.body, b"ignored");
    // The connection may go on in step or end, but the body must never be read as a request.
    if let Ok(answer) = connection.try_answer().await {
        assert_eq!(answer.body, b"5");
    }
    server.abort();
}
