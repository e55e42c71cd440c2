//! Compares what a bank shows and stores of a history with the plain bank.

use std::collections::{HashMap, HashSet};

use entity::{entries, holds, transfers, wallets};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use service::clock::id_floor;
use service::page::PageRequest;
use service::transfers::{ShownTransfer, TransferFilter};
use service::values::{BatchId, Method, Money, TransferId, TransferKind, TransferStatus, Version, WalletId};

use crate::cases::currency;
use crate::life_case::LifeCase;
use crate::life_instructions::OPERATOR;
use crate::life_model::{LifeModel, Record};
use crate::life_steps::METHODS;
use crate::list_case::failed;
use crate::model::Name;

/// More than a history has transfers.
const PAGE: u64 = 1_000;

/// Compares what the operator sees: wallets, and each transfer with what has become of it. Holds that ran out count as
/// ended, whether or not their releases are written.
pub async fn shown_agrees(case: &LifeCase, model: &LifeModel) -> TestCaseResult {
    for wallet in 0..case.wallets.len() {
        prop_assert_eq!(
            case.seen(wallet).await?,
            model.seen(Name::Customer(wallet)),
            "wallet {}",
            wallet
        );
    }
    let filter = TransferFilter {
        from: Some(case.began),
        ..TransferFilter::default()
    };
    let request = PageRequest {
        limit: PAGE,
        after: None,
    };
    let transfers = &case.bank.services.transfers;
    let listed = transfers.list(&case.actors[OPERATOR], filter, request).await;
    let items = listed.map_err(failed)?.items.into_iter();
    let shown: HashMap<TransferId, ShownTransfer> = items.map(|shown| (shown.transfer.id, shown)).collect();
    prop_assert_eq!(case.transfers.len(), model.records.len());
    for (index, (id, record)) in case.transfers.iter().zip(&model.records).enumerate() {
        let Some(shown) = shown.get(id) else {
            return Err(TestCaseError::fail(format!("{record:?} is not shown")));
        };
        prop_assert_eq!(shown.reversed.units(), model.reversed(index), "{:?}", shown);
        prop_assert_eq!(shown.status(), record.status(), "{:?}", shown);
        let hold = shown
            .hold
            .map(|hold| (hold.remaining.units(), hold.captured.units(), hold.end.map(|end| end.0)));
        let expected = record.hold.map(|hold| (hold.remaining, hold.captured, hold.end));
        prop_assert_eq!(hold, expected, "{:?}", shown);
    }
    Ok(())
}

/// Compares all stored rows of a history. Every hold must have ended, and be released if it ran out.
pub async fn stored_agrees(case: &LifeCase, model: &LifeModel) -> TestCaseResult {
    let rows = LifeRows::of(case).await?;
    rows.wallets_agree(model)?;
    rows.transfers_agree(case, model)?;
    rows.holds_agree(case, model)
}

/// The stored rows of a history.
struct LifeRows {
    wallets: HashMap<Name, wallets::Model>,
    /// In the order of wallets and versions.
    entries: Vec<entries::Model>,
    /// In the order of ids.
    transfers: Vec<transfers::Model>,
    holds: HashMap<TransferId, holds::Model>,
    /// The record that a transfer is; none of the release of a hold that ran out.
    records: HashMap<TransferId, usize>,
}

impl LifeRows {
    async fn of(case: &LifeCase) -> Result<Self, TestCaseError> {
        let db = &case.bank.db.write;
        let first = TransferId(id_floor(case.began));
        let methods: Vec<Method> = (0..METHODS).map(|method| case.method(method)).collect();
        let is_own = Condition::any()
            .add(wallets::Column::Id.is_in(case.wallets.clone()))
            .add(wallets::Column::Method.is_in(methods));
        let found = wallets::Entity::find().filter(is_own).all(db).await.map_err(failed)?;
        let ids: Vec<WalletId> = found.iter().map(|row| row.id).collect();
        let mut wallets = HashMap::new();
        for row in found {
            let name = name_of(case, &row);
            wallets.insert(name.ok_or_else(|| failed(&row))?, row);
        }
        let entries = entries::Entity::find()
            .filter(entries::Column::WalletId.is_in(ids))
            .order_by_asc(entries::Column::WalletId)
            .order_by_asc(entries::Column::Version);
        let transfers = transfers::Entity::find()
            .filter(transfers::Column::Id.gte(first))
            .order_by_asc(transfers::Column::Id);
        let holds = holds::Entity::find().filter(holds::Column::Id.gte(first));
        let holds = holds.all(db).await.map_err(failed)?;
        Ok(Self {
            wallets,
            entries: entries.all(db).await.map_err(failed)?,
            transfers: transfers.all(db).await.map_err(failed)?,
            holds: holds.into_iter().map(|hold| (hold.id, hold)).collect(),
            records: case
                .transfers
                .iter()
                .enumerate()
                .map(|(record, id)| (*id, record))
                .collect(),
        })
    }

