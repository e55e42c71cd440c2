//! Clocks that are wrong by far: that of a process, and that of the database. PostgreSQL only: the processes on a
//! SQLite file share one clock.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::clock::set_bank_time;
use harness::{Backend, ManualClock, TestBank, run};
use service::clock::Clock;
use service::db::FaultKind;
use service::ledger::SubmitError;
use service::ops::NotReady;
use service::transfers::{TransferError, TransferOutcome};

use super::{Customers, start};

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
