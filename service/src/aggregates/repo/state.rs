//! How far the pipeline is: the one row of state, and the bank's numbered batches.

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement, Value};

use super::sql::Dialect;
use crate::aggregates::Day;
use crate::aggregates::message::{decode_totals, encode_totals};
use crate::aggregates::totals::Totals;
use crate::db::Fault;
use crate::values::Timestamp;

/// How far the pipeline is.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct State {
    /// The name of this bank in a Redis that it may share.
    pub bank: String,
    /// The number of the last batch that was made.
    pub batch: i64,
    /// The number of the last batch that is known to be in the hot store.
    pub confirmed: i64,
    /// The virtual clock, to the day.
    pub newest_day: Option<NaiveDate>,
    /// The epoch that Redis has to be in; `None` when it was never used.
    pub epoch: Option<String>,
    /// The newest version of the hot store that the database rests on.
    pub version: i64,
    /// How often the hot totals in Redis were made anew, and when last.
    pub rebuilds: i64,
    pub rebuilt_at: Option<Timestamp>,
}

/// Whether the state took a new version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Changed,
    /// Another epoch has begun; nothing that rests on the old one may stay.
    Stale,
}

fn statement(db: &impl ConnectionTrait, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

/// The state as it is.
pub async fn state(db: &impl ConnectionTrait) -> Result<State, Fault> {
    read(db, "SELECT * FROM aggregates_state WHERE id = 1").await
}

/// The state, which nobody else writes before this transaction ends.
pub async fn lock_state(tx: &DatabaseTransaction) -> Result<State, Fault> {
    read(tx, &Dialect(tx.get_database_backend()).lock_state()).await
}

async fn read(db: &impl ConnectionTrait, sql: &str) -> Result<State, Fault> {
    let found = State::find_by_statement(statement(db, sql, [])).one(db).await?;
    found.ok_or_else(|| sea_orm::DbErr::RecordNotFound("the row of aggregates_state".to_owned()).into())
}

/// Notes that what this transaction writes rests on a version of the hot store in an epoch.
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

/// Notes that nothing is closed in the hot store any more that was closed up to a version of it.
pub async fn note_purged(tx: &DatabaseTransaction, version: i64) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET purged_version = $1 WHERE id = 1 AND purged_version < $1";
    tx.execute_raw(statement(tx, sql, [version.into()])).await?;
    Ok(())
}

/// The version up to which everything that was closed is archived and gone.
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

/// Begins an epoch: the database rests on nothing of it yet, and every batch made so far counts as in it.
pub async fn begin_epoch(tx: &DatabaseTransaction, epoch: &str, rebuilt_at: Option<Timestamp>) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET epoch = $1, version = 0, purged_version = 0, confirmed = batch \
               WHERE id = 1";
    tx.execute_raw(statement(tx, sql, [epoch.into()])).await?;
    if let Some(at) = rebuilt_at {
        let sql = "UPDATE aggregates_state SET rebuilds = rebuilds + 1, rebuilt_at = $1 WHERE id = 1";
        tx.execute_raw(statement(tx, sql, [at.into()])).await?;
    }
    Ok(())
}

/// True when there are deposits or withdrawals that no batch holds yet.
pub async fn has_outbox(db: &impl ConnectionTrait) -> Result<bool, Fault> {
    let found = db.query_one_raw(statement(db, "SELECT 1 FROM outbox LIMIT 1", []));
    Ok(found.await?.is_some())
}

/// How many of them there are.
pub async fn outbox_len(db: &impl ConnectionTrait) -> Result<u64, Fault> {
    let row = db
        .query_one_raw(statement(db, "SELECT count(*) AS n FROM outbox", []))
        .await?;
    let number: i64 = row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or_default();
    Ok(number.unsigned_abs())
}

/// Stores the next batch. The state must be locked: numbers are given in the order of commits.
pub async fn next_batch(tx: &DatabaseTransaction, totals: &Totals, at: Timestamp) -> Result<(), Fault> {
    let sql = "INSERT INTO aggregates_batches (number, totals, made_at) \
               SELECT batch + 1, $1, $2 FROM aggregates_state WHERE id = 1";
    tx.execute_raw(statement(tx, sql, [encode_totals(totals).into(), at.into()]))
        .await?;
    let sql = "UPDATE aggregates_state SET batch = batch + 1 WHERE id = 1";
    tx.execute_raw(statement(tx, sql, [])).await?;
    Ok(())
}

/// Batches beyond a number, in order, at most `limit`.
pub async fn batches_after(db: &impl ConnectionTrait, number: i64, limit: i64) -> Result<Vec<(u64, Totals)>, Fault> {
    let sql = "SELECT number, totals FROM aggregates_batches WHERE number > $1 ORDER BY number LIMIT $2";
    let rows = db
        .query_all_raw(statement(db, sql, [number.into(), limit.into()]))
        .await?;
    rows.iter()
        .map(|row| {
            let (number, text): (i64, String) = (row.try_get("", "number")?, row.try_get("", "totals")?);
            let totals =
                decode_totals(&text).ok_or_else(|| sea_orm::DbErr::Type(format!("the totals of batch {number}")))?;
            Ok((number.unsigned_abs(), totals))
        })
        .collect()
}

/// Notes that the batches up to a number are in the hot store.
pub async fn confirm(tx: &DatabaseTransaction, number: i64) -> Result<(), Fault> {
    let sql = "UPDATE aggregates_state SET confirmed = $1 WHERE id = 1 AND confirmed < $1";
    tx.execute_raw(statement(tx, sql, [number.into()])).await?;
    Ok(())
}

/// Removes confirmed batches that were made before a time.
pub async fn delete_batches(tx: &DatabaseTransaction, before: Timestamp) -> Result<(), Fault> {
    let sql = "DELETE FROM aggregates_batches WHERE made_at < $1 \
               AND number <= (SELECT confirmed FROM aggregates_state WHERE id = 1)";
    tx.execute_raw(statement(tx, sql, [before.into()])).await?;
    Ok(())
}
