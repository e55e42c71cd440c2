//! The server under clients that are slow, that break off, or that are many.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::app::app;
use api::edge::{self, ConnectionLimits};
use harness::TestBank;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::raw::{Broken, Connection, PATIENCE, request};
use crate::shares::{gets_served, is_served};

on_sqlite!(
    a_slow_head_is_ended,
    a_silent_connection_is_ended,
    an_idle_connection_is_ended,
    sixty_four_connections_stay_alive,
    a_reset_leaves_the_server_well,
    a_transfer_whose_client_hung_up_is_made_once,
    a_client_that_takes_no_answer_loses_its_connection,
    a_stop_ends_idle_connections_and_finishes_requests,
    a_request_that_outlives_the_grace_is_dropped,
);

const BRIEF: Duration = Duration::from_millis(300);

/// A server of the bank's application with other limits.
pub struct Server {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

pub async fn serve(bank: &TestBank, limits: ConnectionLimits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
    let address = listener.local_addr().expect("a bound listener has an address");
    let app = app(bank.services.clone(), Vec::new()).expect("the app can be built");
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(edge::serve(listener, app, limits, async move {
        let _ = stopped.await;
    }));
    Server { address, stop, task }
}

impl Server {
    /// Checks that a new connection is served, then stops the server.
    pub async fn ends_well(self) {
        is_well(self.address).await;
        self.task.abort();
    }
}

pub async fn is_well(address: SocketAddr) {
    let mut connection = Connection::open(address).await;
    connection.send(request("GET /livez", &[], "")).await;
    assert_eq!(connection.answer().await.status, 200);
}

async fn ask(connection: &mut Connection) {
    connection.send(request("GET /livez", &[], "")).await;
    assert_eq!(connection.answer().await.status, 200);
}

async fn a_slow_head_is_ended(bank: Arc<TestBank>) {
    let server = serve(
        &bank,
        ConnectionLimits {
            header_timeout: BRIEF,
            ..ConnectionLimits::default()
        },
    )
    .await;
    for asked_before in [false, true] {
        // The time limit of a first head starts with the connection, that of a later head with its first byte.
        let mut started = Instant::now();
        let mut connection = Connection::open(server.address).await;
        if asked_before {
            ask(&mut connection).await;
            started = Instant::now();
        }
        connection.send("GET /livez HTTP/1.1\r\nhost: b").await;
        let mut sent = 0;
        // Single bytes must not extend the time.
        while connection.is_silent_for(BRIEF / 10).await {
            sent += 1;
            assert!(sent < 100, "a trickle keeps a head alive");
            connection.send("x").await;
        }
        connection.answer().await.expect_problem(408, "request_timeout");
        assert!(started.elapsed() >= BRIEF, "the head had its time");
        assert_eq!(connection.until_closed().await, b"");
    }
    server.ends_well().await;
}

async fn a_silent_connection_is_ended(bank: Arc<TestBank>) {
    let server = serve(
        &bank,
        ConnectionLimits {
            header_timeout: BRIEF,
            ..ConnectionLimits::default()
        },
    )
    .await;
    let started = Instant::now();
    let mut connection = Connection::open(server.address).await;
    assert_eq!(connection.until_closed().await, b"");
    assert!(
        started.elapsed() >= BRIEF - Duration::from_millis(50),
        "it had its time"
    );
    server.ends_well().await;
}

async fn an_idle_connection_is_ended(bank: Arc<TestBank>) {
    let server = serve(
        &bank,
        ConnectionLimits {
            keep_alive_timeout: BRIEF,
            ..ConnectionLimits::default()
        },
    )
    .await;
    let mut connection = Connection::open(server.address).await;
    ask(&mut connection).await;
    let started = Instant::now();
    assert_eq!(connection.until_closed().await, b"");
    assert!(
        started.elapsed() >= BRIEF - Duration::from_millis(50),
        "it had its time"
    );
    server.ends_well().await;
}

async fn sixty_four_connections_stay_alive(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let token = ana.caller.token.expect("a customer has a token");
    let mut clients = JoinSet::new();
    for client in 0..64 {
        let (address, token) = (bank.address, token.clone());
        clients.spawn(async move {
            let mut connection = Connection::open(address).await;
            for turn in 0..20 {
                let id = format!("{client}-{turn}");
                let headers = [format!("x-request-id: {id}"), format!("authorization: Bearer {token}")];
                connection
                    .send(request("GET /v1/users/me", &headers.each_ref().map(String::as_str), ""))
                    .await;
                let answer = connection.answer().await;
                assert_eq!((answer.status, answer.header("x-request-id")), (200, id.as_str()));
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("each client gets all its answers");
    }
}

/// Closes a connection with RST instead of FIN.
fn reset(connection: Connection) {
    connection
        .stream
        .set_zero_linger()
        .expect("a socket can be told to reset");
}

async fn a_reset_leaves_the_server_well(bank: Arc<TestBank>) {
    let server = serve(
        &bank,
        ConnectionLimits {
            connections_max: 2,
            peer_share_percent: 100,
            ..ConnectionLimits::default()
        },
    )
    .await;
    let whole = request("POST /v1/auth/login", &[], "{\"email\":\"a@b.cc\",\"password\":\"x\"}");
    // Cut at any place: in the start line, in a header, between head and body, in the body, after the body.
    for length in (0..=whole.len()).step_by(7).chain([whole.len()]) {
        let mut connection = Connection::open(server.address).await;
        connection.send(&whole[..length]).await;
        reset(connection);
    }
    // If one of them had stayed, two places would not be free.
    let started = Instant::now();
    loop {
        let (mut one, mut other) = (
            Connection::open(server.address).await,
            Connection::open(server.address).await,
        );
        if is_served(&mut one, &[]).await && is_served(&mut other, &[]).await {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "a reset connection stays");
    }
    server.ends_well().await;
}

async fn a_transfer_whose_client_hung_up_is_made_once(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "100").await, bank.customer("ben").await);
    let token = format!(
        "authorization: Bearer {}",
        ana.caller.token.as_deref().expect("a customer has a token")
    );
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ben.wallet, "amount": "1" });
    for turn in 0..20 {
        let key = format!("idempotency-key: k{turn}");
        let mut connection = Connection::open(bank.address).await;
        connection
            .send(request("POST /v1/transfers", &[&token, &key], &body.to_string()))
            .await;
        reset(connection);
        // The retry finds the first request's transfer, or makes it; never a second one.
        ana.caller
            .post_once("/v1/transfers", &format!("k{turn}"), body.clone())
            .await
            .expect(201);
    }
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["80.0000", "20.0000"]);
}

