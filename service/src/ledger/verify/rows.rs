//! The rows of the journal by number, as they are stored, damaged or not. They are read a page at a time.

use std::collections::VecDeque;

use entity::journal;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, QueryResult, Statement};

use super::{RowDigest, id_bytes};
use crate::db::{Fault, SqlDialect};
use crate::ledger::repo::columns_of;
use crate::values::Sha256Digest;

/// Rows that are read at once, and kept in memory.
const PAGE: i64 = 2_000;

/// A row of the journal as it is stored, damaged or not.
pub(super) struct StoredRow {
    pub number: i64,
    pub last_id: Option<Vec<u8>>,
    pub digest: Option<Sha256Digest>,
    /// `None` if the row cannot be read as a row of the journal.
    pub model: Option<journal::Model>,
}

impl StoredRow {
    fn of(row: &QueryResult) -> Result<Self, Fault> {
        let is_finite: bool = row.try_get("", "is_finite").unwrap_or_default();
        let model = is_finite.then(|| journal::Model::from_query_result(row, "").ok());
        Ok(Self {
            number: row.try_get("", "number")?,
            last_id: id_bytes(row, "last_id").ok(),
            digest: row.try_get("", "digest").ok(),
            model: model.flatten(),
        })
    }

    /// The newest row with a number up to `through`.
    pub async fn newest(tx: &DatabaseTransaction, through: i64) -> Result<Option<Self>, Fault> {
        let backend = tx.get_database_backend();
        let columns = columns(backend);
        let sql = format!("SELECT {columns} FROM journal WHERE number <= $1 ORDER BY number DESC LIMIT $2");
        let query = Statement::from_sql_and_values(backend, sql, [through.into(), 1_i64.into()]);
        tx.query_one_raw(query).await?.as_ref().map(Self::of).transpose()
    }

    pub fn row_digest(&self) -> RowDigest {
        RowDigest {
            number: self.number,
            digest: self.digest,
        }
    }
}

/// The columns to read, with whether the time is finite.
fn columns(backend: DbBackend) -> String {
    let is_finite = SqlDialect::new(backend).is_finite("at");
    format!("{}, {is_finite} AS is_finite", columns_of::<journal::Column>())
}

/// Rows of the journal by number, a page at a time.
pub(super) struct JournalPages {
    after: i64,
    waiting: VecDeque<StoredRow>,
    is_at_end: bool,
}

impl JournalPages {
    pub fn after(number: i64) -> Self {
        Self {
            after: number,
            waiting: VecDeque::new(),
            is_at_end: false,
        }
    }

    pub async fn next(&mut self, tx: &DatabaseTransaction) -> Result<Option<StoredRow>, Fault> {
        if self.waiting.is_empty() && !self.is_at_end {
            let backend = tx.get_database_backend();
            let columns = columns(backend);
            let sql = format!("SELECT {columns} FROM journal WHERE number > $1 ORDER BY number LIMIT $2");
            let query = Statement::from_sql_and_values(backend, sql, [self.after.into(), PAGE.into()]);
            let rows = tx.query_all_raw(query).await?;
            self.is_at_end = (rows.len() as i64) < PAGE;
            self.waiting = rows.iter().map(StoredRow::of).collect::<Result<_, _>>()?;
        }
        let next = self.waiting.pop_front();
        self.after = next.as_ref().map_or(self.after, |next| next.number);
        Ok(next)
    }
}
