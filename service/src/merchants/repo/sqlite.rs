//! SQLite: a block in parts, each in a short transaction of its own, the checkpoint with the last.
//!
//! Sorting a large block by event lets one index page take many of its rows before it is written; sorting a small one
//! would write a page a row. But a large block holds the write lock too long, hence the parts. What is stored of a block
//! that is not finished stands in `activity_parts`.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_orm::ActiveEnum;
use sea_orm::sqlx::{self, Arguments as _, Sqlite, SqliteConnection, SqlitePool, Transaction};
use uuid::Uuid;

use super::add;
use super::values::{Insert, insert_pieces, placeholders, time};
use crate::db::{Db, Fault};
use crate::imports::repo::{Advanced, advance_on_sqlite, stands_at_on_sqlite};
use crate::imports::{Block, Stored};
use crate::merchants::batch::Batch;
use crate::merchants::remembered::{Changes, Remembered};
use crate::merchants::rollup::Rollup;
use crate::merchants::row::Activity;
use crate::values::ImportId;

/// Between two transactions, so that writers in other processes, which only look again after a while, find the lock free.
const PAUSE: Duration = Duration::from_millis(5);

/// The way of activities into SQLite.
pub(in crate::merchants) struct SqliteRows {
    pool: SqlitePool,
    remembered: Mutex<Remembered>,
}

/// What became of a part.
enum Part {
    Stored(u64),
    /// Another process has it, or the import has moved on.
    Stale,
}

impl SqliteRows {
    /// Rows that are sorted together.
    pub const BLOCK_ROWS: usize = 131_072;
    /// Rows of a transaction: the write lock is held for at most 100 ms.
    pub const PART_ROWS: usize = 8_192;

    pub fn new(db: &Db) -> Self {
        Self {
            pool: db.write.get_sqlite_connection_pool().clone(),
            remembered: Mutex::default(),
        }
    }

    /// Stores every part that is not stored, and the checkpoint with the last one.
    pub async fn store(&self, block: &Block<Batch>) -> Result<Stored, Fault> {
        // Taken out: whoever stores at the same time remembers nothing.
        let mut remembered = mem::take(&mut *self.remembered.lock().unwrap_or_else(PoisonError::into_inner));
        let stored = self.store_parts(block, &mut remembered).await;
        *self.remembered.lock().unwrap_or_else(PoisonError::into_inner) = remembered;
        stored
    }

    async fn store_parts(&self, block: &Block<Batch>, remembered: &mut Remembered) -> Result<Stored, Fault> {
        let parts = block.rows.parts().len();
        let done = if parts > 1 {
            self.stored_parts(block).await?
        } else {
            HashMap::new()
        };
        let mut inserted = 0;
        for (part, rows) in block.rows.parts().enumerate().take(parts.saturating_sub(1)) {
            inserted += match done.get(&(part as i64)) {
                Some(stored) => *stored,
                None => match self.store_part(block, part, rows, remembered).await? {
                    Part::Stored(stored) => stored,
                    Part::Stale => return Ok(Stored::Stale),
                },
            };
        }
        self.finish(block, inserted, remembered).await
    }

    async fn stored_parts(&self, block: &Block<Batch>) -> Result<HashMap<i64, u64>, Fault> {
        let parts: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT part, inserted FROM activity_parts WHERE import_id = ? AND block_from = ? AND block_to = ?",
        )
        .bind(block.import.0)
        .bind(block.from as i64)
        .bind(block.to as i64)
        .fetch_all(&self.pool)
        .await?;
        Ok(parts
            .into_iter()
            .map(|(part, inserted)| (part, inserted.unsigned_abs()))
            .collect())
    }

    async fn store_part(
        &self,
        block: &Block<Batch>,
        part: usize,
        rows: &[Activity],
        remembered: &mut Remembered,
    ) -> Result<Part, Fault> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut changes = None;
        let stored = if stands_at_on_sqlite(&mut tx, block).await? {
            let inserted;
            (inserted, changes) = insert_new(&mut tx, rows, remembered).await?;
            note_part(&mut tx, block, part, inserted).await?
        } else {
            Part::Stale
        };
        match stored {
            Part::Stored(_) => commit(tx, changes, remembered).await?,
            Part::Stale => tx.rollback().await?,
        }
        tokio::time::sleep(PAUSE).await;
        Ok(stored)
    }

    /// Stores the last part, if there is any, and moves the checkpoint behind the block.
    async fn finish(&self, block: &Block<Batch>, before: u64, remembered: &mut Remembered) -> Result<Stored, Fault> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let (last, changes) = match block.rows.parts().last() {
            Some(rows) => insert_new(&mut tx, rows, remembered).await?,
            None => (0, None),
        };
        let inserted = before + last;
        let duplicate = block.counts.rows() - inserted;
        let stored = match advance_on_sqlite(&mut tx, block, inserted, duplicate).await? {
            Advanced::Changed => {
                forget_parts(&mut tx, block.import).await?;
                commit(tx, changes, remembered).await?;
                Stored::Applied { inserted, duplicate }
            }
            Advanced::Stale => {
                tx.rollback().await?;
                Stored::Stale
            }
        };
        tokio::time::sleep(PAUSE).await;
        Ok(stored)
    }
}

