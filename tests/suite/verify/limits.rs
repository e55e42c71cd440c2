//! Limits that differ from what their changes say, and counters that differ from what went out.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::transfers::{HoldTerms, NewTransfer};
use service::values::ChangeKind;
use service::wallets::{Expected, WalletLimits};

use super::{Books, JOURNAL, LINES, found};
use crate::requests::{money, new_transfer, submit};

on_every_backend!(
    limits_and_what_counts_are_clean,
    a_changed_limit_is_found,
    a_removed_change_of_limits_is_found,
    a_changed_counter_is_found,
    a_counted_day_without_an_outflow_is_found,
);

pub(super) const LIMITS: &str =
    "every wallet has the limits that its last change of limits has set, and counters if there are any";
pub(super) const CHANGED: &str =
    "every change of limits has its wallet, and begins with the limits that the one before has set";
pub(super) const COUNTED: &str =
    "what counts against a wallet's limits is what went out on the counted day, and nothing went out later";

const DAY: TimeDelta = TimeDelta::days(1);

impl Books {
    /// Limits what goes out of ana's wallet.
    pub(super) async fn limit(&self, per_day_amount: Option<&str>, per_day_count: Option<i64>) {
        let limits = WalletLimits {
            per_transfer: per_day_amount.map(money),
            per_day_amount: per_day_amount.map(money),
            per_day_count,
        };
        let operator = self.bank.operator_actor().await;
        let wallets = &self.bank.services.wallets;
        let set = wallets
            .set_limits(&operator, self.ana, limits, Expected::Anything)
            .await;
        set.expect("limits can be set");
    }

    async fn pay(&self, amount: &str) {
        let new = new_transfer(self.ana, self.ben, amount);
        let paid = submit(&self.bank.services, &self.anas, new).await;
        paid.expect("ana has it");
    }
}

async fn limits_and_what_counts_are_clean(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    let early = books.hold("2").await;
    books.limit(Some("50"), Some(20)).await;
    assert_eq!(found(&books.bank).await, []);
    books.void(early).await;
    let captured = books.hold("4").await;
    books.capture(captured, Some("1"), true).await;
    let partly = books.hold("3").await;
    books.capture(partly, Some("1"), false).await;
    books.void(partly).await;
    books.pay("1").await;
    assert_eq!(found(&books.bank).await, []);
    books.limit(Some("60"), None).await;
    let long = NewTransfer {
        hold: HoldTerms::try_new(172_800),
        ..new_transfer(books.ana, books.ben, "5")
    };
    let long = submit(&books.bank.services, &books.anas, long).await;
    let long = long.expect("ana has it").transfer.transfer.id;
    books.hold("1").await;
    assert_eq!(found(&books.bank).await, []);
    // What is given back on another day changes no counter.
    books.bank.advance(DAY).await;
    books.void(long).await;
    assert_eq!(found(&books.bank).await, []);
    books.pay("2").await;
    assert_eq!(found(&books.bank).await, []);
    books.limit(None, None).await;
    assert_eq!(found(&books.bank).await, []);
    books.pay("2").await;
    books.limit(None, Some(9)).await;
    books.hold("1").await;
    books.expire().await;
    books.after(&[], Vec::new()).await;
}

async fn a_changed_limit_is_found(bank: Arc<TestBank>) {
    for change in [
        "limit_per_transfer = NULL",
        "limit_per_day_amount = '50.0001'",
        "limit_per_day_count = 7",
        "counted_day = NULL, counted_amount = NULL, counted_transfers = NULL",
        "counted_amount = NULL",
    ] {
        let books = Books::of(bank.backend).await;
        books.limit(Some("50"), Some(6)).await;
        let sql = [format!(
            "UPDATE wallets SET {change} WHERE id = {}",
            books.id(books.ana)
        )];
        let expected = vec![(LIMITS, books.ana.to_string())];
        books.after(&sql, expected).await;
    }
}

async fn a_removed_change_of_limits_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.limit(Some("50"), None).await;
    let row = books.row_of_change(books.ana, 5).await;
    let first = books.change_of(books.ana, ChangeKind::Limited).await;
    books.limit(Some("60"), None).await;
    let sql = ["DELETE FROM changes WHERE kind = 5 AND before = '{}'".to_owned()];
    let gone = (JOURNAL, format!("row {row}: counts 1 changes, and there are 0"));
    let expected = vec![(CHANGED, books.ana.to_string()), (LINES, first), gone];
    books.after(&sql, expected).await;
}

async fn a_changed_counter_is_found(bank: Arc<TestBank>) {
    // Ana has paid 10, 5 and 1, and 3 of what was held are captured.
    for change in [
        "counted_amount = '18.9999'",
        "counted_amount = '16.0000'",
        "counted_transfers = 5",
        "counted_day = counted_day - 1",
        "counted_day = counted_day - 1, counted_amount = '0.0000', counted_transfers = 0",
        "counted_day = counted_day + 1",
        "counted_day = 2147483647, counted_amount = '0.0000', counted_transfers = 0",
    ] {
        let books = Books::of(bank.backend).await;
        books.limit(Some("50"), Some(6)).await;
        let (captured, voided) = (books.hold("7").await, books.hold("8").await);
        books.capture(captured, Some("3"), true).await;
        books.void(voided).await;
        books.pay("1").await;
        assert_eq!(found(&books.bank).await, []);
        let sql = [format!(
            "UPDATE wallets SET {change} WHERE id = {}",
            books.id(books.ana)
        )];
        let expected = vec![(COUNTED, books.ana.to_string())];
        books.after(&sql, expected).await;
    }
}

async fn a_counted_day_without_an_outflow_is_found(bank: Arc<TestBank>) {
    let books = Books::of(bank.backend).await;
    books.bank.advance(DAY).await;
    books.limit(Some("50"), None).await;
    let counted = books
        .bank
        .number("SELECT CAST(sum(counted_transfers) AS bigint) AS n FROM wallets")
        .await;
    assert_eq!(counted, 0, "nothing went out today");
    let sql = [format!(
        "UPDATE wallets SET counted_day = counted_day + 1 WHERE id = {}",
        books.id(books.ana)
    )];
    let expected = vec![(COUNTED, books.ana.to_string())];
    books.after(&sql, expected).await;
}
