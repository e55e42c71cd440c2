//! PostgreSQL is killed under load and started again. A transfer that was answered with success is stored once, and one
//! that was answered with a fault is not stored. The transfers have no keys, so a wrong answer shows in the sums.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::database::TestDatabase;
use harness::servers::{Durability, PostgresServer};
use harness::{Backend, Customer, ManualClock, TestBank};
use service::transfers::{Asking, TransferError};

use crate::requests::new_transfer;

const WRITERS: usize = 8;
const TRANSFERS_EACH: usize = 150;
/// Transfers answered before each of the crashes.
const CRASHES_AFTER: [usize; 3] = [200, 500, 900];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_the_database_loses_nothing_and_doubles_nothing() {
    let mut server = PostgresServer::start(Durability::Fast, &[])
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
    let database = TestDatabase::on(&server, "crash").await;
    let bank = TestBank::open_on(Backend::Postgres, database, Arc::new(ManualClock::new()), 8192).await;
    let bank = Arc::new(bank);
    let (ana, ben) = (bank.customer_with("ana", "10000").await, bank.customer("ben").await);
    let answered = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| tokio::spawn(write(bank.clone(), ana.clone(), ben.clone(), answered.clone())))
        .collect();
    for after in CRASHES_AFTER {
        while answered.load(Ordering::Relaxed) < after {
            tokio::task::yield_now().await;
        }
        server.kill().expect("the server can be killed");
        server.start_again().await.expect("the server starts again");
    }
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    let moved = WRITERS * TRANSFERS_EACH;
    let expected = [format!("{}.0000", 10_000 - moved), format!("{moved}.0000")];
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, expected);
    assert_eq!(
        bank.row_counts().await.0,
        moved as u64 + 1,
        "one row for each success, and the deposit"
    );
    bank.assert_books_balance().await;
    bank.close().await;
}

/// Sends its transfers one by one, and repeats each until it succeeds.
async fn write(bank: Arc<TestBank>, ana: Customer, ben: Customer, answered: Arc<AtomicUsize>) {
    for _ in 0..TRANSFERS_EACH {
        loop {
            let new = new_transfer(ana.wallet, ben.wallet, "1");
            match bank.services.transfers.submit(Asking::by(&ana.actor), new).await {
                Ok(_) => break,
                // The answer promises that nothing was stored; the sums at the end check that.
                Err(TransferError::Submit(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
}
