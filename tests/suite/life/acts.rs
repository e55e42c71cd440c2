//! What more the people of a scenario do, and what a test reads from the tables.

use chrono::TimeDelta;
use entity::{entries, holds, journal, transfers};
use harness::TestBank;
use sea_orm::{EntityTrait, QueryOrder};
use service::clock::Clock;
use service::page::PageRequest;
use service::transfers::{
    Asking, BatchAnswer, HoldTerms, NewBatch, NewTransfer, ShownTransfer, TransferError, TransferFilter,
};
use service::values::{Timestamp, TransferId, WalletId};
use service::wallets::{Expected, WalletLimits};

use super::{Answer, LifeStage};
use crate::requests::{money, new_transfer};

impl LifeStage {
    pub async fn freeze(&self, wallet: WalletId) {
        let wallets = &self.services.wallets;
        let frozen = wallets.freeze(&self.operator, wallet, None, Expected::Anything).await;
        frozen.expect("it can be frozen");
    }

    pub async fn unfreeze(&self, wallet: WalletId) {
        let wallets = &self.services.wallets;
        let unfrozen = wallets.unfreeze(&self.operator, wallet, None, Expected::Anything).await;
        unfrozen.expect("it can be unfrozen");
    }

    pub async fn close(&self, wallet: WalletId) {
        let wallets = &self.services.wallets;
        let closed = wallets.close(&self.operator, wallet, Expected::Anything).await;
        closed.expect("it can be closed");
    }

    /// Sets the limits of a wallet, and gives the time at which they were set.
    pub async fn restrict(&self, wallet: WalletId, limits: WalletLimits) -> Timestamp {
        let wallets = &self.services.wallets;
        let limited = wallets
            .set_limits(&self.operator, wallet, limits, Expected::Anything)
            .await;
        limited.expect("limits can be set").updated_at
    }

    /// Ana's money, held for a wallet for an hour.
    pub async fn hold_for(&self, wallet: WalletId, amount: &str) -> TransferId {
        let new = NewTransfer {
            hold: HoldTerms::try_new(3_600),
            ..new_transfer(self.ana.1, wallet, amount)
        };
        let transfers = &self.services.transfers;
        made(transfers.submit(Asking::by(&self.ana.0), new).await)
    }

    /// Asks for transfers together, as ana.
    pub async fn ask_together(
        &self,
        key: &str,
        is_atomic: bool,
        transfers: Vec<NewTransfer>,
    ) -> Result<BatchAnswer, TransferError> {
        let asking = Asking::by(&self.ana.0).with_key(crate::requests::key(key));
        let new = NewBatch { is_atomic, transfers };
        self.services.transfers.batch(asking, new).await
    }

    /// What a filter finds for the operator, the oldest first; at most 1 000 transfers.
    pub async fn found(&self, filter: TransferFilter) -> Vec<ShownTransfer> {
        let request = PageRequest {
            limit: 1_000,
            after: None,
        };
        let page = self.services.transfers.list(&self.operator, filter, request).await;
        let mut items = page.expect("it can be listed").items;
        items.reverse();
        items
    }

    /// What captures, releases and reversals have done with a transfer, the oldest first.
    pub async fn children(&self, parent: TransferId) -> Vec<ShownTransfer> {
        let filter = TransferFilter {
            parent: Some(parent),
            ..TransferFilter::default()
        };
        self.found(filter).await
    }

    /// When a hold ends by itself.
    pub async fn expiry(&self, hold: TransferId) -> Timestamp {
        self.get(hold).await.hold.expect("it is a hold").expires_at
    }
}

/// The rows that are written once.
#[derive(Debug, PartialEq)]
pub struct WrittenRows {
    pub transfers: Vec<transfers::Model>,
    pub entries: Vec<entries::Model>,
}

impl WrittenRows {
    pub async fn of(bank: &TestBank) -> Self {
        let transfers = transfers::Entity::find().order_by_asc(transfers::Column::Id);
        let entries = entries::Entity::find()
            .order_by_asc(entries::Column::TransferId)
            .order_by_asc(entries::Column::WalletId);
        Self {
            transfers: transfers.all(&bank.db.read).await.expect("transfers can be read"),
            entries: entries.all(&bank.db.read).await.expect("entries can be read"),
        }
    }

    /// Fails unless every row of before is there, as it was, and was followed by these numbers of transfers and entries.
    #[track_caller]
    pub fn assert_grown_from(&self, before: &Self, (transfers, entries): (usize, usize)) {
        assert!(self.transfers.starts_with(&before.transfers), "a transfer was changed");
        assert!(self.entries.starts_with(&before.entries), "an entry was changed");
        let grown = (
            self.transfers.len() - before.transfers.len(),
            self.entries.len() - before.entries.len(),
        );
        assert_eq!(grown, (transfers, entries));
    }
}

/// What has become of a hold, as it is stored; `None` without a row.
pub async fn stored_hold(bank: &TestBank, id: TransferId) -> Option<holds::Model> {
    let found = holds::Entity::find_by_id(id).one(&bank.db.read).await;
    found.expect("holds can be read")
}

/// The rows of the journal, in their order.
pub async fn journal_of(bank: &TestBank) -> Vec<journal::Model> {
    let rows = journal::Entity::find().order_by_asc(journal::Column::Number);
    rows.all(&bank.db.read).await.expect("the journal can be read")
}

/// How many transfers are stored.
pub async fn count_transfers(bank: &TestBank) -> i64 {
    bank.number("SELECT count(*) AS n FROM transfers").await
}

/// Moves the clocks to a time.
pub async fn advance_to(bank: &TestBank, time: Timestamp) {
    bank.advance(time - bank.clock.now()).await;
}

/// The limits of one transfer, and of the amount and the number of a day.
pub fn limits(per_transfer: Option<&str>, per_day_amount: Option<&str>, per_day_count: Option<i64>) -> WalletLimits {
    WalletLimits {
        per_transfer: per_transfer.map(money),
        per_day_amount: per_day_amount.map(money),
        per_day_count,
    }
}

/// The id of what was made.
#[track_caller]
pub fn made(answer: Answer) -> TransferId {
    answer.expect("nothing is in its way").transfer.transfer.id
}

/// The record of a refusal.
#[track_caller]
pub fn recorded(answer: &Answer) -> TransferId {
    match answer {
        Err(TransferError::Failed { transfer: Some(id), .. }) => *id,
        other => panic!("no recorded refusal: {other:?}"),
    }
}

/// The code of a refusal; of an atomic batch, that of the transfer at fault.
pub fn code_of(error: &TransferError) -> &'static str {
    match error {
        TransferError::Refused(refusal) => refusal.code(),
        TransferError::Failed { failure, .. } => failure.code(),
        TransferError::BatchRefused { error, .. } => code_of(error),
        TransferError::KeyReused => "idempotency_key_reused",
        other => panic!("{other:?}"),
    }
}

/// The code of each transfer of a batch, or `done`.
pub fn codes_of(answer: &BatchAnswer) -> Vec<&'static str> {
    let code = |item: &Result<ShownTransfer, TransferError>| item.as_ref().map_or_else(code_of, |_| "done");
    answer.items.iter().map(code).collect()
}

/// A hold of ana's runs out within this time.
pub const LATER: TimeDelta = TimeDelta::seconds(3_601);
pub const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);
