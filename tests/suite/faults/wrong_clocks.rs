//! Clocks that are wrong by far: that of a process, and that of the database. PostgreSQL only: the processes on a
//! SQLite file share one clock.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::clock::set_bank_time;
use harness::{Backend, ManualClock, TestBank, run};
use service::clock::Clock;
use service::db::FaultKind;
use service::ledger::{Outcome, SubmitError};
use service::ops::NotReady;
use service::transfers::{Asking, NewBatch, TransferError, TransferOutcome};

use super::{AMOUNT, Customers, start};
use crate::own_committer::Committer;
use crate::requests::new_transfer;

fn assert_refused(outcome: Result<TransferOutcome, TransferError>) {
    match outcome {
        Err(TransferError::Submit(SubmitError::Fault(fault))) if fault.kind == FaultKind::Skew => {}
        other => panic!("{other:?}"),
    }
}

/// The number of journal rows and of transfers.
async fn written(bank: &TestBank) -> (i64, i64) {
    let rows = bank.number("SELECT count(*) AS n FROM journal").await;
    (rows, bank.number("SELECT count(*) AS n FROM transfers").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_a_year_ahead_stops_its_own_process_and_nothing_else() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let customers = Customers::of(&bank, 2).await;
        let wrong = Arc::new(ManualClock::new());
        wrong.advance(TimeDelta::days(365));
        let other = start(&bank, &wrong).await;
        let before = written(&bank).await;
        for key in ["first", "second"] {
            assert_refused(customers.ask(&other, (0, 1), key).await);
        }
        assert_eq!(written(&bank).await, before, "it commits nothing");
        assert_eq!(other.ops.metrics().clock_refusals, 2);
        // Readiness reports why it refuses, and by how much the clock is wrong.
        match other.ops.prove_ready().await {
            Err(NotReady::ClockSkew { ahead_ms }) => {
                assert_eq!(ahead_ms, TimeDelta::days(365).num_milliseconds());
            }
            other => panic!("{other:?}"),
        }
        bank.services
            .ops
            .prove_ready()
            .await
            .expect("the other one's clock is right");
        let paid = customers.ask(&bank.services, (0, 1), "beside").await;
        assert_eq!(
            (paid.expect("it goes on").transfer.transfer.created_at - bank.clock.now()).num_seconds(),
            0
        );
        wrong.advance(TimeDelta::days(-365));
        let paid = customers
            .ask(&other, (0, 1), "first")
            .await
            .expect("its clock is right");
        assert!(!paid.replayed);
        assert_eq!((paid.transfer.transfer.created_at - bank.clock.now()).num_seconds(), 0);
        bank.assert_journal_is_sound().await;
        other.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_goes_wrong_under_way_dates_no_commit() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let customers = Customers::of(&bank, 2).await;
        let clock = Arc::new(ManualClock::new());
        let other = start(&bank, &clock).await;
        for hours in [-24 * 365, 24 * 365] {
            // Enough commits that the next one is made without the turn, and so without a comparison of clocks before
            // it is sent.
            for number in 0..20 {
                let paid = customers.ask(&other, (0, 1), &format!("right-{hours}-{number}")).await;
                paid.expect("its clock is right");
            }
            clock.advance(TimeDelta::hours(hours));
            if hours < 0 {
                // With its clock behind, the process dates a commit just after the head. So this one has the right
                // time; the next is refused.
                let paid = customers.ask(&other, (0, 1), "behind").await;
                let paid = paid.expect("its stamp stands on the head");
                assert_eq!((paid.transfer.transfer.created_at - bank.clock.now()).num_seconds(), 0);
            }
            assert_refused(customers.ask(&other, (0, 1), &format!("wrong-{hours}")).await);
            clock.advance(TimeDelta::hours(-hours));
        }
        let latest =
            "SELECT count(*) AS n FROM journal WHERE at > (SELECT stands_at + interval '1 second' FROM bank_clock)";
        assert_eq!(bank.number(latest).await, 0);
        bank.assert_journal_is_sound().await;
        other.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_databases_clock_that_jumped_and_came_back_does_not_stop_the_bank() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let customers = Customers::of(&bank, 2).await;
        customers
            .ask(&bank.services, (0, 1), "before")
            .await
            .expect("all is well");
        // Only the database's clock: a process cannot tell which of the two is wrong, and so commits nothing meanwhile.
        set_bank_time(&bank.database.url, bank.clock.now() + TimeDelta::hours(1)).await;
        let other = bank.replica().await;
        assert_refused(customers.ask(&other, (0, 1), "during").await);
        set_bank_time(&bank.database.url, bank.clock.now()).await;
        customers
            .ask(&other, (0, 1), "during")
            .await
            .expect("it is right again");
        // The processes' clocks with it, as on one machine: they commit an hour ahead. Once all are back, commits are
        // dated just after the head.
        bank.advance(TimeDelta::hours(1)).await;
        let ahead = customers.ask(&bank.services, (0, 1), "ahead").await.expect("all agree");
        bank.advance(TimeDelta::hours(-1)).await;
        for services in [&bank.services, &other] {
            for number in 0..3 {
                let key = format!("{number}-{}", Arc::as_ptr(services) as usize);
                let paid = customers.ask(services, (0, 1), &key).await.expect("the bank goes on");
                assert!(paid.transfer.transfer.id > ahead.transfer.transfer.id);
                let beyond = paid.transfer.transfer.created_at - ahead.transfer.transfer.created_at;
                assert!(beyond < TimeDelta::milliseconds(1), "{beyond}");
            }
        }
        bank.assert_journal_is_sound().await;
    })
    .await;
}

/// More than a customer has.
const TOO_MUCH: &str = "5000";

/// Stamps that no record has move the time on too: the id of a batch, what an atomic batch takes back, dry runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_ahead_of_the_clock_stops_no_batch_and_no_dry_run() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let customers = Customers::of(&bank, 2).await;
        let committer = Committer::of(&bank).await;
        bank.advance(TimeDelta::minutes(2)).await;
        let ahead = customers.ask(&bank.services, (0, 1), "ahead").await;
        ahead.expect("all agree");
        bank.advance(TimeDelta::minutes(-2)).await;
        let ((actor, source), (_, destination)) = (customers.0[0].clone(), customers.0[1].clone());
        for is_dry_run in [false, true] {
            for (is_atomic, last) in [(false, AMOUNT), (false, TOO_MUCH), (true, AMOUNT), (true, TOO_MUCH)] {
                let asking = Asking {
                    is_dry_run,
                    ..Asking::by(&actor)
                };
                let transfers = [AMOUNT, AMOUNT, last].map(|amount| new_transfer(source, destination, amount));
                let new = NewBatch {
                    is_atomic,
                    transfers: transfers.into(),
                };
                match bank.services.transfers.batch(asking, new).await {
                    Ok(_) => assert!(!is_atomic || last == AMOUNT),
                    Err(TransferError::BatchRefused { index: 2, .. }) => assert!(is_atomic && last == TOO_MUCH),
                    Err(other) => panic!("{is_dry_run}, {is_atomic}, {last}: {other:?}"),
                }
            }
        }
        let single = committer.first.clone();
        let dry_run = single.clone().dry(true);
        let commands = vec![dry_run.clone(), single.clone(), dry_run, single];
        for outcome in committer.commit(&bank, commands).await {
            assert!(matches!(outcome, Ok(Outcome::Recorded { .. })), "{outcome:?}");
        }
        bank.assert_journal_is_sound().await;
    })
    .await;
}
