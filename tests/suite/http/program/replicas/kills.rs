//! A process is killed before and after each round trip of its commits, while another one goes on. Acknowledged
//! transfers are stored once, and for the others a retry at the other process gives the outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use harness::{Caller, Silence};
use serde_json::Value;
use tokio::task::JoinSet;

use super::Two;
use crate::program::try_post;

const CLIENTS: usize = 4;
/// More round trips than the first commits of a process need.
const TRIPS: u64 = 12;

/// A key that was sent, and the id of the transfer if its answer arrived.
type Sent = (String, Option<String>);

/// Sends one transfer after another until `stop` is set or the process is gone.
async fn client(caller: Caller, body: Value, stop: Arc<AtomicBool>) -> Vec<Sent> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut sent = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let key = format!("key-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let Some(answer) = try_post(&caller, "/v1/transfers", &key, &body).await else {
            sent.push((key, None));
            return sent;
        };
        assert_eq!(answer.status, 201, "{}", answer.text);
        sent.push((key, Some(answer.text_of("id").to_owned())));
    }
    sent
}

impl Two {
    fn load(&self, caller: &Caller, stop: &Arc<AtomicBool>) -> JoinSet<Vec<Sent>> {
        let caller = caller.with_token(self.token());
        let body = self.ana.one_to(&self.ben);
        (0..CLIENTS)
            .map(|_| client(caller.clone(), body.clone(), stop.clone()))
            .collect()
    }

    /// Kills the other process at a round trip of its commits; if `beside`, while both commit and take turns.
    async fn kill_at(&mut self, silence: Silence, beside: bool) -> Vec<Sent> {
        let other = self.serve_other().await;
        let stop = Arc::new(AtomicBool::new(false));
        let beside = beside.then(|| self.load(&self.steady.caller(), &stop));
        self.way.go_silent_in(silence);
        let clients = self.load(&other.caller(), &stop);
        self.way.has_gone_silent().await;
        other.kill().await;
        self.way.speak_again();
        let mut sent: Vec<Sent> = clients.join_all().await.into_iter().flatten().collect();
        stop.store(true, Ordering::SeqCst);
        if let Some(beside) = beside {
            sent.extend(beside.join_all().await.into_iter().flatten());
        }
        sent
    }
}

async fn killed_at(trips: impl IntoIterator<Item = u64>) {
    let mut two = Two::new().await;
    let mut sent = Vec::new();
    for trip in trips {
        for (silence, beside) in [
            (Silence::BeforeRequest(trip), false),
            (Silence::BeforeAnswer(trip), true),
            (Silence::BeforeRequest(trip), true),
            (Silence::BeforeAnswer(trip), false),
        ] {
            sent.extend(two.kill_at(silence, beside).await);
        }
    }
    for (key, id) in &sent {
        let again = two.ana.caller.post_once("/v1/transfers", key, two.ana.one_to(&two.ben));
        let again = again.await;
        assert_eq!(again.status, 201, "{key}: {}", again.text);
        if let Some(id) = id {
            assert_eq!(again.text_of("id"), id, "{key} was acknowledged and is made again");
        }
    }
    assert!(sent.iter().any(|(_, id)| id.is_none()), "nobody was without an answer");
    assert_eq!(two.ana.balance().await, format!("{}.0000", 1_000_000 - sent.len()));
    two.assert_sound().await;
    two.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_kills_of_a_process_loses_and_doubles_nothing() {
    killed_at([5]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute: a kill of a process at every round trip of its first commits"]
async fn kills_of_a_process_at_every_round_trip_lose_and_double_nothing() {
    killed_at(1..=TRIPS).await;
}
