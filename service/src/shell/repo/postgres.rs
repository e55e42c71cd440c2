//! One statement on PostgreSQL, in a transaction that only reads.

use futures_util::TryStreamExt;
use sea_orm::sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition, PgRow};
use sea_orm::sqlx::{
    self, AssertSqlSafe, Column, Connection, Executor, Row, SqlSafeStr, Statement, TypeInfo, ValueRef,
};

use super::fault;
use crate::shell::answer::AnswerRoom;
use crate::shell::{SqlAnswer, SqlError, SqlLimits, SqlValue, too_slow};

/// Stopped by `statement_timeout`, or by another session.
const QUERY_CANCELED: &str = "57014";
/// The server or the connection, not the statement: connection lost, too many connections, shutdown, I/O.
const OF_SERVER: [&str; 4] = ["08", "53", "57P", "58"];

pub(super) async fn read(
    mut connection: PgConnection,
    statement: &str,
    limits: SqlLimits,
) -> Result<SqlAnswer, SqlError> {
    begin(&mut connection, limits).await.map_err(fault)?;
    let answer = run(&mut connection, statement, limits).await;
    let answer = answer.map_err(|error| refusal(error, statement, limits))?;
    // A connection with unread rows is dropped. Closing it in order would read all of them.
    if answer.cut_by.is_none() {
        // A rollback keeps the session's own locks, which other connections may wait for. A connection that is gone has
        // ended its transaction and its locks too.
        let _ = connection.execute("ROLLBACK; SELECT pg_advisory_unlock_all()").await;
        let _ = connection.close().await;
    }
    Ok(answer)
}

/// A transaction may become READ WRITE until its first snapshot is taken, so that is taken here.
async fn begin(connection: &mut PgConnection, limits: SqlLimits) -> Result<(), sqlx::Error> {
    let statements = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = {}; SELECT 1",
        limits.time.as_millis()
    );
    connection.execute(AssertSqlSafe(statements)).await?;
    Ok(())
}

/// PostgreSQL refuses to prepare more than one statement, so a text that it has prepared is one. The statement is then sent
/// again in the simple protocol, in which the values of every type come back as text.
async fn run(connection: &mut PgConnection, statement: &str, limits: SqlLimits) -> Result<SqlAnswer, sqlx::Error> {
    let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await?;
    let (mut types, mut answer) = (Vec::new(), SqlAnswer::default());
    for column in prepared.columns() {
        answer.columns.push(column.name().to_owned());
        types.push(column.type_info().name().to_owned());
    }
    let mut room = AnswerRoom::new(limits);
    let mut rows = sqlx::raw_sql(AssertSqlSafe(statement)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        if let Err(limit) = room.take(lengths(&row)) {
            answer.cut_by = Some(limit);
            break;
        }
        answer.rows.push(values(&row, &types)?);
    }
    Ok(answer)
}

/// The bytes of each value's text; 0 for null.
fn lengths(row: &PgRow) -> impl Iterator<Item = usize> + '_ {
    let bytes = move |index: usize| row.try_get_raw(index).ok()?.as_bytes().ok();
    (0..row.len()).map(move |index| bytes(index).map_or(0, <[u8]>::len))
}

fn values(row: &PgRow, types: &[String]) -> Result<Vec<SqlValue>, sqlx::Error> {
    let types = types.iter().enumerate();
    types.map(|(index, type_name)| value(row, index, type_name)).collect()
}

fn value(row: &PgRow, index: usize, type_name: &str) -> Result<SqlValue, sqlx::Error> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(SqlValue::Null);
    }
    let text = raw.as_str().map_err(sqlx::Error::Decode)?;
    Ok(SqlValue::of_postgres(type_name, text))
}

fn refusal(error: sqlx::Error, statement: &str, limits: SqlLimits) -> SqlError {
    let found = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    match found {
        Some(found) if found.code() == QUERY_CANCELED => too_slow(limits),
        Some(found) if !OF_SERVER.iter().any(|class| found.code().starts_with(class)) => {
            SqlError::Refused(sentence(found, statement))
        }
        _ => fault(error),
    }
}

/// The message with its place, its detail and its hint.
fn sentence(error: &PgDatabaseError, statement: &str) -> String {
    let mut text = error.message().to_owned();
    if let Some(PgErrorPosition::Original(position)) = error.position() {
        text.push_str(&place(statement, position));
    }
    for further in [error.detail(), error.hint()].into_iter().flatten() {
        text.push_str("; ");
        text.push_str(further.trim_end_matches('.'));
    }
    text
}

/// The line and the column of a character, counted from 1.
fn place(statement: &str, position: usize) -> String {
    let before: String = statement.chars().take(position.saturating_sub(1)).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(" (line {line}, column {column})")
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_are_counted_from_one() {
        assert_eq!(place("one two", 1), " (line 1, column 1)");
        assert_eq!(place("é\ntwo", 4), " (line 2, column 2)");
    }
}
