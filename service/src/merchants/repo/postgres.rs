//! PostgreSQL: a block's rows by COPY, its rollups by arrays, the checkpoint with them in one transaction.

use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use sea_orm::sqlx::{self, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::{Added, InsertedRows, RollupTx, add, copy};
use crate::db::{Db, Fault};
use crate::imports::{Checkpoint, Stored};
use crate::merchants::batch::ActivityBatch;
use crate::merchants::month::Month;
use crate::merchants::ranking::{Ranked, Ranking};
use crate::merchants::remembered::Remembered;
use crate::merchants::report::Item;
use crate::merchants::rollup::{Merchant, MerchantCounts, MerchantFlags, Rollup};
use crate::merchants::row::Activity;

/// How often a block is tried while another importer stores some of its events.
const TRIES_MAX: usize = 8;
/// Bytes of rows that are sent at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Stores activities in PostgreSQL.
pub(in crate::merchants) struct PostgresActivityStore {
    pool: PgPool,
    /// The last block had duplicates, so the next one is likely to have some.
    expects_duplicates: AtomicBool,
    remembered: Mutex<Remembered>,
}

impl PostgresActivityStore {
    /// Rows of a block: so many that a busy merchant is written a few times in a million rows, not every few rows.
    pub const BLOCK_ROWS: usize = 131_072;

    pub fn new(db: &Db) -> Self {
        Self {
            pool: db.write.get_postgres_connection_pool().clone(),
            expects_duplicates: AtomicBool::new(false),
            remembered: Mutex::default(),
        }
    }

    /// Stores a block as if none of its events were stored. Where one is, or where duplicates are likely, reads which
    /// are stored, and stores the others.
    pub async fn store(&self, checkpoint: &Checkpoint, batch: &ActivityBatch) -> Result<Stored, Fault> {
        // Taken out: another task that stores a block at the same time begins with nothing remembered.
        let mut remembered = mem::take(&mut *self.remembered.lock());
        let mut asks = self.expects_duplicates.load(Ordering::Relaxed);
        let mut tries = 0;
        let stored = loop {
            tries += 1;
            match self.try_to_store(checkpoint, batch, asks, &mut remembered).await {
                Err(fault) if fault.is_unique_violation_of("activities") && tries < TRIES_MAX => asks = true,
                stored => break stored,
            }
        };
        // After a fault the database may come back in an earlier state.
        if stored.is_err() {
            remembered = Remembered::default();
        }
        *self.remembered.lock() = remembered;
        if let Ok(Stored::Applied(rows)) = stored {
            self.expects_duplicates.store(rows.duplicate() > 0, Ordering::Relaxed);
        }
        stored
    }

    async fn try_to_store(
        &self,
        checkpoint: &Checkpoint,
        batch: &ActivityBatch,
        asks: bool,
        remembered: &mut Remembered,
    ) -> Result<Stored, Fault> {
        let mut tx = self.pool.begin().await?;
        // A block of random keys in a large cold index may take longer than a request may. With a time-out every try
        // would be cut off, and the import could never continue.
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await?;
        let (rows, rollup) = batch.whole();
        let (inserted, changes) = if asks {
            insert_new(&mut tx, rows, remembered).await?
        } else {
            insert(&mut tx, rows.iter(), &rollup, remembered).await?
        };
        let stored = checkpoint.advance(&mut *tx, inserted).await?;
        match stored {
            Stored::Applied(_) => {
                tx.commit().await?;
                if let Some(changes) = changes {
                    remembered.committed(changes);
                }
            }
            Stored::Stale => tx.rollback().await?,
        }
        Ok(stored)
    }
}

/// Inserts the rows that are not stored.
async fn insert_new(
    tx: &mut PgConnection,
    rows: &[Activity],
    remembered: &mut Remembered,
) -> Result<InsertedRows, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let stored: Vec<Uuid> = sqlx::query_scalar("SELECT event_id FROM activities WHERE event_id = ANY($1)")
        .bind(ids)
        .fetch_all(&mut *tx)
        .await?;
    let stored: HashSet<Uuid> = stored.into_iter().collect();
    let new = || rows.iter().filter(|row| !stored.contains(&row.event_id));
    insert(tx, new(), &Rollup::of(new()), remembered).await
}

/// Inserts rows of which none is stored, and what they add.
async fn insert<'a>(
    tx: &mut PgConnection,
    rows: impl Iterator<Item = &'a Activity>,
    rollup: &Rollup,
    remembered: &mut Remembered,
) -> Result<InsertedRows, Fault> {
    if rollup.merchants.is_empty() {
        return Ok((0, None));
    }
    let inserted = copy_in(tx, rows).await?;
    match add(tx, rollup, remembered, None).await? {
        Added::Done(changes) => Ok((inserted, Some(changes))),
        // Cannot happen: on PostgreSQL `best` scans under the rollups' lock, for which only other importers wait.
        Added::Leaderless => Err(Fault::damaged("a ranking of merchants")),
    }
}

async fn copy_in<'a>(connection: &mut PgConnection, rows: impl Iterator<Item = &'a Activity>) -> Result<u64, Fault> {
    let mut copy = connection.copy_in_raw(copy::COPY).await?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + 1024);
    chunk.extend(copy::HEADER);
    for row in rows {
        copy::row(&mut chunk, row);
        if chunk.len() >= CHUNK_BYTES {
            copy.send(chunk.as_slice()).await?;
            chunk.clear();
        }
    }
    chunk.extend(copy::TRAILER);
    copy.send(chunk.as_slice()).await?;
    Ok(copy.finish().await?)
}

const READ_MERCHANTS: &str = "
SELECT merchant_id, volume::text, counts, marks, first_activity, last_activity FROM merchants WHERE merchant_id = ANY($1)";

