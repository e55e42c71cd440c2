//! The SQL of imports. `advance` is what every kind calls in the transaction that stores a block's rows.

use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::sqlite::SqliteConnection;
use sea_orm::{ConnectionTrait, Statement, sqlx};

use super::Block;
use crate::db::Fault;

/// Whether an import's checkpoint moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    Changed,
    /// The checkpoint is not at the block's beginning any more, or the import is finished or gone: nothing of the block
    /// may stay.
    Stale,
}

// Compare and set: whoever applies a block first moves the checkpoint, and everybody else who has read it finds out here.
// Both drivers take `$n`.
const ADVANCE: &str = "
UPDATE imports SET checkpoint = $3, block = block + 1, rows_read = rows_read + $4, rows_inserted = rows_inserted + $5,
    rows_duplicate = rows_duplicate + $6, rows_skipped = rows_skipped + $7, amounts_coerced = amounts_coerced + $8,
    skip_reasons = $9
WHERE id = $1 AND checkpoint = $2 AND status = 'RUNNING'";

/// Moves an import's checkpoint behind a block and adds its counts, if it still stands at the block's beginning.
pub async fn advance<Row: Sync>(
    tx: &impl ConnectionTrait,
    block: &Block<Row>,
    inserted: u64,
    duplicate: u64,
) -> Result<Advanced, Fault> {
    let [from, to, read, inserted, duplicate, skipped, coerced] = numbers(block, inserted, duplicate);
    let values = [
        block.import.into(),
        from.into(),
        to.into(),
        read.into(),
        inserted.into(),
        duplicate.into(),
        skipped.into(),
        coerced.into(),
        block.skip_reasons.clone().into(),
    ];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), ADVANCE, values);
    Ok(advanced(tx.execute_raw(statement).await?.rows_affected()))
}

macro_rules! advance_on_driver {
    ($(#[$doc:meta])* $name:ident, $connection:ty) => {
        $(#[$doc])*
        pub async fn $name<Row: Sync>(
            tx: &mut $connection,
            block: &Block<Row>,
            inserted: u64,
            duplicate: u64,
        ) -> Result<Advanced, Fault> {
            let mut query = sqlx::query(ADVANCE).bind(block.import.0);
            for number in numbers(block, inserted, duplicate) {
                query = query.bind(number);
            }
            let done = query.bind(&block.skip_reasons).execute(tx).await?;
            Ok(advanced(done.rows_affected()))
        }
    };
}

advance_on_driver!(
    /// `advance` for who speaks to PostgreSQL's driver directly.
    advance_on_postgres,
    PgConnection
);
advance_on_driver!(
    /// `advance` for who speaks to SQLite's driver directly.
    advance_on_sqlite,
    SqliteConnection
);

/// `$2` to `$8`.
fn numbers<Row>(block: &Block<Row>, inserted: u64, duplicate: u64) -> [i64; 7] {
    let numbers = [
        block.from,
        block.to,
        block.counts.read,
        inserted,
        duplicate,
        block.counts.rows_skipped(),
        block.counts.coerced,
    ];
    // Files of more than 2^63 bytes there are none.
    numbers.map(|number| i64::try_from(number).unwrap_or(i64::MAX))
}

fn advanced(rows_affected: u64) -> Advanced {
    if rows_affected == 1 {
        Advanced::Changed
    } else {
        Advanced::Stale
    }
}
