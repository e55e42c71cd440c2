//! A process may remember out-of-date wallets: another process, or a person, may have changed them.

use std::sync::Arc;

use harness::{Backend, Customer, TestBank, all_at_once, on_every_backend};
use service::Services;
use service::actor::Actor;
use service::transfers::{Asking, Failure, Refusal, TransferError};
use service::values::WalletId;
use service::wallets::Expected;

use crate::requests::{money, new_transfer, submit};

on_every_backend!(
    a_balance_that_another_process_changed_is_learnt,
    money_that_another_process_took_is_not_spent_twice,
    money_that_another_process_brought_can_be_spent,
    a_freeze_by_another_process_holds_at_once,
    an_unfreeze_by_another_process_holds_at_once,
    a_wallet_that_another_process_opened_can_be_paid,
    what_another_process_moved_is_learnt_with_the_turn,
    after_more_commits_than_are_told_everything_is_read_again,
    after_more_changes_than_are_told_everything_is_read_again,
    a_wallet_that_a_person_changed_is_read_again,
);

struct Pair {
    ana: Customer,
    bens: WalletId,
    here: Arc<Services>,
    there: Arc<Services>,
}

impl Pair {
    /// Two processes. The first has just moved money and remembers both wallets: ana has 9, ben has 1.
    async fn of(bank: &TestBank) -> Self {
        let ana = bank.customer_with("ana", "10").await;
        let bens = bank.customer("ben").await.wallet;
        let pair = Self {
            ana,
            bens,
            here: bank.services.clone(),
            there: bank.replica().await,
        };
        pair.pay(&pair.here, "1").await.expect("ana can pay");
        pair
    }

    async fn freeze(&self, services: &Services, operator: &Actor) {
        let wallets = &services.wallets;
        let frozen = wallets.freeze(operator, self.bens, None, Expected::Anything).await;
        frozen.expect("a wallet can be frozen");
    }

    async fn unfreeze(&self, services: &Services, operator: &Actor) {
        let wallets = &services.wallets;
        let unfrozen = wallets.unfreeze(operator, self.bens, None, Expected::Anything).await;
        unfrozen.expect("a wallet can be unfrozen");
    }

    async fn pay(&self, services: &Services, amount: &str) -> Result<(), Failure> {
        match submit(
            services,
            &self.ana.actor,
            new_transfer(self.ana.wallet, self.bens, amount),
        )
        .await
        {
            Ok(_) => Ok(()),
            Err(TransferError::Failed { failure, .. }) => Err(failure),
            Err(other) => panic!("{other}"),
        }
    }
}

async fn a_balance_that_another_process_changed_is_learnt(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let before = pair.here.ops.metrics();
    pair.pay(&pair.here, "1").await.expect("what it remembers is right");
    assert_eq!(pair.here.ops.metrics().stale_retries, before.stale_retries);
    pair.pay(&pair.there, "1").await.expect("ana can pay");
    pair.pay(&pair.here, "1").await.expect("ana can pay");
    let stale = match bank.backend {
        Backend::Postgres => 1,
        // On SQLite every batch takes the turn.
        Backend::Sqlite => 0,
    };
    assert_eq!(pair.here.ops.metrics().stale_retries, before.stale_retries + stale);
    assert_eq!(bank.balances(&[pair.ana.wallet, pair.bens]).await, ["6.0000", "4.0000"]);
}

async fn money_that_another_process_took_is_not_spent_twice(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    pair.pay(&pair.there, "8").await.expect("ana has 9");
    let refusal = pair.pay(&pair.here, "2").await.expect_err("ana has 1");
    assert_eq!(
        refusal.available().map(|available| available.to_string()).as_deref(),
        Some("1.0000")
    );
    assert_eq!(bank.balances(&[pair.ana.wallet, pair.bens]).await, ["1.0000", "9.0000"]);
}

async fn money_that_another_process_brought_can_be_spent(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    pair.pay(&pair.here, "10").await.expect_err("ana has 9");
    let operator = bank.operator_actor().await;
    let deposit = service::transfers::NewPayment::new(
        pair.ana.wallet,
        Some(money("5")),
        service::values::Method::try_new("visa").expect("this is a method"),
    );
    pair.there
        .transfers
        .deposit(Asking::by(&operator), deposit)
        .await
        .expect("an operator can deposit");
    pair.pay(&pair.here, "14").await.expect("ana has 14");
    assert_eq!(
        bank.balances(&[pair.ana.wallet, pair.bens]).await,
        ["0.0000", "15.0000"]
    );
}

async fn a_freeze_by_another_process_holds_at_once(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let operator = bank.operator_actor().await;
    pair.freeze(&pair.there, &operator).await;
    assert_eq!(pair.pay(&pair.here, "1").await, Err(Failure::WalletFrozen));
    assert_eq!(bank.balances(&[pair.ana.wallet, pair.bens]).await, ["9.0000", "1.0000"]);
}

async fn an_unfreeze_by_another_process_holds_at_once(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let operator = bank.operator_actor().await;
    pair.freeze(&pair.here, &operator).await;
    assert_eq!(pair.pay(&pair.here, "1").await, Err(Failure::WalletFrozen));
    pair.unfreeze(&pair.there, &operator).await;
    pair.pay(&pair.here, "1").await.expect("money may move again");
    assert_eq!(bank.balances(&[pair.ana.wallet, pair.bens]).await, ["8.0000", "2.0000"]);
}

