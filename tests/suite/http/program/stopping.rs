//! SIGTERM: accepted requests are answered in full, no other is accepted, and the exit status is 0.

use harness::Backend;
use tokio::task::JoinSet;

use super::{Place, two_customers, verifies};
use crate::raw::{Broken, Connection, PATIENCE, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accepted_requests_are_answered_and_new_ones_refused() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "1000").await;
        let token = format!(
            "authorization: Bearer {}",
            ana.caller.token.as_deref().expect("a customer has a token")
        );
        let body = ana.one_to(&ben).to_string();
        let mut accepted = Vec::new();
        for _ in 0..32 {
            let whole = request("POST /v1/transfers", &[&token, "expect: 100-continue"], &body);
            let mut connection = Connection::open(server.address).await;
            connection.send(&whole[..whole.len() - body.len()]).await;
            // The server asks for the body, so the request is accepted.
            assert_eq!(connection.head().await.map(|(status, _)| status), Ok(100));
            accepted.push(connection);
        }
        server.terminate().await;
        until_refused(&server).await;
        for connection in &mut accepted {
            connection.send(&body).await;
        }
        for connection in &mut accepted {
            let answer = connection.answer().await;
            assert_eq!(
                (answer.status, answer.header("connection")),
                (201, "close"),
                "{backend:?}: {answer:?}"
            );
        }
        let ended = server.ended().await;
        assert_eq!(ended.status, Some(0), "{ended:?}");

        let server = place.serve().await;
        let caller = server
            .caller()
            .with_token(ana.caller.token.as_deref().expect("a customer has a token"));
        let wallet = caller.get(&format!("/v1/wallets/{}", ana.wallet())).await.expect(200);
        assert_eq!(wallet["balance"], "968.0000");
        server.kill().await;
        verifies(&place).await;
        place.remove().await;
    }
}

/// Returns once a stopping server refuses new connections; no client may wait for an answer that never comes.
async fn until_refused(server: &harness::program::Serving) {
    let refused = async {
        while let Ok(mut connection) = Connection::try_open(server.address).await {
            let sent = connection
                .try_send(request("GET /livez", &["connection: close"], ""))
                .await;
            if sent.is_ok() {
                // A connection that is accepted during the stop gets a whole answer or no byte.
                let answer = connection.try_answer().await;
                assert!(!matches!(answer, Err(Broken::Cut)), "an answer was cut");
            }
        }
    };
    tokio::time::timeout(PATIENCE, refused)
        .await
        .expect("a stopping server refuses connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_no_answer_is_cut_and_none_is_lost() {
    let place = Place::new(Backend::Sqlite).await;
    let server = place.serve().await;
    let (ana, ben) = two_customers(&place, &server, "100000").await;
    let token = format!(
        "authorization: Bearer {}",
        ana.caller.token.as_deref().expect("a customer has a token")
    );
    let message = request("POST /v1/transfers", &[&token], &ana.one_to(&ben).to_string());
    let mut clients = JoinSet::new();
    let (begun, mut running) = tokio::sync::mpsc::channel(16);
    for _ in 0..16 {
        let (address, message, begun) = (server.address, message.clone(), begun.clone());
        clients.spawn(async move {
            let mut answered = 0;
            let mut connection = Connection::open(address).await;
            while connection.try_send(&message).await.is_ok() {
                match connection.try_answer().await {
                    Ok(answer) => assert_eq!(answer.status, 201, "{answer:?}"),
                    Err(Broken::Unanswered) => break,
                    Err(Broken::Cut) => panic!("an answer was cut"),
                }
                answered += 1;
                if answered == 5 {
                    begun.send(()).await.expect("the test waits for this");
                }
            }
            answered
        });
    }
    for _ in 0..16 {
        running.recv().await.expect("every client gets answers");
    }
    server.terminate().await;
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let mut answered = 0;
    while let Some(count) = clients.join_next().await {
        answered += count.expect("no client sees a cut answer");
    }
    assert!(answered >= 16 * 5);
    let server = place.serve().await;
    let caller = server
        .caller()
        .with_token(ana.caller.token.as_deref().expect("a customer has a token"));
    let wallet = caller.get(&format!("/v1/wallets/{}", ana.wallet())).await.expect(200);
    // Every transfer was answered, so the number of answers is that of the transfers: none in progress was dropped.
    assert_eq!(wallet["balance"], format!("{}.0000", 100_000 - answered));
    server.kill().await;
    verifies(&place).await;
    place.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_client_does_not_hold_up_the_end() {
    let place = Place::new(Backend::Sqlite).await;
    let server = place.serve().await;
    let mut idle = Connection::open(server.address).await;
    idle.send(request("GET /livez", &[], "")).await;
    assert_eq!(idle.answer().await.status, 200);
    let started = std::time::Instant::now();
    server.terminate().await;
    assert_eq!(idle.until_closed().await, b"");
    let ended = server.ended().await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(
        started.elapsed().as_secs() < 10,
        "it waited for somebody who asked nothing"
    );
    place.remove().await;
}