const WRITE_MERCHANTS: &str = "
INSERT INTO merchants (merchant_id, volume, counts, marks, first_activity, last_activity)
SELECT * FROM unnest($1::text[], $2::text[]::numeric[], $3::text[], $4::smallint[], $5::timestamptz[], $6::timestamptz[])
ON CONFLICT (merchant_id) DO UPDATE SET volume = excluded.volume, counts = excluded.counts, marks = excluded.marks,
    first_activity = excluded.first_activity, last_activity = excluded.last_activity";

// The arrays are sorted by month and merchant, the order of the index.
const ADD_MONTHS: &str = "
WITH new AS (
    INSERT INTO merchant_months (month, merchant_id) SELECT * FROM unnest($1::integer[], $2::text[])
    ON CONFLICT DO NOTHING RETURNING month
)
SELECT month, count(*) FROM new GROUP BY month";

const ADD_TO_NUMBERS: &str = "
INSERT INTO report_counts AS r (report, item, count) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (report, item) DO UPDATE SET count = r.count + excluded.count";

// `m.volume` is the number; `volume` alone would be the text that is selected.
const BEST: &str = "
SELECT merchant_id, volume::text FROM merchants m WHERE marks & $1 <> 0 ORDER BY m.volume DESC, merchant_id LIMIT $2";

impl RollupTx for PgConnection {
    async fn lock(&mut self) -> Result<(i64, Ranking), Fault> {
        let (version, text): (i64, String) =
            sqlx::query_as("SELECT version, ranking FROM merchant_ranking WHERE id = 1 FOR UPDATE")
                .fetch_one(&mut *self)
                .await?;
        Ok((version, serde_json::from_str(&text).map_err(Fault::broken)?))
    }

    async fn read_merchants(&mut self, ids: &[&str]) -> Result<Vec<(Box<str>, Merchant)>, Fault> {
        let rows = sqlx::query(READ_MERCHANTS).bind(ids).fetch_all(&mut *self).await?;
        rows.into_iter()
            .map(|row| {
                let (volume, counts): (String, String) = (row.try_get(1)?, row.try_get(2)?);
                let merchant = Merchant {
                    volume: volume.parse().map_err(Fault::broken)?,
                    counts: MerchantCounts::from_text(&counts)
                        .ok_or_else(|| Fault::damaged("a counts of merchants"))?,
                    flags: MerchantFlags(row.try_get(3)?),
                    first_activity: row.try_get(4)?,
                    last_activity: row.try_get(5)?,
                };
                Ok((row.try_get::<String, _>(0)?.into(), merchant))
            })
            .collect()
    }

    async fn write_merchants(&mut self, merchants: &[(Box<str>, Merchant)]) -> Result<(), Fault> {
        sqlx::query(WRITE_MERCHANTS)
            .bind(column(merchants, |(id, _)| &**id))
            .bind(column(merchants, |(_, merchant)| merchant.volume.to_string()))
            .bind(column(merchants, |(_, merchant)| merchant.counts.text()))
            .bind(column(merchants, |(_, merchant)| merchant.flags.0))
            .bind(column(merchants, |(_, merchant)| merchant.first_activity))
            .bind(column(merchants, |(_, merchant)| merchant.last_activity))
            .execute(&mut *self)
            .await?;
        Ok(())
    }

    async fn add_months(&mut self, months: &[(Month, Box<str>)]) -> Result<BTreeMap<Month, u64>, Fault> {
        if months.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows: Vec<(i32, i64)> = sqlx::query_as(ADD_MONTHS)
            .bind(column(months, |(month, _)| month.number()))
            .bind(column(months, |(_, merchant)| &**merchant))
            .fetch_all(&mut *self)
            .await?;
        rows.into_iter()
            .map(|(month, count)| {
                let month = Month::from_number(month).ok_or_else(|| Fault::damaged("a month of merchants"))?;
                Ok((month, count.unsigned_abs()))
            })
            .collect()
    }

    async fn add_to_numbers(&mut self, numbers: BTreeMap<Item, u64>) -> Result<(), Fault> {
        let numbers: Vec<(&str, String, i64)> = numbers
            .into_iter()
            .map(|(item, count)| {
                let (report, item) = item.key();
                (report, item, count as i64)
            })
            .collect();
        sqlx::query(ADD_TO_NUMBERS)
            .bind(column(&numbers, |number| number.0))
            .bind(column(&numbers, |number| number.1.as_str()))
            .bind(column(&numbers, |number| number.2))
            .execute(&mut *self)
            .await?;
        Ok(())
    }

    async fn best(&mut self) -> Result<Option<Vec<Ranked>>, Fault> {
        let rows: Vec<(String, String)> = sqlx::query_as(BEST)
            .bind(MerchantFlags::SUCCEEDED.0)
            .bind(Ranking::LEADERS_MAX as i64 + 1)
            .fetch_all(&mut *self)
            .await?;
        let best: Result<Vec<Ranked>, Fault> = rows.into_iter().map(|(id, volume)| ranked(id, volume)).collect();
        best.map(Some)
    }

    async fn save(&mut self, version: i64, ranking: &Ranking) -> Result<(), Fault> {
        let text = serde_json::to_string(ranking).map_err(Fault::broken)?;
        sqlx::query("UPDATE merchant_ranking SET version = $1, ranking = $2 WHERE id = 1")
            .bind(version)
            .bind(text)
            .execute(&mut *self)
            .await?;
        Ok(())
    }
}

fn column<'a, T, V>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn ranked(merchant_id: String, volume: String) -> Result<Ranked, Fault> {
    Ok(Ranked {
        merchant_id: merchant_id.into(),
        volume: volume.parse().map_err(Fault::broken)?,
    })
}
