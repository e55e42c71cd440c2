//! One statement on SQLite, on a file that is open for reading only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::TryStreamExt;
use sea_orm::sqlx::sqlite::{SqliteConnection, SqliteRow};
use sea_orm::sqlx::{
    self, AssertSqlSafe, Column, Connection, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef,
};

use super::fault;
use crate::shell::answer::AnswerRoom;
use crate::shell::{SqlAnswer, SqlError, SqlLimits, SqlValue, too_slow};

/// Instructions of SQLite's virtual machine between two checks of the time: well below a millisecond.
const INSTRUCTIONS: i32 = 10_000;

const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const INTERRUPT: i32 = 9;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// When dropped, stops the thread that runs the statement.
struct StatementStop(Arc<AtomicBool>);

impl Drop for StatementStop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) async fn read(
    mut connection: SqliteConnection,
    statement: &str,
    limits: SqlLimits,
) -> Result<SqlAnswer, SqlError> {
    let stop = StatementStop(Arc::default());
    let (is_stopped, deadline) = (stop.0.clone(), Instant::now() + limits.time);
    {
        let mut handle = connection.lock_handle().await.map_err(fault)?;
        handle.set_progress_handler(INSTRUCTIONS, move || {
            !is_stopped.load(Ordering::Relaxed) && Instant::now() < deadline
        });
    }
    let answer = run(&mut connection, statement, limits).await;
    let answer = answer.map_err(|error| refusal(error, limits))?;
    // A connection with unread rows is dropped: it only reads, so nothing is lost when it is not closed in order.
    if answer.cut_by.is_none() {
        let _ = connection.close().await;
    }
    Ok(answer)
}

async fn run(connection: &mut SqliteConnection, statement: &str, limits: SqlLimits) -> Result<SqlAnswer, sqlx::Error> {
    let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let names = prepared.columns().iter().map(|column| column.name().to_owned());
    let mut answer = SqlAnswer {
        columns: names.collect(),
        ..SqlAnswer::default()
    };
    let mut room = AnswerRoom::new(limits);
    let mut rows = sqlx::raw_sql(AssertSqlSafe(statement)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        if let Err(limit) = room.take(lengths(&row)) {
            answer.cut_by = Some(limit);
            break;
        }
        answer.rows.push(values(&row)?);
    }
    Ok(answer)
}

/// The bytes of each value's text; 0 for null and for numbers.
fn lengths(row: &SqliteRow) -> impl Iterator<Item = usize> + '_ {
    let length = move |index: usize| {
        let raw = row.try_get_raw(index).ok().filter(|raw| !raw.is_null())?;
        let type_info = raw.type_info().into_owned();
        let bytes_of = || row.try_get_unchecked::<&[u8], _>(index).ok();
        match type_info.name() {
            "INTEGER" | "REAL" => None,
            "TEXT" => Some(bytes_of()?.len()),
            // Each byte is shown as two digits.
            _ => Some(2 * bytes_of()?.len()),
        }
    };
    (0..row.len()).map(move |index| length(index).unwrap_or_default())
}

fn values(row: &SqliteRow) -> Result<Vec<SqlValue>, sqlx::Error> {
    (0..row.len()).map(|index| value(row, index)).collect()
}

/// Each value has a type of its own, whatever its column is declared as.
fn value(row: &SqliteRow, index: usize) -> Result<SqlValue, sqlx::Error> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(SqlValue::Null);
    }
    let type_info = raw.type_info().into_owned();
    Ok(match type_info.name() {
        "INTEGER" => SqlValue::Integer(row.try_get_unchecked(index)?),
        "REAL" => SqlValue::Double(row.try_get_unchecked(index)?),
        "TEXT" => {
            // SQLite does not check that a text is UTF-8.
            let bytes: &[u8] = row.try_get_unchecked(index)?;
            SqlValue::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        _ => SqlValue::of_bytes(row.try_get_unchecked(index)?),
    })
}

fn refusal(error: sqlx::Error, limits: SqlLimits) -> SqlError {
    let found = error.as_database_error();
    let code = found.and_then(|error| error.code()?.parse::<i32>().ok());
    match (found, code.map(|code| code & 0xff)) {
        (Some(_), Some(INTERRUPT)) => too_slow(limits),
        (Some(_), Some(IOERR | CORRUPT | CANTOPEN | NOTADB)) => fault(error),
        (Some(found), _) => SqlError::Refused(found.message().to_owned()),
        (None, _) => fault(error),
    }
}
