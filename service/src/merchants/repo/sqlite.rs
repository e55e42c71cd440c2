//! SQLite: stores a block in parts, each in a short transaction of its own, the checkpoint with the last.
//!
//! A large block is sorted by event, so that one index page takes many of its rows before it is written; a small block
//! would write a page for each row. But a large block would hold the write lock too long. So it is stored in parts,
//! which are as large as the machine can store in time. The table `activity_parts` holds how much of an unfinished
//! block is stored; any process that continues the block begins there.

use std::collections::HashSet;
use std::mem;
use std::time::Instant;

use parking_lot::Mutex;
use sea_orm::ActiveEnum;
use sea_orm::sqlx::{self, Arguments as _, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::part_size::PartSize;
use super::sqlite_inserts::{Insert, insert_chunked, placeholders, time};
use super::sqlite_rollups::best_of_all;
use super::{Added, Best, InsertedRows, add};
use crate::db::{Db, Fault};
use crate::imports::{Checkpoint, Stored};
use crate::merchants::batch::ActivityBatch;
use crate::merchants::remembered::{Changes, Remembered};
use crate::merchants::rollup::Rollup;
use crate::merchants::row::Activity;
use crate::values::ImportId;

/// The pause after a transaction is the transaction's time divided by this: writers of other processes retry only now
/// and then, and must find the lock free.
const PAUSE_SHARE: u32 = 8;
/// The most scans for the best merchants: a write of another importer makes a scan useless.
const SCANS_MAX: usize = 8;

/// Stores activities in SQLite.
pub(in crate::merchants) struct SqliteActivityStore {
    write: SqlitePool,
    read: SqlitePool,
    part_size: PartSize,
    remembered: Mutex<Remembered>,
}

/// What became of a transaction.
enum PartOutcome {
    /// A part is stored, and more of the block is left.
    More,
    Done(Stored),
    /// Nothing is stored: the ranking has lost all its leaders, and a scan must find new ones.
    Leaderless,
}

/// How much of a block is stored.
struct StoredSoFar {
    rows: usize,
    inserted: u64,
}

impl SqliteActivityStore {
    /// Rows that are sorted together.
    pub const BLOCK_ROWS: usize = 131_072;
    /// The most rows of a transaction.
    pub const PART_ROWS: usize = 8_192;

    pub fn new(db: &Db) -> Self {
        Self {
            write: db.write.get_sqlite_connection_pool().clone(),
            read: db.read.get_sqlite_connection_pool().clone(),
            part_size: PartSize::new(),
            remembered: Mutex::default(),
        }
    }

    /// Stores the parts that are not stored yet, and the checkpoint with the last one.
    pub async fn store(&self, checkpoint: &Checkpoint, batch: &ActivityBatch) -> Result<Stored, Fault> {
        // Taken out: another task that stores a block at the same time begins with nothing remembered.
        let mut remembered = mem::take(&mut *self.remembered.lock());
        let stored = self.store_parts(checkpoint, batch, &mut remembered).await;
        *self.remembered.lock() = remembered;
        stored
    }

    async fn store_parts(
        &self,
        checkpoint: &Checkpoint,
        batch: &ActivityBatch,
        remembered: &mut Remembered,
    ) -> Result<Stored, Fault> {
        let (mut best, mut scans) = (None, 0);
        loop {
            match self.store_part(checkpoint, batch, remembered, best.as_ref()).await? {
                PartOutcome::More => {}
                PartOutcome::Done(stored) => return Ok(stored),
                PartOutcome::Leaderless if scans < SCANS_MAX => {
                    scans += 1;
                    best = Some(best_of_all(&self.read, batch.part_rows_max()).await?);
                }
                PartOutcome::Leaderless => {
                    return Err(Fault::conflict(std::io::Error::other("the rollups keep changing")));
                }
            }
        }
    }

    async fn store_part(
        &self,
        checkpoint: &Checkpoint,
        batch: &ActivityBatch,
        remembered: &mut Remembered,
        best: Option<&Best>,
    ) -> Result<PartOutcome, Fault> {
        let rows_max = self.part_size.rows().min(batch.part_rows_max());
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        let begun = Instant::now();
        let Some(written) = write_part(&mut tx, (checkpoint, batch), rows_max, remembered, best).await? else {
            tx.rollback().await?;
            return Ok(PartOutcome::Leaderless);
        };
        if let PartOutcome::Done(Stored::Stale) = written.step {
            tx.rollback().await?;
            return Ok(written.step);
        }
        tx.commit().await?;
        if let Some(changes) = written.changes {
            remembered.committed(changes);
        }
        let held = begun.elapsed();
        self.part_size.note(written.rows, held);
        tokio::time::sleep(held / PAUSE_SHARE).await;
        Ok(written.step)
    }
}

/// A part that is written and not yet committed.
struct WrittenPart {
    step: PartOutcome,
    rows: usize,
    changes: Option<Changes>,
}

/// Writes the next rows of a block, and moves the checkpoint behind the last of them; `None` when the ranking has lost
/// all its leaders.
async fn write_part(
    tx: &mut SqliteConnection,
    (checkpoint, batch): (&Checkpoint, &ActivityBatch),
    rows_max: usize,
    remembered: &mut Remembered,
    best: Option<&Best>,
) -> Result<Option<WrittenPart>, Fault> {
    let stale = WrittenPart {
        step: PartOutcome::Done(Stored::Stale),
        rows: 0,
        changes: None,
    };
    if !checkpoint.is_current_in(tx).await? {
        return Ok(Some(stale));
    }
    let before = stored_so_far(tx, checkpoint).await?;
    let left = batch.rows().get(before.rows..).unwrap_or_default();
    let rows = &left[..rows_max.min(left.len())];
    let Some((inserted, changes)) = insert_new(tx, rows, remembered, best).await? else {
        return Ok(None);
    };
    let now = StoredSoFar {
        rows: before.rows + rows.len(),
        inserted: before.inserted + inserted,
    };
    let step = if rows.len() < left.len() {
        note_part(tx, checkpoint, now.rows, inserted).await?;
        PartOutcome::More
    } else {
        let stored = checkpoint.advance(&mut *tx, now.inserted).await?;
        if stored != Stored::Stale {
            forget_parts(tx, checkpoint.import()).await?;
        }
        PartOutcome::Done(stored)
    };
    Ok(Some(WrittenPart {
        step,
        rows: rows.len(),
        changes,
    }))
}

/// The column `part` is the number of the block's rows up to the end of a part. Parts may have any size; each begins
/// where the one before it ends.
async fn stored_so_far(tx: &mut SqliteConnection, checkpoint: &Checkpoint) -> Result<StoredSoFar, Fault> {
    let (rows, inserted): (i64, i64) = sqlx::query_as(
        "SELECT coalesce(max(part), 0), coalesce(sum(inserted), 0) FROM activity_parts
         WHERE import_id = ? AND block_from = ? AND block_to = ?",
    )
    .bind(checkpoint.import().0)
    .bind(checkpoint.bytes().start as i64)
    .bind(checkpoint.bytes().end as i64)
    .fetch_one(tx)
    .await?;
    Ok(StoredSoFar {
        rows: usize::try_from(rows).map_err(Fault::broken)?,
        inserted: inserted.unsigned_abs(),
    })
}

async fn note_part(tx: &mut SqliteConnection, checkpoint: &Checkpoint, to: usize, inserted: u64) -> Result<(), Fault> {
    sqlx::query("INSERT INTO activity_parts VALUES (?, ?, ?, ?, ?)")
        .bind(checkpoint.import().0)
        .bind(checkpoint.bytes().start as i64)
        .bind(checkpoint.bytes().end as i64)
        .bind(to as i64)
        .bind(inserted as i64)
        .execute(tx)
        .await?;
    Ok(())
}

async fn forget_parts(tx: &mut SqliteConnection, import: ImportId) -> Result<(), Fault> {
    sqlx::query("DELETE FROM activity_parts WHERE import_id = ?")
        .bind(import.0)
        .execute(tx)
        .await?;
    Ok(())
}

/// Inserts the rows that are not stored, and what they add; `None` when the ranking has lost all its leaders.
async fn insert_new(
    tx: &mut SqliteConnection,
    rows: &[Activity],
    remembered: &mut Remembered,
    best: Option<&Best>,
) -> Result<Option<InsertedRows>, Fault> {
    let rowid_before: i64 = sqlx::query_scalar("SELECT coalesce(max(rowid), 0) FROM activities")
        .fetch_one(&mut *tx)
        .await?;
    let mut stored = HashSet::new();
    // The rows are summed up while the database inserts them.
    let (inserted, rollup) = tokio::join!(insert_chunked(tx, rows, &INSERT), async { Rollup::of(rows) });
    for (chunk, inserted) in inserted? {
        let rows = &rows[chunk];
        if inserted < rows.len() as u64 {
            stored.extend(stored_before(tx, rows, rowid_before).await?);
        }
    }
    let inserted = rows.len() - stored.len();
    if inserted == 0 {
        return Ok(Some((0, None)));
    }
    let rollup = if stored.is_empty() {
        rollup
    } else {
        Rollup::of(rows.iter().filter(|row| !stored.contains(&row.event_id)))
    };
    Ok(match add(tx, &rollup, remembered, best).await? {
        Added::Done(changes) => Some((inserted as u64, Some(changes))),
        Added::Leaderless => None,
    })
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

/// Those of these rows that were stored before: they have an older row number.
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