    fn wallets_agree(&self, model: &LifeModel) -> TestCaseResult {
        let names: HashSet<Name> = self.wallets.keys().copied().collect();
        prop_assert_eq!(names, model.wallets.keys().copied().collect::<HashSet<Name>>());
        for (name, wallet) in &model.wallets {
            let row = &self.wallets[name];
            let limits = [
                row.limit_per_transfer.map(Money::units),
                row.limit_per_day_amount.map(Money::units),
                row.limit_per_day_count,
            ];
            let stored = (row.balance.units(), row.held.units(), row.status, limits);
            prop_assert_eq!(stored, model.seen(*name), "{:?}", name);
            prop_assert_eq!(row.currency, currency(wallet.currency), "{:?}", name);
            prop_assert_eq!(row.version, Version(wallet.entries.len() as i64), "{:?}", name);
            let of_wallet = self.entries.iter().filter(|entry| entry.wallet_id == row.id);
            let stored: Vec<(Option<usize>, i64, i64)> = of_wallet
                .map(|entry| {
                    let record = self.records.get(&entry.transfer_id).copied();
                    (record, entry.amount.units(), entry.balance_after.units())
                })
                .collect();
            let entries = wallet.entries.iter();
            let expected: Vec<_> = entries
                .map(|(record, amount, after)| (Some(*record), *amount, *after))
                .collect();
            prop_assert_eq!(stored, expected, "the entries of {:?}", name);
        }
        Ok(())
    }

    fn transfers_agree(&self, case: &LifeCase, model: &LifeModel) -> TestCaseResult {
        let (known, others): (Vec<&transfers::Model>, Vec<&transfers::Model>) = self
            .transfers
            .iter()
            .partition(|row| self.records.contains_key(&row.id));
        prop_assert_eq!(known.len(), model.records.len());
        let mut batches: HashMap<usize, BatchId> = HashMap::new();
        for (row, record) in known.into_iter().zip(&model.records) {
            self.is_record(row, record, case)?;
            if let (Some(batch), Some(id)) = (record.batch, row.batch_id) {
                let first = *batches.entry(batch).or_insert(id);
                prop_assert_eq!(first, id, "two ids of one batch");
            }
        }
        let ids: HashSet<BatchId> = batches.values().copied().collect();
        prop_assert_eq!(ids.len(), batches.len(), "two batches have one id: {:?}", batches);
        // When a release was written depends on what was decided about the wallet since, so its place among the
        // transfers is not compared.
        let stored = others.into_iter().map(|row| {
            let ended = (row.parent_id, row.amount.units(), row.released.map(Money::units));
            (ended, row.kind, row.status, row.created_by)
        });
        let mut stored: Vec<_> = stored.collect();
        stored.sort_unstable_by_key(|(ended, ..)| *ended);
        let expected = model.expired().map(|(hold, released)| {
            let ended = (Some(case.transfers[hold]), released, Some(released));
            (ended, TransferKind::Release, TransferStatus::Completed, None)
        });
        prop_assert_eq!(stored, expected.collect::<Vec<_>>());
        Ok(())
    }

    /// Checks that a row is the exact record of what the plain bank recorded.
    fn is_record(&self, row: &transfers::Model, record: &Record, case: &LifeCase) -> TestCaseResult {
        let status = match (record.failure, record.kind) {
            (Some(_), _) => TransferStatus::Failed,
            // What has become of a hold is not in its row.
            (None, TransferKind::Hold) => TransferStatus::Pending,
            (None, _) => TransferStatus::Completed,
        };
        prop_assert_eq!((row.kind, row.status), (record.kind, status), "{:?}", row);
        let (source, destination) = (&self.wallets[&record.sides.0], &self.wallets[&record.sides.1]);
        let sides = (row.source_wallet_id, row.destination_wallet_id);
        prop_assert_eq!(sides, (source.id, destination.id), "{:?}", row);
        prop_assert_eq!(row.amount.units(), record.units, "{:?}", row);
        let reason = row.failure_reason.as_deref();
        prop_assert_eq!(reason, record.failure.map(|failure| failure.0), "{:?}", row);
        let available = row.available.map(Money::units);
        prop_assert_eq!(available, record.failure.and_then(|failure| failure.1), "{:?}", row);
        let released = row.released.map_or(0, Money::units);
        prop_assert_eq!(released, record.released, "{:?}", row);
        let parent = record.parent.map(|parent| case.transfers[parent]);
        prop_assert_eq!(row.parent_id, parent, "{:?}", row);
        prop_assert_eq!(row.batch_id.is_some(), record.batch.is_some(), "{:?}", row);
        let asker = case.actors[record.asker].user;
        let created_by = (source.user_id != Some(asker)).then_some(asker);
        prop_assert_eq!(row.created_by, created_by, "{:?}", row);
        Ok(())
    }

    fn holds_agree(&self, case: &LifeCase, model: &LifeModel) -> TestCaseResult {
        let mut count = 0;
        for (id, record) in case.transfers.iter().zip(&model.records) {
            let Some(hold) = record.hold else {
                continue;
            };
            count += 1;
            let Some(row) = self.holds.get(id) else {
                return Err(TestCaseError::fail(format!("{record:?} is not stored")));
            };
            prop_assert_eq!(row.wallet_id, self.wallets[&record.sides.0].id);
            let stored = (row.remaining.units(), row.captured.units(), row.end);
            prop_assert_eq!(stored, (hold.remaining, hold.captured, hold.end), "{:?}", row);
            prop_assert_eq!(row.expires_at.timestamp(), hold.expires_at, "{:?}", row);
            prop_assert_eq!(row.ended_at.is_some(), hold.end.is_some(), "{:?}", row);
        }
        prop_assert_eq!(self.holds.len(), count);
        Ok(())
    }
}

/// The name of a stored wallet.
fn name_of(case: &LifeCase, row: &wallets::Model) -> Option<Name> {
    if let Some(index) = case.wallets.iter().position(|id| *id == row.id) {
        return Some(Name::Customer(index));
    }
    let method = (0..METHODS).find(|method| row.method == Some(case.method(*method)))?;
    let currency = (0..2_u8).find(|index| currency(*index) == row.currency)?;
    Some(Name::System { method, currency })
}
