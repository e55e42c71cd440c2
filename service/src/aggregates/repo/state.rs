//! The state of the pipeline, in one row.

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement, Value};

use super::sql::{READ_STATE, TotalsDialect};
use crate::aggregates::Day;
use crate::db::{Fault, SqlDialect};
use crate::feed::Mark;
use crate::values::{Sha256Digest, Timestamp};

/// The state of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct AggregatesState {
    /// The name of this bank in a Redis that it may share.
    pub bank: String,
    /// The last row of the journal whose payments are in the totals, or, with Redis, are known to be. `None` while no
    /// row is known to be counted.
    mark_number: Option<i64>,
    mark_digest: Option<Sha256Digest>,
    /// The virtual clock, to the day.
    pub newest_day: Option<NaiveDate>,
    /// The epoch that Redis has to be in; `None` when it was never used.
    pub epoch: Option<String>,
    /// The newest version of the hot store that the database rests on.
    pub version: i64,
    /// How often the totals were rebuilt, and when last.
    pub rebuilds: i64,
    pub rebuilt_at: Option<Timestamp>,
}

impl AggregatesState {
    /// How far the journal is counted; `None` while no row is known to be counted.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        let (number, digest) = self.mark_number.zip(self.mark_digest)?;
        Some(Mark { number, digest })
    }

    /// Whether the journal is counted up to this mark. Without a mark the count stands at the journal's first row.
    #[must_use]
    pub fn stands_at(&self, mark: Mark) -> bool {
        self.mark().map_or(mark.number == 0, |own| own == mark)
    }
}

/// Whether the state took a new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Changed,
    /// Another epoch has begun; nothing that rests on the old one may be committed.
    Stale,
}

fn statement(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// The state as it is.
pub async fn state(db: &impl ConnectionTrait) -> Result<AggregatesState, Fault> {
    read(db, READ_STATE).await
}

/// The state, locked against other writers until this transaction ends.
pub async fn lock_state(tx: &DatabaseTransaction) -> Result<AggregatesState, Fault> {
    read(tx, &TotalsDialect(SqlDialect::of(tx)).lock_state()).await
}

async fn read(db: &impl ConnectionTrait, sql: &str) -> Result<AggregatesState, Fault> {
    let found = AggregatesState::find_by_statement(statement(db, sql, []))
        .one(db)
        .await?;
    found.ok_or_else(|| sea_orm::DbErr::RecordNotFound("the row of aggregates_state".to_owned()).into())
}

/// Records that what this transaction writes rests on a version of the hot store in an epoch.
pub async fn record(tx: &DatabaseTransaction, epoch: &str, version: i64) -> Result<Recorded, Fault> {
    let sql = "UPDATE aggregates_state SET version = CASE WHEN version < $2 THEN $2 ELSE version END \
               WHERE id = 1 AND epoch = $1";
    let done = tx
        .execute_raw(statement(tx, sql, [epoch.into(), version.into()]))
        .await?;
    Ok(if done.rows_affected() == 1 {
        Recorded::Changed
    } else {
        Recorded::Stale
    })
}

/// Records that every generation that was sealed up to a version of the hot store is archived and removed from it.
pub async fn note_purged(tx: &DatabaseTransaction, version: i64) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET purged_version = $1 WHERE id = 1 AND purged_version < $1";
    tx.execute_raw(statement(tx, sql, [version.into()])).await?;
    Ok(())
}

/// The version of the hot store up to which every sealed generation is archived and removed.
pub async fn purged_version(tx: &DatabaseTransaction) -> Result<i64, Fault> {
    let sql = "SELECT purged_version FROM aggregates_state WHERE id = 1";
    let row = tx.query_one_raw(statement(tx, sql, [])).await?;
    Ok(row
        .map(|row| row.try_get("", "purged_version"))
        .transpose()?
        .unwrap_or_default())
}

/// Moves the virtual clock forward.
pub async fn advance_newest(tx: &DatabaseTransaction, day: Day) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET newest_day = $1 WHERE id = 1 AND (newest_day IS NULL OR newest_day < $1)";
    tx.execute_raw(statement(tx, sql, [day.date().into()])).await?;
    Ok(())
}

/// Moves the mark.
pub async fn set_mark(tx: &DatabaseTransaction, mark: Mark) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET mark_number = $1, mark_digest = $2 WHERE id = 1";
    let values = [mark.number.into(), mark.digest.into()];
    tx.execute_raw(statement(tx, sql, values)).await?;
    Ok(())
}

/// Records a new epoch, without a version and without a mark.
pub async fn record_epoch(tx: &DatabaseTransaction, epoch: &str) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET epoch = $1, version = 0, purged_version = 0, mark_number = NULL, \
               mark_digest = NULL WHERE id = 1";
    tx.execute_raw(statement(tx, sql, [epoch.into()])).await?;
    Ok(())
}

/// Records that the totals were rebuilt.
pub async fn note_rebuilt(tx: &DatabaseTransaction, at: Timestamp) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET rebuilds = rebuilds + 1, rebuilt_at = $1 WHERE id = 1";
    tx.execute_raw(statement(tx, sql, [at.into()])).await?;
    Ok(())
}
