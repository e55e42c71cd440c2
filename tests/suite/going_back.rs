//! A database loses its newest commits under running replicas, as when a standby without them is promoted.

use std::sync::Arc;

use harness::{Backend, Customer, TestBank, run};
use sea_orm::prelude::Uuid;
use service::Services;
use service::values::{Currency, Method, TransferId};

use crate::requests::{new_transfer, payment, submit, wallet_path};
use crate::statistics::minute;

/// Removes the newest transfer from the database, as if it had never been made.
async fn lose(bank: &TestBank, transfer: TransferId, (from, to): (&Customer, &Customer), amount: &str) {
    let id: Uuid = transfer.0;
    let back = |wallet: Uuid, sign: &str| {
        format!("UPDATE wallets SET balance = balance {sign} {amount}, version = version - 1 WHERE id = '{wallet}';")
    };
    let sql = format!(
        "SET session_replication_role = replica; DELETE FROM entries WHERE transfer_id = '{id}'; \
         DELETE FROM transfers WHERE id = '{id}'; \
         DELETE FROM journal WHERE number = (SELECT max(number) FROM journal); {} {} SET session_replication_role = DEFAULT;",
        back(from.wallet.0, "+"),
        back(to.wallet.0, "-"),
    );
    bank.execute(&sql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_replica_remembers_of_a_lost_commit_moves_no_money() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (ana, ben) = (bank.customer_with("ana", "1000").await, bank.customer("ben").await);
        let other = bank.replica().await;
        let pay =
            async |services, amount| submit(services, &ana.actor, new_transfer(ana.wallet, ben.wallet, amount)).await;
        let lost = pay(&bank.services, "500").await.expect("there is enough");
        lose(&bank, lost.transfer.transfer.id, (&ana, &ben), "500").await;
        // The other replica brings both wallets to the versions that the first one remembers, but with other balances.
        pay(&other, "12").await.expect("there is enough");
        pay(&bank.services, "1").await.expect("there is enough");
        assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["987.0000", "13.0000"]);
        // The loss is reported by the replica that has seen the lost commit; the other one cannot know of it.
        let went_back = |services: &Services| services.ops.metrics().database_went_back;
        assert_eq!((went_back(&bank.services), went_back(&other)), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_statistics_count_a_lost_transfer_no_more() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let (ana, ben) = (bank.customer_with("ana", "1000").await, bank.customer("ben").await);
        let other = bank.replica().await;
        let pay =
            async |services, amount| submit(services, &ana.actor, new_transfer(ana.wallet, ben.wallet, amount)).await;
        let lost = pay(&bank.services, "500").await.expect("there is enough");
        let both = async || [minute(&bank.services, "USD").await, minute(&other, "USD").await];
        assert_eq!(both().await, [(2, 1_500); 2]);
        lose(&bank, lost.transfer.transfer.id, (&ana, &ben), "500").await;
        assert_eq!(both().await, [(1, 1_000); 2]);
        // The next row gets the number of the lost one.
        pay(&other, "12").await.expect("there is enough");
        assert_eq!(both().await, [(2, 1_012); 2]);
        let lost = pay(&other, "3").await.expect("there is enough");
        assert_eq!(both().await, [(3, 1_015); 2]);
        lose(&bank, lost.transfer.transfer.id, (&ana, &ben), "3").await;
        pay(&bank.services, "7").await.expect("there is enough");
        assert_eq!(both().await, [(3, 1_019); 2]);
    })
    .await;
}

/// Removes the newest commit, which opened a method's wallet, as if no operator had used the method.
async fn lose_method(bank: &TestBank, method: &str) {
    bank.execute(&format!(
        "SET session_replication_role = replica; \
         DELETE FROM changes WHERE subject = (SELECT id FROM wallets WHERE method = '{method}'); \
         DELETE FROM wallets WHERE method = '{method}'; \
         DELETE FROM journal WHERE number = (SELECT max(number) FROM journal); \
         SET session_replication_role = DEFAULT;"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_was_opened_in_the_lost_part_opens_again() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let ana = bank.customer_with("ana", "10").await;
        let operator = bank.operator().await;
        bank.open_method("wire", "USD").await;
        lose_method(&bank, "wire").await;
        let path = wallet_path(ana.wallet, "/withdrawals");
        let withdraw = async || ana.caller.post(&path, payment("1", "wire")).await;
        withdraw().await.expect_problem(422, "unknown_method");
        let deposits = wallet_path(ana.wallet, "/deposits");
        operator.post(&deposits, payment("1", "wire")).await.expect(201);
        withdraw().await.expect(201);
        assert_eq!(bank.balances(&[ana.wallet]).await, ["10.0000"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_another_replica_opened_again_is_found() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let ana = bank.customer_with("ana", "10").await;
        let other = bank.replica().await;
        bank.open_method("wire", "USD").await;
        lose_method(&bank, "wire").await;
        let method = Method::try_new("wire").expect("this is a method");
        let usd = Currency::from_code("USD").expect("this is a currency");
        let operator = bank.operator_actor().await;
        let opened = other.wallets.open_method(&operator, &method, usd).await;
        opened.expect("it can be opened");
        let path = wallet_path(ana.wallet, "/withdrawals");
        ana.caller.post(&path, payment("1", "wire")).await.expect(201);
        assert_eq!(bank.balances(&[ana.wallet]).await, ["9.0000"]);
    })
    .await;
}
