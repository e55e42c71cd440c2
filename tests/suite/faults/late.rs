//! A statement arrives after its connection was lost: once its callers have been answered, it never commits.

use std::sync::Arc;

use harness::{Backend, LateRequest, Proxy, TestBank, run};
use service::db::Db;
use service::ledger::{Command, Handovers, Idempotency, Ledger, Outcome, SubmitError};
use service::values::{Digest, TransferId};
use tokio::task::JoinHandle;

use crate::doubts::{behind_a_proxy, proxy_of};
use crate::own_committer::{Committer, but, sides};

const RUNS: u32 = 100;

/// A committer whose statements can be held and cut off on their way to the database.
struct LateCommits {
    bank: Arc<TestBank>,
    way: Proxy,
    committer: Committer,
    /// Another process, which runs all the time.
    other: Ledger,
}

/// A transfer that is unique to a run, and the words that identify its statement.
fn once(run: u32, pay: &Command) -> (String, Command) {
    let words = format!("late {run:04}.");
    let mut digest = [7; 16];
    digest[..4].copy_from_slice(&run.to_be_bytes());
    let mut command = but(pay, |movement| movement.texts.description = Some(words.clone()));
    command.idempotency = Some(Idempotency {
        key: Digest(digest),
        request: Digest(digest),
    });
    (words, command)
}

/// A caller that waits for the outcome.
type Asked = JoinHandle<Result<Outcome, SubmitError>>;

async fn recorded(asked: Asked) -> TransferId {
    match asked.await.expect("it does not panic") {
        Ok(Outcome::Recorded { transfer, .. }) => transfer.id,
        other => panic!("{other:?}"),
    }
}

/// The number of these transfers that are stored.
async fn made(bank: &TestBank) -> i64 {
    bank.number("SELECT count(*) AS n FROM transfers WHERE description LIKE 'late%'")
        .await
}

impl LateCommits {
    async fn new(bank: Arc<TestBank>) -> Self {
        let (way, _, committer) = behind_a_proxy(&bank).await;
        let other =
            Ledger::start(&bank.db, bank.clock.clone(), 8, Handovers::default()).expect("a thread can be started");
        Self {
            bank,
            way,
            committer,
            other,
        }
    }

    /// Commits alone until the next commit is optimistic: no other process has committed for a while.
    async fn be_alone(&self) {
        for _ in 0..18 {
            recorded(self.ask(&self.committer.first)).await;
        }
    }

    fn ask(&self, command: &Command) -> Asked {
        let (queue, command) = (self.committer.queue(), command.clone());
        tokio::spawn(async move { queue.submit(command).await })
    }

    /// A newly started process submits the same command. It does not know about the statement.
    fn ask_a_new_process(&self, command: &Command) -> Asked {
        let (url, clock, command) = (self.bank.database.url.clone(), self.bank.clock.clone(), command.clone());
        tokio::spawn(async move {
            let db = Db::connect(&url).await.expect("it can be opened");
            let ledger = Ledger::start(&db, clock, 8, Handovers::default()).expect("a thread can be started");
            let outcome = ledger.queue().submit(command).await;
            // Stops in the background, since the test need not wait for it.
            tokio::spawn(async move {
                ledger.stop().await;
                db.close().await;
            });
            outcome
        })
    }

    /// The other process, which has run all the time, submits the same command.
    fn ask_the_other_process(&self, command: &Command) -> Asked {
        let (queue, command) = (self.other.queue(), command.clone());
        tokio::spawn(async move { queue.submit(command).await })
    }

    /// Holds a statement on its way and cuts its connection. The statement arrives after its callers were answered.
    async fn run_on_its_way(&self, number: u32, restarts: bool) {
        self.be_alone().await;
        let (words, command) = once(number, &self.committer.first);
        let holding = self.way.hold(&words);
        let asked = self.ask(&command);
        let held = holding.held().await;
        let (first, again) = if restarts {
            self.way.shut();
            let late = held.cut();
            let first = recorded(self.ask_a_new_process(&command)).await;
            arrives_too_late(late).await;
            self.way.open();
            (first, recorded(asked).await)
        } else {
            let late = held.cut();
            let first = recorded(asked).await;
            arrives_too_late(late).await;
            (first, recorded(self.ask_the_other_process(&command)).await)
        };
        assert_eq!(first, again, "run {number}");
    }

    /// Cuts the connection of a statement that waits at the server for a locked wallet, then unlocks the wallet. True
    /// if the statement committed.
    async fn run_held_up(&self, number: u32, restarts: bool) -> bool {
        self.be_alone().await;
        let (words, command) = once(number, &self.committer.first);
        let locked = self.bank.lock_wallet(sides(&command)[1]).await;
        let holding = self.way.hold(&words);
        let asked = self.ask(&command);
        let sent = holding.held().await.send_ahead();
        self.until_held_up().await;
        let (late, first, other) = if restarts {
            self.way.shut();
            (sent.cut(), self.ask_a_new_process(&command), asked)
        } else {
            (sent.cut(), asked, self.ask_the_other_process(&command))
        };
        // Any process that answers waits for the turn, which the statement has.
        self.until_others_wait().await;
        locked.release().await;
        let first = recorded(first).await;
        self.way.open();
        assert_eq!(first, recorded(other).await, "run {number}");
        late.arrive().await.is_done()
    }

