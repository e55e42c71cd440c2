//! The answers to callers while a commit is in doubt, and when commands that join a batch have used-up keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Backend, HeldRequest, TestBank, begin, run};
use service::db::FaultKind;
use service::ledger::{Command, Handovers, Ledger, Outcome, SubmitError};
use tokio::task::JoinHandle;

use crate::doubts::{behind_a_proxy, set_read_only};
use crate::own_committer::{Committer, but, idempotency};

/// COMMIT as the driver sends it; the NUL excludes `READ COMMITTED`.
const COMMIT: &str = "COMMIT\0";
/// The bytes of the key of `idempotency(1)` in a statement.
const KEY_1: [u8; 16] = [1; 16];
/// Far below the 30 s for which the committer tries to settle a doubt.
const SOON: Duration = Duration::from_secs(5);

fn keyed(number: u8, command: &Command) -> Command {
    Command {
        idempotency: idempotency(number),
        ..command.clone()
    }
}

#[track_caller]
fn assert_replayed(outcome: &Result<Outcome, SubmitError>) {
    assert!(
        matches!(outcome, Ok(Outcome::Recorded { replayed: true, .. })),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_up_key_in_a_batch_in_doubt_is_answered_soon() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (way, _db, committer) = behind_a_proxy(&bank).await;
        let queue = committer.queue();
        let used = keyed(1, &committer.first);
        queue.submit(used.clone()).await.expect("nothing is in its way");
        let holding = way.hold(KEY_1);
        let asked = begin([used, committer.first.clone()].map(|command| queue.submit(command))).await;
        // The used-up key makes the statement fail, and that answer is lost.
        let sent = holding.held().await.send_ahead();
        let began = Instant::now();
        let lost = sent.cut();
        let outcomes = asked.all().await;
        assert_eq!(lost.arrive().await.error().as_deref(), Some("23505"));
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        assert_eq!(committer.metrics().unknown_commits, 1);
        assert_replayed(&outcomes[0]);
        assert!(
            matches!(outcomes[1], Ok(Outcome::Recorded { replayed: false, .. })),
            "{outcomes:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_the_schema_refuses_when_a_doubt_is_settled_fails_alone_and_soon() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (way, _db, committer) = behind_a_proxy(&bank).await;
        let queue = committer.queue();
        let poisoned = but(&committer.first, |movement| {
            movement.texts.description = Some("poison".to_owned())
        });
        let holding = way.hold("poison");
        let asked = begin([poisoned, committer.first.clone()].map(|command| queue.submit(command))).await;
        let held = holding.held().await;
        // Before this the schema would have accepted it.
        bank.refuse_described_as("poison").await;
        let began = Instant::now();
        drop(held.cut());
        let outcomes = asked.all().await;
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
        assert_eq!(committer.metrics().unknown_commits, 1);
        assert!(
            matches!(&outcomes[0], Err(SubmitError::Fault(fault)) if fault.kind == FaultKind::Constraint),
            "{outcomes:?}"
        );
        assert!(
            matches!(outcomes[1], Ok(Outcome::Recorded { replayed: false, .. })),
            "{outcomes:?}"
        );
        bank.refuse_none_described_as("poison").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn used_up_keys_of_those_who_join_a_batch_are_found() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let committer = Committer::of(&bank).await;
        let used: Vec<Command> = (1..20).map(|number| keyed(number, &committer.first)).collect();
        for outcome in committer.commit(&bank, used.clone()).await {
            outcome.expect("nothing is in its way");
        }
        // The first batch of a process waits for the turn, and commands that come meanwhile join it.
        let ledger =
            Ledger::start(&bank.db, bank.clock.clone(), 64, Handovers::default()).expect("a thread can be started");
        let queue = ledger.queue();
        let held = bank.hold_turn().await;
        let first = begin([queue.submit(committer.first.clone())]).await;
        while queue.depth() > 0 {
            tokio::task::yield_now().await;
        }
        let joining = begin(used.into_iter().map(|command| queue.submit(command))).await;
        held.release().await;
        let first = first.all().await;
        assert!(
            matches!(first[..], [Ok(Outcome::Recorded { replayed: false, .. })]),
            "{first:?}"
        );
        joining.all().await.iter().for_each(assert_replayed);
        let metrics = ledger.metrics().snapshot();
        assert_eq!((metrics.batches, metrics.commands), (1, 20), "they were in one batch");
        ledger.stop().await;
    })
    .await;
}

/// A caller behind a commit in doubt, whose own COMMIT is lost, is answered that the command was not begun.
async fn who_waits_behind_is_turned_away(bank: &TestBank, committer: &Committer, held: HeldRequest) {
    let (queue, behind) = (committer.queue(), keyed(9, &committer.first));
    let waits: JoinHandle<_> = tokio::spawn({
        let (queue, behind) = (queue.clone(), behind.clone());
        async move { queue.submit(behind).await }
    });
    while queue.depth() == 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    // Dropped, so that the session ends and releases the turn.
    drop(held.cut());
    let outcome = waits.await.expect("it does not panic");
    assert!(
        matches!(&outcome, Err(SubmitError::Fault(fault)) if fault.kind == FaultKind::Unreachable),
        "{outcome:?}"
    );
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    let made = "SELECT count(*) AS n FROM transfers WHERE idempotency_key = '\\x09090909090909090909090909090909'";
    assert_eq!(bank.number(made).await, 0);
    // The caller may ask again, and then the transfer is made.
    let outcome = loop {
        match queue.submit(behind.clone()).await {
            Err(SubmitError::Fault(_)) => tokio::task::yield_now().await,
            outcome => break outcome,
        }
    };
    assert!(
        matches!(outcome, Ok(Outcome::Recorded { replayed: false, .. })),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_behind_a_commit_that_is_lost_twice_is_turned_away() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (way, _db, committer) = behind_a_proxy(&bank).await;
        let holding = way.hold(KEY_1);
        let (queue, first) = (committer.queue(), keyed(1, &committer.first));
        let in_doubt = tokio::spawn(async move { queue.submit(first).await });
        let lost = holding.held().await;
        // With the turn the committer looks for the commit and makes it anew; the COMMIT of this is lost as well.
        let holding = way.hold(COMMIT);
        drop(lost.cut());
        let held = holding.held().await;
        who_waits_behind_is_turned_away(&bank, &committer, held).await;
        let outcome = in_doubt.await.expect("it does not panic");
        assert!(matches!(outcome, Ok(Outcome::Recorded { .. })), "{outcome:?}");
        assert_eq!(committer.metrics().unknown_commits, 2);
        bank.assert_journal_is_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_behind_an_empty_row_whose_commit_is_lost_is_turned_away() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (way, _db, committer) = behind_a_proxy(&bank).await;
        let holding = way.hold(KEY_1);
        let (queue, first) = (committer.queue(), keyed(1, &committer.first));
        let in_doubt = tokio::spawn(async move { queue.submit(first).await });
        let lost = holding.held().await;
        set_read_only(&bank, "on").await;
        drop(lost.cut());
        let outcome = in_doubt.await.expect("it does not panic");
        assert!(matches!(outcome, Err(SubmitError::OutcomeUnknown)), "{outcome:?}");
        // From here on the committer settles the doubt by an empty row.
        let holding = way.hold(COMMIT);
        set_read_only(&bank, "off").await;
        who_waits_behind_is_turned_away(&bank, &committer, holding.held().await).await;
        bank.assert_journal_is_sound().await;
    })
    .await;
}
