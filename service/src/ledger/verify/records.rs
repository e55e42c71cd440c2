//! The records that have leaves in the journal, in the order of their ids: the rows of each table are read a page at a
//! time, and merged.

use std::collections::VecDeque;

use entity::{changes, journal, transfers};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Iterable, QueryResult, Statement};

use super::books::count;
use super::entry_proof::{DemandedEntries, MovedMoney};
use super::{id_bytes, id_value};
use crate::db::{Fault, SqlDialect};
use crate::journal::{Salt, digest_of_texts};
use crate::ledger::group_commit::{leaf_of_change, leaf_of_transfer};
use crate::ledger::repo::{change_of, columns_of, times_are_finite, transfer_in};
use crate::ledger::types::{TextsSeal, Transfer};
use crate::values::Sha256Digest;

/// Rows of a table that are read at once, and kept in memory.
const PAGE: i64 = 2_000;

/// The tables whose rows have leaves. Their ids are of one sequence, and their leaves are in the order of the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeafTable {
    Transfers,
    Changes,
}

impl LeafTable {
    pub const ALL: [Self; 2] = [Self::Transfers, Self::Changes];

    /// What its rows are called, which is the table's name too.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Transfers => "transfers",
            Self::Changes => "changes",
        }
    }

    pub fn singular(self) -> &'static str {
        match self {
            Self::Transfers => "transfer",
            Self::Changes => "change",
        }
    }

    /// How many rows of this table a row of the journal counts.
    pub fn counted_by(self, commit: &journal::Model) -> i64 {
        match self {
            Self::Transfers => commit.transfers.into(),
            Self::Changes => commit.changes.into(),
        }
    }

    /// The leaf of a row. The error says what is wrong with a row that this program cannot have written. A transfer's
    /// entries are demanded in passing.
    fn leaf(
        self,
        row: &QueryResult,
        salt: &Salt,
        demanded: &mut DemandedEntries,
    ) -> Result<Sha256Digest, &'static str> {
        match self {
            Self::Transfers => {
                let transfer = read_transfer(row);
                demanded.add(transfer.as_ref().map(moved_by));
                let transfer = transfer.ok_or(UNREADABLE)?;
                if !has_its_texts(&transfer) {
                    return Err("has other texts than those of its digest");
                }
                Ok(leaf_of_transfer(&transfer, salt))
            }
            Self::Changes => {
                let model = changes::Model::from_query_result(row, "").map_err(|_| UNREADABLE)?;
                let change = change_of(model).map_err(|_| UNREADABLE)?;
                Ok(leaf_of_change(&change, salt))
            }
        }
    }

    /// The columns to read. Transfers are read with whether their times are finite.
    fn columns(self, backend: DbBackend) -> String {
        match self {
            Self::Transfers => {
                let is_finite = times_are_finite(SqlDialect::new(backend));
                format!("{}, {is_finite} AS is_finite", columns_of::<transfers::Column>())
            }
            Self::Changes => columns_of::<changes::Column>(),
        }
    }

    /// How many rows have an id above this one; without an id, how many rows there are.
    pub async fn count_above(self, tx: &DatabaseTransaction, id: Option<&[u8]>) -> Result<u64, Fault> {
        let table = self.plural();
        match id {
            None => count(tx, &format!("SELECT count(*) AS n FROM {table}"), []).await,
            Some(id) => {
                let above = format!("SELECT count(*) AS n FROM {table} WHERE id > $1");
                count(tx, &above, [id_value(tx.get_database_backend(), id)]).await
            }
        }
    }
}

const UNREADABLE: &str = "cannot be read as one";

fn read_transfer(row: &QueryResult) -> Option<Transfer> {
    let is_finite: bool = row.try_get_by(transfers::Column::iter().len()).ok()?;
    is_finite.then(|| transfer_in(row))?.ok()
}

fn moved_by(transfer: &Transfer) -> MovedMoney {
    MovedMoney {
        id: transfer.id,
        status: transfer.status,
        kind: transfer.kind,
        source: transfer.source,
        destination: transfer.destination,
        amount: transfer.amount,
        currency: transfer.currency,
    }
}

