//! Locks that a person at a prompt holds, on a bank of one process and of two: they stop what they are on, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::{Backend, TestBank, all_at_once, run};
use service::Services;
use service::ledger::SubmitError;
use service::transfers::TransferError;

use super::Customers;

/// Within this every transfer goes on that the lock is not on.
const GOES_ON_WITHIN: Duration = Duration::from_secs(3);
const CUSTOMERS: usize = 8;
/// Transfers one after the other round the free wallets, by each process.
const ROUNDS: usize = 20;

async fn processes(bank: &TestBank, count: usize) -> Vec<Arc<Services>> {
    let mut processes = vec![bank.services.clone()];
    while processes.len() < count {
        processes.push(bank.replica().await);
    }
    processes
}

/// Moves money between all wallets but the first, by every process at once; gives the longest that one took.
async fn move_others(processes: &[Arc<Services>], customers: &Customers, name: &str) -> Duration {
    let streams = processes.iter().enumerate().map(|(process, services)| async move {
        let mut longest = Duration::ZERO;
        for round in 0..ROUNDS {
            let from = 1 + (process + round) % (CUSTOMERS - 1);
            let to = 1 + (process + round + 1) % (CUSTOMERS - 1);
            let began = Instant::now();
            let key = format!("{name}-{process}-{round}");
            customers
                .ask(services, (from, to), &key)
                .await
                .expect("nothing is in its way");
            longest = longest.max(began.elapsed());
        }
        longest
    });
    all_at_once(streams).await.into_iter().max().unwrap_or_default()
}

async fn a_locked_wallet_stops_nobody_else(bank: Arc<TestBank>, count: usize) {
    let customers = Customers::of(&bank, CUSTOMERS).await;
    let processes = processes(&bank, count).await;
    move_others(&processes, &customers, "before").await;
    let locked = bank.lock_wallet(customers.wallets()[0]).await;
    let on_it = processes.iter().map(|services| customers.ask(services, (0, 1), "once"));
    let (longest, stopped) = tokio::join!(move_others(&processes, &customers, "beside"), all_at_once(on_it));
    assert!(longest < GOES_ON_WITHIN, "{longest:?}");
    for outcome in stopped {
        assert!(
            matches!(outcome, Err(TransferError::Submit(SubmitError::Contended))),
            "{outcome:?}"
        );
    }
    locked.release().await;
    for services in &processes {
        let receipt = customers.ask(services, (0, 1), "once").await;
        receipt.expect("the lock is gone");
    }
    let moved = "SELECT count(*) AS n FROM transfers WHERE source_wallet_id = ";
    let wallet = bank.literal(customers.wallets()[0].0);
    assert_eq!(bank.number(&format!("{moved}{wallet}")).await, 1);
    bank.assert_journal_is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_stops_no_other_of_one_process() {
    run(Backend::Postgres, |bank| a_locked_wallet_stops_nobody_else(bank, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_stops_no_other_of_two_processes() {
    run(Backend::Postgres, |bank| a_locked_wallet_stops_nobody_else(bank, 2)).await;
}

/// A person locks the journal's row 0 in psql and leaves the transaction open.
async fn an_idle_turn_is_ended(bank: Arc<TestBank>, count: usize) {
    let customers = Customers::of(&bank, CUSTOMERS).await;
    let processes = processes(&bank, count).await;
    move_others(&processes, &customers, "before").await;
    let held = bank.hold_turn().await;
    let longest = move_others(&processes, &customers, "beside").await;
    // The lock was felt, and did not last.
    assert!(longest > Duration::from_secs(1), "{longest:?}");
    assert!(longest < GOES_ON_WITHIN, "{longest:?}");
    drop(held);
    bank.assert_journal_is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_turn_stops_one_process_for_less_than_three_seconds() {
    run(Backend::Postgres, |bank| an_idle_turn_is_ended(bank, 1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_turn_stops_two_processes_for_less_than_three_seconds() {
    run(Backend::Postgres, |bank| an_idle_turn_is_ended(bank, 2)).await;
}