async fn a_client_that_takes_no_answer_loses_its_connection(bank: Arc<TestBank>) {
    let limits = ConnectionLimits {
        connections_max: 1,
        write_timeout: BRIEF,
        ..ConnectionLimits::default()
    };
    let server = serve(&bank, limits).await;
    let mut greedy = Connection::open(server.address).await;
    // Swagger UI has more than a megabyte: a few copies fill every buffer on the way.
    greedy.send(request("GET /docs", &[], "").repeat(40)).await;
    // The only place is taken until the server closes the greedy client's connection.
    gets_served(server.address).await;
    let mut answers = 0;
    let end = loop {
        match greedy.try_answer().await {
            Ok(_) => answers += 1,
            Err(end) => break end,
        }
        assert!(answers < 40, "the server waited for ever");
    };
    assert!(matches!(end, Broken::Cut | Broken::Unanswered));
    server.ends_well().await;
}

async fn a_stop_ends_idle_connections_and_finishes_requests(bank: Arc<TestBank>) {
    let server = serve(&bank, ConnectionLimits::default()).await;
    let mut idle = Connection::open(server.address).await;
    ask(&mut idle).await;
    let body = "{\"email\":\"nobody@example.com\",\"password\":\"x\"}";
    let expects = ["expect: 100-continue"];
    let whole = request("POST /v1/auth/login", &expects, body);
    let mut busy = Connection::open(server.address).await;
    busy.send(&whole[..whole.len() - body.len()]).await;
    // The server asks for the body, so the request is in progress.
    assert_eq!(busy.head().await.map(|(status, _)| status), Ok(100));
    server.stop.send(()).expect("the server runs");
    assert_eq!(idle.until_closed().await, b"");
    busy.send(body).await;
    let answer = busy.answer().await;
    answer.expect_problem(401, "invalid_credentials");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(busy.until_closed().await, b"");
    server
        .task
        .await
        .expect("the server ends well")
        .expect("serving does not fail");
}

async fn a_request_that_outlives_the_grace_is_dropped(bank: Arc<TestBank>) {
    let server = serve(
        &bank,
        ConnectionLimits {
            shutdown_grace: BRIEF,
            ..ConnectionLimits::default()
        },
    )
    .await;
    let mut busy = Connection::open(server.address).await;
    busy.send("POST /v1/auth/login HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n").await;
    assert_eq!(busy.head().await.map(|(status, _)| status), Ok(100));
    server.stop.send(()).expect("the server runs");
    server
        .task
        .await
        .expect("the server ends well")
        .expect("serving does not fail");
    assert_eq!(busy.until_closed().await, b"");
}
