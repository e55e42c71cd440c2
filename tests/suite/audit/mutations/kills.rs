//! The connections of a process are cut at each round trip of a mutation. To the database this is a killed process:
//! what it has at that moment stays. To the process it is a killed server: it finds out what became of its work. Either
//! way no mutation is there without its lines, and no line without its mutation. What is answered as done is there.

use std::sync::Arc;
use std::time::Duration;

use harness::{Backend, Proxy, Silence, TestBank};

use super::scene::Scene;
use super::stored::StoredState;
use super::table::{BANK, PASSWORDS, PEOPLE, SESSIONS, WEBHOOKS};
use super::{ActAnswer, Mutation};
use crate::doubts::proxy_of;

/// More round trips than any mutation needs on new connections.
const TRIPS_MAX: u64 = 300;
/// Fewer round trips than any mutation needs.
const TRIPS_MIN: u64 = 4;
/// After a pause without a round trip a new process has ended what it does at its start.
const PAUSE: Duration = Duration::from_millis(10);
/// With the final NUL, since BEGIN contains READ COMMITTED.
const COMMIT: &str = "COMMIT\0";

/// Where a mutation is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// At a round trip.
    At(Silence),
    /// The first COMMIT does not arrive.
    Commit,
    /// The first COMMIT arrives, its answer does not.
    AnswerToCommit,
}

/// What is left after a cut.
struct Aftermath {
    /// False if the mutation was answered before it could be cut off.
    was_cut: bool,
    /// Whether the mutation is there.
    is_there: bool,
}

/// A bank, one of whose processes is cut off.
struct CutBank {
    scene: Scene,
    way: Proxy,
    /// The database behind the proxy.
    url: String,
}

impl CutBank {
    async fn open() -> Self {
        let bank = Arc::new(TestBank::open(Backend::Postgres).await);
        let (way, url) = proxy_of(&bank.database).await;
        let scene = Scene::set(bank).await;
        Self { scene, way, url }
    }

    /// Does a mutation in a new process, which is cut off meanwhile.
    async fn strike(&mut self, mutation: &Mutation, cut: Cut) -> Aftermath {
        self.scene.begin(&self.url).await;
        let act = (mutation.done)(&self.scene).await;
        self.until_quiet().await;
        let before = StoredState::of(&self.scene.bank).await;
        let mut holding = None;
        match cut {
            Cut::At(silence) => self.way.go_silent_in(silence),
            Cut::Commit => holding = Some(self.way.hold(COMMIT)),
            Cut::AnswerToCommit => self.way.cut_answer_to(COMMIT),
        }
        let way = &mut self.way;
        let is_cut = async move {
            match holding {
                // The server sees that the connection is closed.
                Some(holding) => drop(holding.held().await.cut()),
                None => way.has_gone_silent().await,
            }
        };
        let mut call = tokio::spawn(act);
        let answered = tokio::select! {
            answer = &mut call => Some(answer),
            () = is_cut => None,
        };
        let was_cut = answered.is_none();
        if was_cut {
            // What there would be if the process were killed now.
            mutation.is_there(&before, &StoredState::of(&self.scene.bank).await);
        }
        self.way.speak_again();
        let answer = match answered {
            Some(answer) => answer,
            None => call.await,
        };
        let answer = answer.expect("a mutation does not panic");
        self.scene.services.stop().await;
        let is_there = mutation.is_there(&before, &StoredState::of(&self.scene.bank).await);
        let is_done = answer == ActAnswer::Done;
        assert!(is_there || !is_done, "{mutation} is lost after {cut:?}");
        let may_fail = was_cut || cut == Cut::AnswerToCommit;
        assert!(is_done || may_fail, "{mutation} at {cut:?}: {answer:?}");
        Aftermath { was_cut, is_there }
    }

    async fn until_quiet(&self) {
        let mut seen = self.way.round_trips();
        loop {
            tokio::time::sleep(PAUSE).await;
            let now = self.way.round_trips();
            if now == seen {
                return;
            }
            seen = now;
        }
    }

    async fn close(self) {
        self.scene.bank.assert_books_balance().await;
        self.scene.bank.close().await;
    }
}

/// Cuts each mutation off around its commit, and within it.
async fn cut_at_commits(mutations: &[Mutation]) {
    let mut bank = CutBank::open().await;
    for mutation in mutations {
        let lost = bank.strike(mutation, Cut::Commit).await;
        assert!(lost.was_cut, "{mutation} commits nothing");
        let committed = bank.strike(mutation, Cut::AnswerToCommit).await;
        assert!(committed.is_there, "{mutation} was committed");
        let within = bank.strike(mutation, Cut::At(Silence::BeforeAnswer(TRIPS_MIN))).await;
        assert!(within.was_cut, "{mutation} makes less than {TRIPS_MIN} round trips");
    }
    bank.close().await;
}

/// Cuts each mutation off at every round trip, until it passes.
async fn cut_at_every_round_trip(mutations: &[Mutation]) {
    for mutation in mutations {
        // A new one each time, so that little is compared.
        let mut bank = CutBank::open().await;
        let mut trip = 0;
        let mut was_cut = true;
        while was_cut {
            trip += 1;
            assert!(trip <= TRIPS_MAX, "{mutation} makes more than {TRIPS_MAX} round trips");
            let before = bank.strike(mutation, Cut::At(Silence::BeforeRequest(trip))).await;
            let within = bank.strike(mutation, Cut::At(Silence::BeforeAnswer(trip))).await;
            was_cut = before.was_cut || within.was_cut;
        }
        assert!(trip > TRIPS_MIN, "{mutation} was cut off {trip} times only");
        bank.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_people_that_is_cut_off_is_there_with_its_lines_or_not_at_all() {
    cut_at_commits(PEOPLE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_passwords_that_is_cut_off_is_there_with_its_lines_or_not_at_all() {
    cut_at_commits(PASSWORDS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_sessions_that_is_cut_off_is_there_with_its_lines_or_not_at_all() {
    cut_at_commits(SESSIONS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_the_bank_that_is_cut_off_is_there_with_its_lines_or_not_at_all() {
    cut_at_commits(BANK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_webhooks_that_is_cut_off_is_there_with_its_lines_or_not_at_all() {
    cut_at_commits(WEBHOOKS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a cut at every round trip of every change of people"]
async fn a_cut_at_every_round_trip_of_people_leaves_no_change_without_its_lines() {
    cut_at_every_round_trip(PEOPLE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a cut at every round trip of every change of passwords"]
async fn a_cut_at_every_round_trip_of_passwords_leaves_no_change_without_its_lines() {
    cut_at_every_round_trip(PASSWORDS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a cut at every round trip of every change of sessions"]
async fn a_cut_at_every_round_trip_of_sessions_leaves_no_change_without_its_lines() {
    cut_at_every_round_trip(SESSIONS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a cut at every round trip of every change of the bank"]
async fn a_cut_at_every_round_trip_of_the_bank_leaves_no_change_without_its_lines() {
    cut_at_every_round_trip(BANK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "some minutes: a cut at every round trip of every change of webhooks"]
async fn a_cut_at_every_round_trip_of_webhooks_leaves_no_change_without_its_lines() {
    cut_at_every_round_trip(WEBHOOKS).await;
}
