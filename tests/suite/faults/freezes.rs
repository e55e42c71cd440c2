//! After one replica has answered a freeze, another replica obeys it, also for commands that it had queued before.

use std::sync::Arc;

use harness::{Backend, Proxy, TestBank, run};
use service::Services;
use service::identity::Actor;
use service::transfers::{Asking, Failure, TransferError};
use service::wallets::Expected;

use crate::doubts::proxy_of;
use crate::requests::new_transfer;

use super::Customers;

const RUNS: usize = 100;
/// After this many commits of its own a replica commits without the turn again.
const ALONE_AFTER: usize = 17;

/// A replica whose statements a proxy can hold, and a replica that freezes.
struct Pair {
    bank: Arc<TestBank>,
    customers: Customers,
    operator: Actor,
    way: Proxy,
    paying: Arc<Services>,
    freezing: Arc<Services>,
}

impl Pair {
    async fn of(bank: Arc<TestBank>) -> Self {
        let customers = Customers::of(&bank, 2).await;
        let (way, url) = proxy_of(&bank.database).await;
        Self {
            paying: bank.replica_with(|config| config.database_url = url).await,
            freezing: bank.replica().await,
            operator: bank.operator_actor().await,
            bank,
            customers,
            way,
        }
    }

    /// Freezes a side of a queued transfer that is held before `words` reach the database. The transfer must not be
    /// made.
    async fn run(&self, number: usize, words: &str) {
        let frozen = self.customers.wallets()[number % 2];
        let holding = self.way.hold(words);
        let (services, (actor, source)) = (self.paying.clone(), self.customers.0[0].clone());
        let new = service::transfers::NewTransfer {
            description: Some(format!("run {number:03}.")),
            ..new_transfer(source, self.customers.wallets()[1], "1")
        };
        let asked = tokio::spawn(async move { services.transfers.submit(Asking::by(&actor), new).await });
        let held = holding.held().await;
        let wallets = &self.freezing.wallets;
        let freeze = wallets.freeze(&self.operator, frozen, None, Expected::Anything).await;
        freeze.expect("a wallet can be frozen");
        assert!(!asked.is_finished(), "it waits all the while");
        held.pass_on();
        let outcome = asked.await.expect("it does not panic");
        let Err(TransferError::Failed { failure, .. }) = outcome else {
            panic!("run {number}: {outcome:?}")
        };
        assert_eq!(failure, Failure::WalletFrozen, "run {number}");
        let unfreeze = wallets.unfreeze(&self.operator, frozen, None, Expected::Anything).await;
        unfreeze.expect("a wallet can be unfrozen");
    }

    async fn pay(&self, services: &Services) {
        let (actor, source) = &self.customers.0[0];
        let new = new_transfer(*source, self.customers.wallets()[1], "0.0001");
        let paid = services.transfers.submit(Asking::by(actor), new).await;
        paid.expect("nothing is in its way");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_is_kept_by_a_transfer_that_another_replica_had_decided_before_it() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let pair = Pair::of(bank).await;
        for number in 0..RUNS {
            for _ in 0..=ALONE_AFTER {
                pair.pay(&pair.paying).await;
            }
            let stale = pair.paying.ops.metrics().stale_retries;
            // Holds the statement itself, which was decided on the replica's remembered wallets.
            pair.run(number, &format!("run {number:03}.")).await;
            assert_eq!(pair.paying.ops.metrics().stale_retries, stale + 1, "run {number}");
        }
        assert_eq!(
            pair.bank.balances(&pair.customers.wallets()).await,
            ["999.8200", "1000.1800"]
        );
        pair.bank.assert_journal_is_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_is_kept_by_a_transfer_that_another_replica_had_queued_for_the_turn() {
    run(Backend::Postgres, |bank: Arc<TestBank>| async move {
        let pair = Pair::of(bank).await;
        for number in 0..RUNS {
            // Now the paying replica's memory is out of date: it takes the turn, at once or after it has detected that.
            pair.pay(&pair.freezing).await;
            pair.run(number, "BEGIN ISOLATION LEVEL READ COMMITTED").await;
        }
        assert_eq!(
            pair.bank.balances(&pair.customers.wallets()).await,
            ["999.9900", "1000.0100"]
        );
        pair.bank.assert_journal_is_sound().await;
    })
    .await;
}
