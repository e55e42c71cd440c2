//! A wallet that another session has locked stops the transfers on it, and no others.

use std::time::{Duration, Instant};

use harness::{Backend, TestBank, begin, run};
use service::ledger::SubmitError;
use service::transfers::TransferError;

use crate::requests::{new_transfer, submit};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_stops_nobody_else() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
        let (cara, dan) = (bank.customer_with("cara", "10").await, bank.customer("dan").await);
        let lock = bank.lock_wallet(ana.wallet).await;
        let began = Instant::now();
        let stopped = || submit(&bank.services, ana.actor, new_transfer(ana.wallet, ben.wallet, "1"));
        let waiting = begin([stopped()]).await;
        let free = || submit(&bank.services, cara.actor, new_transfer(cara.wallet, dan.wallet, "1"));
        // The first meets the lock with the others, and waits as long as a batch waits for a lock.
        free().await.expect("nothing is in its way");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        let one_by_one = Instant::now();
        for _ in 0..5 {
            free().await.expect("nothing is in its way");
        }
        assert!(
            one_by_one.elapsed() < Duration::from_secs(1),
            "{:?}",
            one_by_one.elapsed()
        );
        let outcome = waiting.all().await.pop().expect("one was begun");
        let took = began.elapsed();
        let contended = matches!(outcome, Err(TransferError::Submit(SubmitError::Contended)));
        assert!(contended && took < Duration::from_secs(3), "{outcome:?} after {took:?}");
        lock.release().await;
        assert_eq!(bank.balances(&[ana.wallet, dan.wallet]).await, ["10.0000", "6.0000"]);
        stopped().await.expect("the lock is gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_goes_in_time_is_waited_for() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
        let lock = bank.lock_wallet(ben.wallet).await;
        let waiting = begin([submit(
            &bank.services,
            ana.actor,
            new_transfer(ana.wallet, ben.wallet, "1"),
        )])
        .await;
        until_set_aside(&bank).await;
        lock.release().await;
        let outcome = waiting.all().await.pop().expect("one was begun");
        outcome.expect("the lock went in time");
        assert_eq!(bank.balances(&[ben.wallet]).await, ["1.0000"]);
    })
    .await;
}

async fn until_set_aside(bank: &TestBank) {
    while bank.services.ops.metrics().set_aside == 0 {
        tokio::task::yield_now().await;
    }
}