/// True if the texts match their digest, if they were erased together with their salt, or if there never were any.
fn has_its_texts(transfer: &Transfer) -> bool {
    let (description, metadata) = (transfer.description.as_deref(), transfer.metadata.as_deref());
    match transfer.texts {
        Some(TextsSeal {
            digest,
            salt: Some(salt),
        }) => digest_of_texts(salt, description, metadata) == digest,
        Some(TextsSeal { salt: None, .. }) | None => description.is_none() && metadata.is_none(),
    }
}

/// A row that has a leaf in the journal.
pub(super) struct LeafRecord {
    pub table: LeafTable,
    pub id: Vec<u8>,
    /// The error says what is wrong with the row.
    pub leaf: Result<Sha256Digest, &'static str>,
}

/// All records after an id, in the order of ids. Keeps a page of each table in memory.
pub(super) struct LeafRecords<'a> {
    tx: &'a DatabaseTransaction,
    salt: Salt,
    pages: Vec<LeafPages>,
    /// The entries of the transfers that were read so far.
    pub demanded: DemandedEntries,
}

impl<'a> LeafRecords<'a> {
    pub fn after(tx: &'a DatabaseTransaction, salt: Salt, id: Option<Vec<u8>>, demanded: DemandedEntries) -> Self {
        let pages = LeafTable::ALL.map(|table| LeafPages {
            table,
            after: id.clone(),
            waiting: VecDeque::new(),
            is_at_end: false,
        });
        Self {
            tx,
            salt,
            pages: pages.into(),
            demanded,
        }
    }

    /// The id after which the records begin; asked before the first is read.
    pub fn begins_after(&self) -> Option<Vec<u8>> {
        self.pages.first().and_then(|pages| pages.after.clone())
    }

    /// The next record, if its id is not above `last`.
    pub async fn next_through(&mut self, last: &[u8]) -> Result<Option<LeafRecord>, Fault> {
        for pages in &mut self.pages {
            pages.fill(self.tx, &self.salt, &mut self.demanded).await?;
        }
        let next = self.pages.iter_mut().filter(|pages| !pages.waiting.is_empty());
        let next = next.min_by(|one, other| one.next_id().cmp(&other.next_id()));
        let next = next.filter(|pages| pages.next_id().is_some_and(|id| id <= last));
        Ok(next.and_then(|pages| pages.waiting.pop_front()))
    }
}

/// The rows of one table, a page at a time.
struct LeafPages {
    table: LeafTable,
    /// The greatest id that was read.
    after: Option<Vec<u8>>,
    waiting: VecDeque<LeafRecord>,
    is_at_end: bool,
}

impl LeafPages {
    fn next_id(&self) -> Option<&[u8]> {
        self.waiting.front().map(|record| record.id.as_slice())
    }

    async fn fill(
        &mut self,
        tx: &DatabaseTransaction,
        salt: &Salt,
        demanded: &mut DemandedEntries,
    ) -> Result<(), Fault> {
        if self.is_at_end || !self.waiting.is_empty() {
            return Ok(());
        }
        let rows = tx.query_all_raw(self.next_page(tx.get_database_backend())).await?;
        self.is_at_end = (rows.len() as i64) < PAGE;
        for row in rows {
            self.waiting.push_back(LeafRecord {
                table: self.table,
                id: id_bytes(&row, "id")?,
                leaf: self.table.leaf(&row, salt, demanded),
            });
        }
        if let Some(last) = self.waiting.back() {
            self.after = Some(last.id.clone());
        }
        Ok(())
    }

    fn next_page(&self, backend: DbBackend) -> Statement {
        let (table, columns) = (self.table.plural(), self.table.columns(backend));
        match &self.after {
            None => {
                let sql = format!("SELECT {columns} FROM {table} ORDER BY id LIMIT $1");
                Statement::from_sql_and_values(backend, sql, [PAGE.into()])
            }
            Some(after) => {
                let sql = format!("SELECT {columns} FROM {table} WHERE id > $1 ORDER BY id LIMIT $2");
                Statement::from_sql_and_values(backend, sql, [id_value(backend, after), PAGE.into()])
            }
        }
    }
}