async fn commit(
    tx: Transaction<'static, Sqlite>,
    changes: Option<Changes>,
    remembered: &mut Remembered,
) -> Result<(), Fault> {
    tx.commit().await?;
    if let Some(changes) = changes {
        remembered.committed(changes);
    }
    Ok(())
}

async fn note_part(tx: &mut SqliteConnection, block: &Block<Batch>, part: usize, inserted: u64) -> Result<Part, Fault> {
    let noted = sqlx::query("INSERT INTO activity_parts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(block.import.0)
        .bind(block.from as i64)
        .bind(block.to as i64)
        .bind(part as i64)
        .bind(inserted as i64)
        .execute(tx)
        .await?;
    Ok(if noted.rows_affected() == 1 {
        Part::Stored(inserted)
    } else {
        Part::Stale
    })
}

async fn forget_parts(tx: &mut SqliteConnection, import: ImportId) -> Result<(), Fault> {
    sqlx::query("DELETE FROM activity_parts WHERE import_id = ?")
        .bind(import.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Inserts the rows that are not stored, and what they add. Says how many rows that were and what changed.
async fn insert_new(
    tx: &mut SqliteConnection,
    rows: &[Activity],
    remembered: &mut Remembered,
) -> Result<(u64, Option<Changes>), Fault> {
    let rowid_before: i64 = sqlx::query_scalar("SELECT coalesce(max(rowid), 0) FROM activities")
        .fetch_one(&mut *tx)
        .await?;
    let mut stored = HashSet::new();
    // While the database is at the rows, they are summed up.
    let (inserted, rollup) = tokio::join!(insert_pieces(tx, rows, &INSERT), async { Rollup::of(rows) });
    for (piece, inserted) in inserted? {
        let rows = &rows[piece];
        if inserted < rows.len() as u64 {
            stored.extend(stored_before(tx, rows, rowid_before).await?);
        }
    }
    let inserted = rows.len() - stored.len();
    if inserted == 0 {
        return Ok((0, None));
    }
    let rollup = if stored.is_empty() {
        rollup
    } else {
        Rollup::of(rows.iter().filter(|row| !stored.contains(&row.event_id)))
    };
    let changes = add(tx, &rollup, remembered).await?;
    Ok((inserted as u64, Some(changes)))
}

const INSERT: Insert<Activity> = Insert {
    into: "INSERT INTO activities (event_id, occurred_at, amount, product, status, channel, merchant_id, event_type, \
           region, merchant_tier)",
    columns: 10,
    conflict: "ON CONFLICT (event_id) DO NOTHING",
    values: |arguments, row| {
        arguments.add(row.event_id)?;
        arguments.add(time(row.occurred_at))?;
        arguments.add(row.amount.to_string())?;
        arguments.add(row.product.to_value())?;
        arguments.add(row.status.to_value())?;
        arguments.add(row.channel.map(|channel| channel.to_value()))?;
        arguments.add(row.merchant_id())?;
        arguments.add(row.event_type())?;
        arguments.add(row.region())?;
        arguments.add(row.merchant_tier())
    },
};

/// Which of these rows were there already: they have an older row number.
async fn stored_before(tx: &mut SqliteConnection, rows: &[Activity], rowid_before: i64) -> Result<Vec<Uuid>, Fault> {
    let sql = format!(
        "SELECT event_id FROM activities WHERE event_id IN {} AND rowid <= ?",
        placeholders(1, rows.len())
    );
    let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
    for row in rows {
        query = query.bind(row.event_id);
    }
    Ok(query.bind(rowid_before).fetch_all(tx).await?)
}