    /// Returns once the statement waits for a wallet; by then it has the turn.
    async fn until_held_up(&self) {
        while self.sessions_that_wait().await == 0 {}
    }

    /// Returns once another session waits as well, or the statement has stopped waiting.
    async fn until_others_wait(&self) {
        while self.sessions_that_wait().await == 1 {}
    }

    /// The number of sessions that wait for a lock, if the statement is one of them; otherwise 0.
    async fn sessions_that_wait(&self) -> i64 {
        let sql = "SELECT CASE WHEN bool_or(query LIKE '%turn AS (SELECT number%') THEN count(*) ELSE 0 END AS n \
             FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.bank.number(sql).await
    }
}

/// The statement reaches the server, fails there, and writes nothing.
async fn arrives_too_late(late: LateRequest) {
    let answer = late.arrive().await;
    assert_eq!(answer.error().as_deref(), Some("FL001"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_whose_connection_was_lost_never_commits_after_its_callers_were_answered() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let commits = LateCommits::new(bank.clone()).await;
        let mut committed = 0;
        for number in 0..RUNS {
            let restarts = number % 2 == 1;
            if number % 4 < 2 {
                commits.run_on_its_way(number, restarts).await;
            } else if commits.run_held_up(number, restarts).await {
                committed += 1;
            }
        }
        // On a slow machine some statements wait too long for their lock, and fail.
        assert!(
            committed > RUNS / 8,
            "{committed} of those that were held up have committed"
        );
        assert_eq!(made(&bank).await, i64::from(RUNS), "each was made once");
        assert_eq!(commits.committer.metrics().database_went_back, 0);
        bank.assert_journal_is_sound().await;
    })
    .await;
}

/// With the turn, COMMIT is a separate message. Its session keeps the turn until another process ends the session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_in_turn_that_arrives_late_is_none() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let committer = Committer::of(&bank).await;
        let (way, url) = proxy_of(&bank.database).await;
        let db = Db::connect(&url).await.expect("the proxy lets everything through");
        let ledger = Ledger::start(&db, bank.clock.clone(), 8, Handovers::default()).expect("a thread can be started");
        let (_, command) = once(0, &committer.first);
        // The first commit of a process is made with the turn.
        let holding = way.hold("COMMIT\0");
        let (queue, asks) = (ledger.queue(), command.clone());
        let asked = tokio::spawn(async move { queue.submit(asks).await });
        let late = holding.held().await.cut();
        let first = recorded(asked).await;
        let answer = late.arrive().await;
        assert!(!answer.is_done(), "{answer:?}");
        let queue = committer.queue();
        let again = recorded(tokio::spawn(async move { queue.submit(command).await })).await;
        assert_eq!(first, again);
        assert_eq!(made(&bank).await, 1);
        bank.assert_journal_is_sound().await;
        ledger.stop().await;
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_held_up_for_too_long_writes_nothing_and_its_caller_hears_that_nothing_was_made() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let commits = LateCommits::new(bank.clone()).await;
        commits.be_alone().await;
        let (words, command) = once(0, &commits.committer.first);
        let locked = bank.lock_wallet(sides(&command)[1]).await;
        let holding = commits.way.hold(&words);
        let asked = commits.ask(&command);
        let sent = holding.held().await.send_ahead();
        commits.until_held_up().await;
        let answer = sent.cut().arrive().await;
        assert_eq!(answer.error().as_deref(), Some("55P03"), "{answer:?}");
        let outcome = asked.await.expect("it does not panic");
        assert!(matches!(outcome, Err(SubmitError::Contended)), "{outcome:?}");
        assert_eq!(made(&bank).await, 0);
        locked.release().await;
        recorded(commits.ask(&command)).await;
        assert_eq!(made(&bank).await, 1);
        bank.assert_journal_is_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_starts_settles_what_an_earlier_one_has_sent_before_its_first_answer() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let commits = LateCommits::new(bank.clone()).await;
        commits.be_alone().await;
        let (words, command) = once(0, &commits.committer.first);
        let holding = commits.way.hold(&words);
        let asked = commits.ask(&command);
        let held = holding.held().await;
        commits.way.shut();
        let late = held.cut();
        // A refusal writes nothing, but must be answered only after the late statement is settled.
        let refused = but(&command, |movement| movement.amount = None);
        let refused = commits.ask_a_new_process(&refused).await.expect("it does not panic");
        assert!(matches!(refused, Ok(Outcome::Refused(_))), "{refused:?}");
        arrives_too_late(late).await;
        assert_eq!(made(&bank).await, 0);
        commits.way.open();
        recorded(asked).await;
        assert_eq!(made(&bank).await, 1);
        bank.assert_journal_is_sound().await;
    })
    .await;
}
