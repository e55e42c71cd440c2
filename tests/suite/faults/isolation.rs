//! The database's default isolation is stricter than the committer needs, so the committer sets its own.

use std::sync::Arc;

use harness::{Backend, TestBank, run};

use super::{Customers, Load};

const CLIENTS_EACH: usize = 8;
const ANSWERED: usize = 100;

async fn moves_money_under(bank: Arc<TestBank>, isolation: &str) {
    let customers = Customers::of(&bank, 6).await;
    bank.execute(&format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''{isolation}''', \
         current_database()); END $$"
    ))
    .await;
    // Replicas that connect after this have the new default.
    let replicas = [bank.replica().await, bank.replica().await];
    // One replica alone commits without the turn; two take it.
    let alone = Load::start(&replicas[..1], &customers, CLIENTS_EACH);
    alone.until_answered(ANSWERED).await;
    let mut paid = alone.stop().await;
    let both = Load::start(&replicas, &customers, CLIENTS_EACH);
    both.until_answered(ANSWERED).await;
    paid.extend(both.stop().await);
    for services in &replicas {
        let metrics = services.ops.metrics();
        assert_eq!(metrics.conflict_retries, 0, "{metrics:?}");
    }
    customers.assert_moved_once(&bank, &paid).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_move_money_where_repeatable_read_is_the_default() {
    run(Backend::Postgres, |bank| moves_money_under(bank, "repeatable read")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_move_money_where_serializable_is_the_default() {
    run(Backend::Postgres, |bank| moves_money_under(bank, "serializable")).await;
}
