//! The SQL of a checkpoint: one statement moves it, through sea-orm and through each driver.

use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::{ConnectionTrait, Statement, sqlx};

use super::rejects::{self, INSERT_ON_POSTGRES, INSERT_ON_SQLITE};
use super::{ImportUpdate, reasons_text, signed, updated};
use crate::db::Fault;
use crate::imports::checkpoint::{AppliedRows, Checkpoint, CheckpointTx};

// Compare and set: the first importer to apply a block moves the checkpoint, the others find it moved. Both drivers
// take `$n`.
const ADVANCE: &str = "
UPDATE imports SET checkpoint = $3, block = block + 1, rows_read = rows_read + $4, rows_inserted = rows_inserted + $5,
    rows_duplicate = rows_duplicate + $6, rows_skipped = rows_skipped + $7, amounts_coerced = amounts_coerced + $8,
    skip_reasons = $9
WHERE id = $1 AND checkpoint = $2 AND status = 'RUNNING'";

/// Moves an import's checkpoint behind a block, adds its counts and keeps its rejected lines, if it still stands at the
/// block's beginning.
pub async fn advance(tx: CheckpointTx<'_>, checkpoint: &Checkpoint, rows: AppliedRows) -> Result<ImportUpdate, Fault> {
    let numbers = numbers(checkpoint, rows);
    let reasons = reasons_text(&checkpoint.skip_reasons);
    macro_rules! execute {
        ($tx:expr, $insert:expr) => {{
            let mut query = sqlx::query(ADVANCE).bind(checkpoint.import.0);
            for number in numbers {
                query = query.bind(number);
            }
            let affected = query.bind(reasons).execute(&mut *$tx).await?.rows_affected();
            if affected == 1
                && let Some(lines) = checkpoint.rejects.as_deref()
            {
                let insert = sqlx::query($insert).bind(checkpoint.import.0).bind(lines);
                insert.execute(&mut *$tx).await?;
            }
            affected
        }};
    }
    let affected = match tx {
        CheckpointTx::Postgres(tx) => execute!(tx, INSERT_ON_POSTGRES),
        CheckpointTx::Sqlite(tx) => execute!(tx, INSERT_ON_SQLITE),
        CheckpointTx::SeaOrm(tx) => {
            let values = [checkpoint.import.into()]
                .into_iter()
                .chain(numbers.map(Into::into))
                .chain([reasons.into()]);
            let statement = Statement::from_sql_and_values(tx.get_database_backend(), ADVANCE, values);
            let affected = tx.execute_raw(statement).await?.rows_affected();
            if affected == 1
                && let Some(lines) = checkpoint.rejects.as_deref()
            {
                rejects::insert(tx, checkpoint.import, lines).await?;
            }
            affected
        }
    };
    Ok(updated(affected))
}

/// The parameters `$2` to `$8`.
fn numbers(checkpoint: &Checkpoint, rows: AppliedRows) -> [i64; 7] {
    [
        checkpoint.bytes.start,
        checkpoint.bytes.end,
        checkpoint.counts.read,
        rows.inserted(),
        rows.duplicate(),
        checkpoint.counts.rows_skipped(),
        checkpoint.counts.coerced,
    ]
    .map(signed)
}

const IS_AT: &str = "SELECT 1 FROM imports WHERE id = $1 AND checkpoint = $2 AND status = 'RUNNING'";

/// True while an import is RUNNING and its checkpoint is at the block's beginning.
pub async fn is_at(db: &impl ConnectionTrait, checkpoint: &Checkpoint) -> Result<bool, Fault> {
    let values = [checkpoint.import.into(), signed(checkpoint.bytes.start).into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), IS_AT, values);
    Ok(db.query_one_raw(statement).await?.is_some())
}

/// The same through SQLite's driver.
pub async fn is_at_on_sqlite(tx: &mut SqliteConnection, checkpoint: &Checkpoint) -> Result<bool, Fault> {
    let query = sqlx::query(IS_AT)
        .bind(checkpoint.import.0)
        .bind(signed(checkpoint.bytes.start));
    Ok(query.fetch_optional(tx).await?.is_some())
}
