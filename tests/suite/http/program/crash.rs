//! `kill -9` under load: every acknowledged transfer is stored exactly once, and a retry with the same key finds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{Backend, Caller};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Place, User, try_post, two_customers, verifies};

const KILLS: usize = 3;
const CLIENTS: usize = 16;
/// Acknowledged transfers between two kills.
const ACKNOWLEDGED: usize = 150;

/// A key that was sent, and the id of the transfer if its answer arrived.
type Sent = (String, Option<String>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_what_was_acknowledged() {
    survives_kills(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_what_was_acknowledged() {
    survives_kills(Backend::Postgres).await;
}

/// The bug is simulated by a wallet whose version cannot grow: the committer panics in the middle of a batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bank_whose_committer_dies_says_why_and_exits_with_3() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let place = Place::new(backend).await;
        let server = place.serve().await;
        let (ana, ben) = two_customers(&place, &server, "10").await;
        place
            .tamper("UPDATE wallets SET version = 9223372036854775807 WHERE user_id IS NOT NULL AND version = 0")
            .await;
        let paid = ana.caller.post_once("/v1/transfers", "k", ana.one_to(&ben)).await;
        paid.expect_problem(503, "outcome_unknown");
        let ended = server.ended().await;
        assert_eq!(ended.status, Some(3), "{ended:?}");
        for words in ["attempt to add with overflow", "the committer has died"] {
            assert!(ended.stderr.contains(words), "{words:?}: {ended:?}");
        }
        place.remove().await;
    }
}

async fn survives_kills(backend: Backend) {
    let place = Place::new(backend).await;
    let mut server = place.serve().await;
    let (ana, ben) = two_customers(&place, &server, "1000000").await;
    let (ana, ben) = (Arc::new(ana), Arc::new(ben));
    let token = ana.caller.token.clone().expect("a customer has a token");
    let mut sent: Vec<Sent> = Vec::new();
    for round in 0..KILLS {
        let (clients, mut acknowledged) = load(round, &server.caller().with_token(&token), &ana, &ben);
        for _ in 0..ACKNOWLEDGED {
            acknowledged.recv().await.expect("the bank acknowledges transfers");
        }
        server.kill().await;
        drop(acknowledged);
        sent.extend(clients.join_all().await.into_iter().flatten());
        server = place.serve().await;
    }
    let known = sent.iter().filter(|(_, id)| id.is_some()).count();
    assert!(
        known >= KILLS * ACKNOWLEDGED,
        "{known} of {} were acknowledged",
        sent.len()
    );

    let caller = server.caller().with_token(&token);
    for (key, id) in &sent {
        let again = caller.post_once("/v1/transfers", key, ana.one_to(&ben)).await;
        assert_eq!(again.status, 201, "{key}: {}", again.text);
        let Some(id) = id else { continue };
        assert_eq!(again.text_of("id"), id, "{key} was acknowledged and is made again");
        assert_eq!(again.header("idempotent-replayed"), "true", "{key}");
        let read = caller.get(&format!("/v1/transfers/{id}")).await.expect(200);
        assert_eq!(read["status"], "COMPLETED");
    }
    // Each key moved one unit once, whether its first answer arrived or not.
    let wallet = caller.get(&format!("/v1/wallets/{}", ana.wallet())).await.expect(200);
    assert_eq!(wallet["balance"], format!("{}.0000", 1_000_000 - sent.len()));
    server.kill().await;
    verifies(&place).await;
    place.remove().await;
}

/// Clients that send one transfer after another until the connection breaks. The receiver gets one message for each
/// answer.
fn load(
    round: usize,
    caller: &Caller,
    ana: &Arc<User>,
    ben: &Arc<User>,
) -> (JoinSet<Vec<Sent>>, mpsc::UnboundedReceiver<()>) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (caller, body, sender) = (caller.clone(), ana.one_to(ben), sender.clone());
        clients.spawn(async move {
            let mut sent = Vec::new();
            loop {
                let key = format!("round-{round}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
                let answer = try_post(&caller, "/v1/transfers", &key, &body).await;
                let Some(answer) = answer else {
                    sent.push((key, None));
                    return sent;
                };
                assert_eq!(answer.status, 201, "{}", answer.text);
                sent.push((key, Some(answer.text_of("id").to_owned())));
                // The send fails once the test has dropped the receiver, before it kills the server.
                let _ = sender.send(());
            }
        });
    }
    (clients, receiver)
}
