//! Writes, moves and reads sums as rows.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult, Statement, Value};
use serde_json::json;

use super::sql::{COLUMNS, TotalsDialect};
use crate::aggregates::totals::{Key, PaymentKind, Source, Sum, Totals};
use crate::aggregates::{Day, DayRange};
use crate::db::{Fault, SqlDialect};
use crate::values::{Currency, Method, RecordId, Timestamp};

/// Where sums are kept in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Recent days, when there is no Redis.
    Hot,
    /// Older days.
    Cold,
    /// Everything that was imported, of any day: no answer counts it, but the hot totals can be rebuilt from it.
    Imported,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot_totals",
            Self::Cold => "cold_totals",
            Self::Imported => "imported_totals",
        }
    }
}

/// What the database's own tables hold of some days.
#[derive(Debug, Default)]
pub struct Daily {
    pub totals: Totals,
    /// Those of the given names, of generations and of a step, that are stored as archived.
    pub archived: BTreeSet<String>,
    /// The epoch that Redis has to be in; `None` when it was never used.
    pub epoch: Option<String>,
}

#[derive(FromQueryResult)]
struct TotalsLine {
    day: NaiveDate,
    source: i16,
    currency: String,
    kind: i16,
    method: String,
    units_high: i64,
    units_low: i64,
    count: i64,
}

impl TotalsLine {
    /// `None` for values that the bank does not write.
    fn sum(&self) -> Option<(Key, Sum)> {
        let key = Key {
            currency: Currency::from_code(&self.currency)?,
            day: self.day.into(),
            kind: PaymentKind::from_number(self.kind)?,
            method: Method::try_new(self.method.as_str())?,
            source: Source::from_number(self.source)?,
        };
        let count = self.count.try_into().ok()?;
        Some((key, Sum::of_parts(self.units_high, self.units_low, count)))
    }

    fn read(&self) -> Result<(Key, Sum), Fault> {
        self.sum()
            .ok_or_else(|| sea_orm::DbErr::Type(format!("a sum of {} by {:?}", self.day, self.method)).into())
    }
}

fn statement(db: &impl ConnectionTrait, sql: String, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}

fn dialect(db: &impl ConnectionTrait) -> TotalsDialect {
    TotalsDialect(SqlDialect::of(db))
}

async fn totals(
    db: &impl ConnectionTrait,
    sql: String,
    values: impl IntoIterator<Item = Value>,
) -> Result<Totals, Fault> {
    let lines = TotalsLine::find_by_statement(statement(db, sql, values));
    lines.all(db).await?.iter().map(TotalsLine::read).collect()
}

/// Adds sums to those of a table.
pub async fn add(tx: &DatabaseTransaction, table: Table, totals: &Totals) -> Result<(), Fault> {
    let lines: Vec<_> = totals
        .iter()
        .filter_map(|(key, sum)| {
            let (high, low) = sum.parts()?;
            Some(json!({
                "day": key.day.to_string(),
                "source": key.source.number(),
                "currency": key.currency,
                "kind": key.kind.number(),
                "method": key.method,
                "units_high": high,
                "units_low": low,
                "count": sum.count,
            }))
        })
        .collect();
    if lines.len() != totals.len() {
        return Err(sea_orm::DbErr::Type("a sum beyond its parts".to_owned()).into());
    }
    if !lines.is_empty() {
        let sql = dialect(tx).add(table.name());
        tx.execute_raw(statement(tx, sql, [json!(lines).to_string().into()]))
            .await?;
    }
    Ok(())
}

/// True when the hot table has sums of days before `first_hot`.
pub async fn has_cold(db: &impl ConnectionTrait, first_hot: Day) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM hot_totals WHERE day < $1 LIMIT 1";
    let found = db
        .query_one_raw(statement(db, sql.to_owned(), [first_hot.date().into()]))
        .await?;
    Ok(found.is_some())
}

/// Moves sums of days before `first_hot` from hot to cold, at most `limit`; answers how many.
pub async fn move_cold(tx: &DatabaseTransaction, first_hot: Day, limit: i64) -> Result<u64, Fault> {
    let mut moved = 0;
    for sql in dialect(tx).move_cold() {
        let statement = statement(tx, sql, [first_hot.date().into(), limit.into()]);
        moved = tx.execute_raw(statement).await?.rows_affected();
    }
    Ok(moved)
}