async fn a_wallet_that_another_process_opened_can_be_paid(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let unknown = WalletId(uuid::Uuid::from_u128(1));
    let refused = submit(&pair.here, &pair.ana.actor, new_transfer(pair.ana.wallet, unknown, "1")).await;
    let refusal = refused.expect_err("nobody has this wallet");
    assert!(matches!(refusal, TransferError::Refused(Refusal::WalletNotFound)));
    let cara = bank.customer("cara").await;
    let euro = service::values::Currency::from_code("EUR").expect("EUR is a currency");
    let opened = pair
        .there
        .wallets
        .open(&cara.actor, euro)
        .await
        .expect("a wallet can be opened")
        .id;
    let refused = submit(&pair.here, &pair.ana.actor, new_transfer(pair.ana.wallet, opened, "1")).await;
    assert!(matches!(
        refused,
        Err(TransferError::Failed {
            failure: Failure::CurrencyMismatch,
            ..
        })
    ));
    submit(
        &pair.here,
        &pair.ana.actor,
        new_transfer(pair.ana.wallet, cara.wallet, "1"),
    )
    .await
    .expect("ana has 9");
}

async fn what_another_process_moved_is_learnt_with_the_turn(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    pair.pay(&pair.there, "1").await.expect("ana has 9");
    let before = pair.here.ops.metrics().statements;
    pair.pay(&pair.here, "8").await.expect("ana has 8");
    // PostgreSQL: the statement that finds the head moved, BEGIN and its time-out, the turn, the write, COMMIT.
    // SQLite: BEGIN, the head, its last row, the others' commits, the wallets of these, four writes, COMMIT.
    let statements = match bank.backend {
        Backend::Postgres => 6,
        Backend::Sqlite => 10,
    };
    assert_eq!(pair.here.ops.metrics().statements - before, statements);
    assert_eq!(
        bank.balances(&[pair.ana.wallet, pair.bens]).await,
        ["0.0000", "10.0000"]
    );
}

async fn after_more_commits_than_are_told_everything_is_read_again(bank: Arc<TestBank>) {
    // One more than the turn reports.
    const TRANSFERS: usize = 2_001;
    let pair = Pair::of(&bank).await;
    let cara = bank.customer("cara").await;
    let paid = all_at_once((0..TRANSFERS).map(|_| pair.pay(&pair.there, "0.0001"))).await;
    paid.into_iter().for_each(|paid| paid.expect("ana has 9"));
    // Only the newest commit names cara's wallet, and it is not among the reported ones.
    let to_cara = new_transfer(pair.ana.wallet, cara.wallet, "1");
    submit(&pair.there, &pair.ana.actor, to_cara)
        .await
        .expect("ana has 8.7999");
    let before = pair.here.ops.metrics();
    pair.pay(&pair.here, "7.7999").await.expect("ana has as much");
    let after = pair.here.ops.metrics();
    let read_again = match bank.backend {
        // The statement that finds the head moved, BEGIN and its time-out, the turn, the wallets, the write, COMMIT.
        Backend::Postgres => 7,
        // BEGIN, the head, its last row, the others' commits, the wallets of the batch, four writes, COMMIT.
        Backend::Sqlite => 10,
    };
    assert_eq!(after.statements - before.statements, read_again);
    assert_eq!(bank.balances(&[pair.ana.wallet, pair.bens]).await, ["0.0000", "9.0000"]);
}

async fn after_more_changes_than_are_told_everything_is_read_again(bank: Arc<TestBank>) {
    // More than the turn reports; then comes the one that matters.
    const CHANGES: usize = 2_001;
    let pair = Pair::of(&bank).await;
    let operator = bank.operator_actor().await;
    let there = &pair.there.wallets;
    let of_ana = async |freezes: bool| match freezes {
        true => there.freeze(&operator, pair.ana.wallet, None, Expected::Anything).await,
        false => {
            there
                .unfreeze(&operator, pair.ana.wallet, None, Expected::Anything)
                .await
        }
    };
    for number in 0..CHANGES + 1 {
        of_ana(number % 2 == 0)
            .await
            .expect("a wallet can be frozen and unfrozen");
    }
    there
        .freeze(&operator, pair.bens, None, Expected::Anything)
        .await
        .expect("a wallet can be frozen");
    let before = pair.here.ops.metrics().stale_retries;
    assert_eq!(pair.pay(&pair.here, "1").await, Err(Failure::WalletFrozen));
    // Only the first try, without the turn, was stale; with the turn the refusal was decided on rows that were read
    // again.
    let stale = u64::from(bank.backend == Backend::Postgres);
    assert_eq!(pair.here.ops.metrics().stale_retries - before, stale);
}

async fn a_wallet_that_a_person_changed_is_read_again(bank: Arc<TestBank>) {
    let pair = Pair::of(&bank).await;
    let operator = bank.operator_actor().await;
    pair.freeze(&pair.here, &operator).await;
    let bens = bank.literal(pair.bens.0);
    let set_status = async |status: &str| {
        bank.execute(&format!("UPDATE wallets SET status = '{status}' WHERE id = {bens}"))
            .await;
    };
    // First the process remembers a frozen wallet that is active, then an active one that is frozen.
    set_status("ACTIVE").await;
    pair.pay(&pair.here, "1").await.expect("money may move again");
    set_status("FROZEN").await;
    assert_eq!(pair.pay(&pair.here, "1").await, Err(Failure::WalletFrozen));
    // The process still remembers an active wallet when a person freezes it: it must not answer the unfreeze from
    // memory.
    set_status("ACTIVE").await;
    pair.pay(&pair.here, "1").await.expect("money may move again");
    set_status("FROZEN").await;
    pair.unfreeze(&pair.here, &operator).await;
    pair.pay(&pair.there, "1").await.expect("money may move again");
    assert_eq!(bank.balances(&[pair.ana.wallet, pair.bens]).await, ["6.0000", "4.0000"]);
}
