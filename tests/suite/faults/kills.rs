//! The server is killed, or the connections to it are cut, before and after each round trip of a commit, with the turn
//! and without it. No answer is wrong, and the journal stays sound.

use std::sync::Arc;

use harness::Silence;
use service::Services;

use super::{Load, OwnBank, Paid};

const CUSTOMERS: usize = 6;
const CLIENTS_EACH: usize = 3;
/// More round trips than a commit needs.
const TRIPS: u64 = 8;
const WARMS_UP_FOR: usize = 10;
const ANSWERED: usize = 5;

/// The fault that strikes the first replica at the chosen round trip.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// The server is killed while only the first replica commits, without the turn.
    KillBesideOne,
    /// The server is killed while both commit, taking turns.
    KillBesideTwo,
    /// The first replica is cut off, perhaps while it has the turn, and the second goes on.
    CutOff,
    /// The answer to the first replica's next COMMIT is lost, while both commit, taking turns.
    LostCommit,
}

struct ReplicaPair {
    own: OwnBank,
    /// Only the first one connects through the proxy.
    replicas: [Arc<Services>; 2],
    paid: Vec<Paid>,
}

impl ReplicaPair {
    async fn new() -> Self {
        let own = OwnBank::start(&[], CUSTOMERS).await;
        let direct = own.bank.database.url.clone();
        let second = own.bank.replica_with(|config| config.database_url = direct).await;
        Self {
            replicas: [own.bank.services.clone(), second],
            own,
            paid: Vec::new(),
        }
    }

    async fn strike(&mut self, blow: Blow, silence: Silence) {
        let committing = match blow {
            Blow::KillBesideOne => &self.replicas[..1],
            Blow::KillBesideTwo | Blow::CutOff | Blow::LostCommit => &self.replicas[..],
        };
        let load = Load::start(committing, &self.own.customers, CLIENTS_EACH);
        load.until_answered(WARMS_UP_FOR).await;
        if matches!(blow, Blow::LostCommit) {
            let held = self.own.way.hold("COMMIT\0").held().await;
            drop(held.send_ahead().cut());
        } else {
            self.own.way.go_silent_in(silence);
            self.own.way.has_gone_silent().await;
        }
        match blow {
            Blow::KillBesideOne | Blow::KillBesideTwo => {
                self.own.server.kill().expect("a server can be killed");
                self.own.server.start_again().await.expect("the server starts again");
            }
            Blow::CutOff => load.until_one_answered(1, ANSWERED).await,
            Blow::LostCommit => {}
        }
        self.own.way.speak_again();
        load.until_answered(ANSWERED).await;
        self.paid.extend(load.stop().await);
        for services in &self.replicas {
            let metrics = services.ops.metrics();
            assert_eq!(metrics.database_went_back, 0, "{blow:?} {silence:?}");
        }
    }

    /// Checks that every key still gives the answer that its caller got.
    async fn end(mut self) {
        self.own.until_connected().await;
        for services in &self.replicas {
            let made_anew = self.own.customers.ask_again(services, &mut self.paid).await;
            assert_eq!(made_anew, 0, "what was answered was there");
        }
        self.own.customers.assert_moved_once(&self.own.bank, &self.paid).await;
        self.own.close().await;
    }
}

async fn struck_at(trips: impl IntoIterator<Item = u64>, blows: &[Blow]) {
    let mut pair = ReplicaPair::new().await;
    for trip in trips {
        for blow in blows {
            pair.strike(*blow, Silence::BeforeRequest(trip)).await;
            pair.strike(*blow, Silence::BeforeAnswer(trip)).await;
        }
    }
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_kills_of_the_server_makes_no_answer_wrong() {
    struck_at([1, 4], &[Blow::KillBesideOne, Blow::KillBesideTwo]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_cuts_makes_no_answer_wrong() {
    struck_at([2, 5], &[Blow::CutOff]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_whose_answers_are_lost_beside_another_replica_are_told_as_they_are() {
    let mut pair = ReplicaPair::new().await;
    // A lost COMMIT may be that of a consumer's transaction, so the test goes on until ten of the first committer's
    // were lost.
    let mut strikes = 0;
    while pair.replicas[0].ops.metrics().unknown_commits < 10 {
        strikes += 1;
        assert!(strikes <= 30, "fewer than 10 of 30 were in doubt");
        pair.strike(Blow::LostCommit, Silence::Never).await;
    }
    pair.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute: a kill of the server and a cut at every round trip of a commit"]
async fn a_blow_at_every_round_trip_of_a_commit_makes_no_answer_wrong() {
    struck_at(1..=TRIPS, &[Blow::KillBesideOne, Blow::KillBesideTwo, Blow::CutOff]).await;
}