/// The hot and the cold table's sums of a currency's days, with the archived names and the epoch that are needed to add
/// Redis' sums.
pub async fn daily(
    db: &impl ConnectionTrait,
    days: DayRange,
    currency: Currency,
    generations: &[String],
) -> Result<Daily, Fault> {
    let values = [
        currency.into(),
        days.from().date().into(),
        days.to().date().into(),
        json!(generations).to_string().into(),
    ];
    let mut daily = Daily::default();
    for row in db.query_all_raw(statement(db, dialect(db).daily(), values)).await? {
        if let Some(name) = row.try_get::<Option<String>>("", "archived")? {
            daily.archived.insert(name);
        } else if let Some(epoch) = row.try_get::<Option<String>>("", "epoch")? {
            daily.epoch = Some(epoch);
        } else {
            let (key, sum) = TotalsLine::from_query_result(&row, "")?.read()?;
            daily.totals.add(key, sum);
        }
    }
    Ok(daily)
}

/// Stores names as archived: those of generations, and of the step that wrote them. Answers those that are new.
pub async fn archive(tx: &DatabaseTransaction, names: &[String], at: Timestamp) -> Result<BTreeSet<String>, Fault> {
    let statement = statement(tx, dialect(tx).archive(), [json!(names).to_string().into(), at.into()]);
    generations(tx, statement).await
}

async fn generations(db: &impl ConnectionTrait, statement: Statement) -> Result<BTreeSet<String>, Fault> {
    let rows = db.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get("", "generation")?)).collect()
}

/// Every generation and every step that is stored as archived.
pub async fn archived(db: &impl ConnectionTrait) -> Result<BTreeSet<String>, Fault> {
    let sql = "SELECT generation FROM archived_generations";
    generations(db, statement(db, sql.to_owned(), [])).await
}

/// False where the archiver's step of this name is not stored: the database went back. True where Redis names no step.
pub async fn has_step(db: &impl ConnectionTrait, step: Option<&str>) -> Result<bool, Fault> {
    let Some(step) = step else { return Ok(true) };
    let sql = "SELECT generation FROM archived_generations WHERE generation = $1";
    let found = db.query_one_raw(statement(db, sql.to_owned(), [step.into()]));
    Ok(found.await?.is_some())
}

/// Deletes the names of generations and steps that were archived before a time, except one.
pub async fn purge_archived(db: &impl ConnectionTrait, before: Timestamp, but_for: Option<&str>) -> Result<(), Fault> {
    let sql = "DELETE FROM archived_generations WHERE archived_at < $1 AND generation <> $2";
    let values = [before.into(), but_for.unwrap_or_default().into()];
    db.execute_raw(statement(db, sql.to_owned(), values)).await?;
    Ok(())
}

/// The bank's own deposits and withdrawals in its books, up to and including an id.
pub async fn ledger_totals(tx: &DatabaseTransaction, through: RecordId) -> Result<Totals, Fault> {
    totals(tx, dialect(tx).ledger(), [through.into()]).await
}

/// The bank's own deposits and withdrawals after an id, from the table of transfers.
pub async fn payments_after(tx: &DatabaseTransaction, after: RecordId) -> Result<Totals, Fault> {
    totals(tx, dialect(tx).payments_after(), [after.into()]).await
}

/// Deletes the bank's own payments from the hot and the cold totals.
pub async fn delete_bank_totals(tx: &DatabaseTransaction) -> Result<(), Fault> {
    for table in [Table::Hot, Table::Cold] {
        let sql = format!("DELETE FROM {} WHERE source = $1", table.name());
        let own = Source::Bank.number().into();
        tx.execute_raw(statement(tx, sql, [own])).await?;
    }
    Ok(())
}

/// Everything that was imported.
pub async fn imported_totals(tx: &DatabaseTransaction) -> Result<Totals, Fault> {
    table_totals(tx, Table::Imported).await
}

/// The sums of the hot and the cold table.
pub async fn stored_totals(tx: &DatabaseTransaction) -> Result<Totals, Fault> {
    let mut all = table_totals(tx, Table::Hot).await?;
    all.add_all(table_totals(tx, Table::Cold).await?);
    Ok(all)
}

async fn table_totals(tx: &DatabaseTransaction, table: Table) -> Result<Totals, Fault> {
    totals(tx, format!("SELECT {COLUMNS} FROM {}", table.name()), []).await
}
