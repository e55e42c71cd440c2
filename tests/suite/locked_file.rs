//! Another process keeps the write lock of a SQLite file: writers are answered so, and reads go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::bank::PASSWORD;
use harness::{Backend, TestBank, all_at_once, run};
use sea_orm::{SqliteTransactionMode, TransactionOptions, TransactionTrait};
use serde_json::json;
use service::db::Db;

use crate::requests::{new_transfer, quiet_customer, submit, transfer, wallet_path};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_on_a_locked_file_is_told_within_three_seconds() {
    run(Backend::Sqlite, |bank: Arc<TestBank>| async move {
        let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
        let pay = async || {
            let body = transfer(ana.wallet, ben.wallet, "1");
            ana.caller.post("/v1/transfers", body).await
        };
        let other = Db::connect(&bank.database.url).await.expect("it can be opened");
        let lock = other.write.begin_with_options(immediate()).await.expect("it is free");
        let began = Instant::now();
        pay().await.expect_problem(503, "contended");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        ana.caller.get(&wallet_path(ana.wallet, "")).await.expect(200);
        lock.rollback().await.expect("it changed nothing");
        pay().await.expect(201);
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_the_one_writer_of_a_file_is_not_told_that_it_is_out_of_reach() {
    run(Backend::Sqlite, |bank: Arc<TestBank>| async move {
        let ana = bank.customer("ana").await;
        let operator = bank.operator().await;
        let held = bank.hold_commits().await;
        let body = json!({ "email": "ben@example.com", "password": PASSWORD, "full_name": "Ben" });
        let freeze = wallet_path(ana.wallet, "/freeze");
        let anonymous = bank.anonymous();
        let (registered, frozen, opened) = tokio::join!(
            anonymous.post("/v1/auth/register", body.clone()),
            operator.post(&freeze, json!({})),
            ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })),
        );
        for answer in [registered, frozen, opened] {
            answer.expect_problem(503, "contended");
        }
        held.release().await;
        anonymous.post("/v1/auth/register", body).await.expect(201);
        operator.post(&freeze, json!({})).await.expect(200);
    })
    .await;
}

fn immediate() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}

/// How long the two processes commit.
const TURNS_FOR: Duration = Duration::from_secs(3);
/// Callers of each process: enough that its next batch is ready when one is committed.
const CALLERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_file_take_turns() {
    run(Backend::Sqlite, |bank: Arc<TestBank>| async move {
        let (actor, ana) = quiet_customer(&bank, "ana").await;
        let (_, ben) = quiet_customer(&bank, "ben").await;
        bank.fund(ana, "10", "visa").await;
        let processes = [bank.services.clone(), bank.replica().await];
        let until = Instant::now() + TURNS_FOR;
        let streams = (0..2 * CALLERS).map(|caller| {
            let (services, actor) = (&processes[caller % 2], &actor);
            async move {
                while Instant::now() < until {
                    let paid = submit(services, actor, new_transfer(ana, ben, "0.0001")).await;
                    paid.expect("its turn comes");
                }
            }
        });
        all_at_once(streams).await;
        let committed = processes.each_ref().map(|services| services.ops.metrics().batches);
        println!("commits of the two: {committed:?}");
        let (fewest, most) = (committed.iter().min(), committed.iter().max());
        let (Some(fewest), Some(most)) = (fewest, most) else {
            panic!("two committed")
        };
        // With SQLite's own waiting one process had up to 2.6 times as many.
        assert!(fewest * 5 > *most * 4, "{committed:?}");
    })
    .await;
}
