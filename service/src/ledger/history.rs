//! A wallet's history by time: its balance at a moment, and its entries of a range. A time is a bound of ids, since ids
//! sort as their times do, so each answer is a look-up or a range of the primary key of `entries`.

use std::sync::LazyLock;

use entity::{entries, journal};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Statement};
use uuid::Uuid;

use super::entries::{WalletEntry, other_side};
use crate::clock::id_floor;
use crate::db::{Db, Fault};
use crate::values::{Money, Timestamp, TransferId, TransferKind, Version, WalletId};

/// A wallet's balance at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BalanceAt {
    /// The balance after the newest entry until then; zero before the first.
    pub balance: Money,
    /// The version after that entry; 0 before the first.
    pub version: Version,
}

/// A part of a wallet's history, as bounds that are both outside of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryRange {
    /// Whose entries.
    pub wallet: WalletId,
    /// The entries of later transfers than this one.
    pub after: TransferId,
    /// The entries of earlier transfers than this one.
    pub before: TransferId,
}

/// The most entries that are read at once.
pub(crate) const ENTRIES_AT_ONCE: usize = 1_000;

impl BalanceAt {
    /// The balance after one more entry; `None` unless that is what the entry says, which means a gap before it.
    pub(crate) fn after(self, entry: &WalletEntry) -> Option<Self> {
        let next = Self {
            balance: self.balance.checked_add(entry.amount)?,
            version: self.version.next(),
        };
        let stated = Self {
            balance: entry.balance_after,
            version: entry.version,
        };
        (next == stated).then_some(next)
    }
}

impl EntryRange {
    /// The entries from one time on and before another one.
    pub(crate) fn of(wallet: WalletId, from: Timestamp, to: Timestamp) -> Self {
        // One below the smallest id of `from`. That one is above zero, since it says its version.
        let after = Uuid::from_u128(id_floor(from).as_u128() - 1);
        Self {
            wallet,
            after: TransferId(after),
            before: TransferId(id_floor(to)),
        }
    }
}

/// A wallet's balance just before a time.
pub(crate) async fn balance_before(db: &Db, wallet: WalletId, time: Timestamp) -> Result<BalanceAt, Fault> {
    let newest: Option<(Money, Version)> = entries::Entity::find()
        .select_only()
        .columns([entries::Column::BalanceAfter, entries::Column::Version])
        .filter(entries::Column::WalletId.eq(wallet))
        .filter(entries::Column::TransferId.lt(TransferId(id_floor(time))))
        .order_by_desc(entries::Column::TransferId)
        .into_tuple()
        .one(&db.read)
        .await?;
    Ok(newest.map_or_else(BalanceAt::default, |(balance, version)| BalanceAt { balance, version }))
}

/// The newest row of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalHead {
    /// Its number: how many commits there were since the ledger's birth.
    pub number: i64,
    /// The bank's time of the commit.
    pub at: Timestamp,
}

/// The journal's head, as the database has it now.
pub(crate) async fn journal_head(db: &Db) -> Result<JournalHead, Fault> {
    let newest: Option<(i64, Timestamp)> = journal::Entity::find()
        .select_only()
        .columns([journal::Column::Number, journal::Column::At])
        .order_by_desc(journal::Column::Number)
        .into_tuple()
        .one(&db.read)
        .await?;
    let (number, at) = newest.ok_or_else(|| DbErr::RecordNotFound("the journal has no row".to_owned()))?;
    Ok(JournalHead { number, at })
}

/// The time of the journal's head. What was until then does not change any more: all later records have later times.
pub(crate) async fn head_time(db: &Db) -> Result<Timestamp, Fault> {
    let newest: Option<Timestamp> = journal::Entity::find()
        .select_only()
        .column(journal::Column::At)
        .order_by_desc(journal::Column::Number)
        .into_tuple()
        .one(&db.read)
        .await?;
    newest.ok_or_else(|| DbErr::RecordNotFound("the journal has no row".to_owned()).into())
}

/// The first entries of a range, oldest first, at most `ENTRIES_AT_ONCE`.
pub(crate) async fn entries_in(db: &Db, range: EntryRange) -> Result<Vec<WalletEntry>, Fault> {
    let bounds = [range.wallet.into(), range.after.into(), range.before.into()];
    let statement = Statement::from_sql_and_values(db.read.get_database_backend(), SOME_ENTRIES.as_str(), bounds);
    let rows = EntryRow::find_by_statement(statement).all(&db.read).await?;
    Ok(rows.into_iter().map(|row| row.of_wallet(range.wallet)).collect())
}

/// The entries are bounded before they are joined, so that no plan reads more transfers than it answers with. An entry
/// without its transfer is left out here; the next one then shows a gap.
static SOME_ENTRIES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT e.transfer_id, e.version, e.amount, e.balance_after, \
         t.kind, t.source_wallet_id, t.destination_wallet_id, t.description, t.created_at \
         FROM (SELECT transfer_id, version, amount, balance_after FROM entries \
         WHERE wallet_id = $1 AND transfer_id > $2 AND transfer_id < $3 ORDER BY transfer_id LIMIT {ENTRIES_AT_ONCE}) e \
         JOIN transfers t ON t.id = e.transfer_id ORDER BY e.transfer_id"
    )
});

#[derive(FromQueryResult)]
struct EntryRow {
    transfer_id: TransferId,
    version: Version,
    amount: Money,
    balance_after: Money,
    kind: TransferKind,
    source_wallet_id: WalletId,
    destination_wallet_id: WalletId,
    description: Option<String>,
    created_at: Timestamp,
}

impl EntryRow {
    fn of_wallet(self, wallet: WalletId) -> WalletEntry {
        WalletEntry {
            transfer: self.transfer_id,
            kind: self.kind,
            amount: self.amount,
            balance_after: self.balance_after,
            version: self.version,
            counterparty: other_side(wallet, [self.source_wallet_id, self.destination_wallet_id]),
            description: self.description,
            created_at: self.created_at,
        }
    }
}
