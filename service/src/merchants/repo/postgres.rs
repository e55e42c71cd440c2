//! PostgreSQL: a block's rows by COPY, its rollups by arrays, the checkpoint with them in one transaction.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::sqlx::{self, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::{Changed, RollupTx, add, copy, counters, damaged};
use crate::db::{Db, Fault};
use crate::imports::repo::{Advanced, advance_on_postgres};
use crate::imports::{Block, Stored};
use crate::merchants::batch::Batch;
use crate::merchants::month::Month;
use crate::merchants::ranking::{Ranked, Ranking};
use crate::merchants::report::Item;
use crate::merchants::rollup::{Marks, MerchantDelta, Rollup};
use crate::merchants::row::Activity;

/// Tries of a block whose events somebody else stores at the same time.
const TRIES_MAX: usize = 8;
/// Bytes of rows that are sent at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// The way of activities into PostgreSQL.
pub(in crate::merchants) struct PostgresRows {
    pool: PgPool,
    /// The last block had events that are stored: the next one is likely to.
    expects_duplicates: AtomicBool,
}

impl PostgresRows {
    /// Rows of a block: enough that a busy merchant is written some times a million rows, and not every few.
    pub const BLOCK_ROWS: usize = 65_536;

    pub fn new(db: &Db) -> Self {
        Self {
            pool: db.write.get_postgres_connection_pool().clone(),
            expects_duplicates: AtomicBool::new(false),
        }
    }

    /// Stores a block as if no event were stored; where one is, asks which are, and stores the others.
    pub async fn store(&self, block: &Block<Batch>) -> Result<Stored, Fault> {
        let mut asks = self.expects_duplicates.load(Ordering::Relaxed);
        let mut tries = 0;
        loop {
            tries += 1;
            let stored = self.try_to_store(block, asks).await;
            match &stored {
                Err(fault) if fault.is_unique_violation_of("activities") && tries < TRIES_MAX => asks = true,
                Ok(Stored::Applied { duplicate, .. }) => {
                    self.expects_duplicates.store(*duplicate > 0, Ordering::Relaxed);
                    return stored;
                }
                Ok(Stored::Stale) | Err(_) => return stored,
            }
        }
    }

    async fn try_to_store(&self, block: &Block<Batch>, asks: bool) -> Result<Stored, Fault> {
        let mut tx = self.pool.begin().await?;
        let mut inserted = 0;
        for (rows, rollup) in block.rows.parts() {
            inserted += if asks {
                insert_new(&mut tx, rows).await?
            } else {
                insert(&mut tx, rows.iter(), rollup).await?
            };
        }
        let duplicate = block.counts.rows() - inserted;
        match advance_on_postgres(&mut tx, block, inserted, duplicate).await? {
            Advanced::Changed => {
                tx.commit().await?;
                Ok(Stored::Applied { inserted, duplicate })
            }
            Advanced::Stale => {
                tx.rollback().await?;
                Ok(Stored::Stale)
            }
        }
    }
}

/// Inserts the rows that are not stored.
async fn insert_new(tx: &mut PgConnection, rows: &[Activity]) -> Result<u64, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let stored: Vec<Uuid> = sqlx::query_scalar("SELECT event_id FROM activities WHERE event_id = ANY($1)")
        .bind(ids)
        .fetch_all(&mut *tx)
        .await?;
    let stored: HashSet<Uuid> = stored.into_iter().collect();
    let new = || rows.iter().filter(|row| !stored.contains(&row.event_id));
    insert(tx, new(), &Rollup::of(new())).await
}

/// Inserts rows of which none is stored, and what they add.
async fn insert<'a>(
    tx: &mut PgConnection,
    rows: impl Iterator<Item = &'a Activity>,
    rollup: &Rollup,
) -> Result<u64, Fault> {
    if rollup.merchants.is_empty() {
        return Ok(0);
    }
    let inserted = copy_in(tx, rows).await?;
    add(tx, rollup).await?;
    Ok(inserted)
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

static ADD_TO_MERCHANTS: LazyLock<String> = LazyLock::new(|| {
    let (mut names, mut sums, mut arrays) = (String::new(), String::new(), String::new());
    for (index, name) in counters().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(names, ", {name}");
        let _ = write!(sums, ", {name} = m.{name} + excluded.{name}");
        let _ = write!(arrays, ", ${}::bigint[]", index + 8);
    }
    format!(
        "
WITH changed AS (
    INSERT INTO merchants AS m (merchant_id, volume, first_activity, last_activity, marks, new_marks{names})
    SELECT merchant_id, volume, first_activity, last_activity, marks, marks{names}
    FROM unnest($1::text[], $2::numeric[], $3::timestamptz[], $4::timestamptz[], $5::smallint[]{arrays})
        AS d (merchant_id, volume, first_activity, last_activity, marks{names})
    ON CONFLICT (merchant_id) DO UPDATE SET volume = m.volume + excluded.volume,
        first_activity = least(m.first_activity, excluded.first_activity),
        last_activity = greatest(m.last_activity, excluded.last_activity),
        marks = m.marks | excluded.marks, new_marks = excluded.marks & ~m.marks{sums}
    RETURNING merchant_id, volume, marks, new_marks
)
SELECT merchant_id, volume::text, marks, new_marks FROM changed
WHERE new_marks <> 0 OR $6::numeric IS NULL OR volume >= $6::numeric OR merchant_id = ANY($7)"
    )
});

// Both sorted by month and merchant: the index is met in its order.
const ADD_MONTHS: &str = "
WITH new AS (
    INSERT INTO merchant_months (month, merchant_id) SELECT * FROM unnest($1::integer[], $2::text[])
    ON CONFLICT DO NOTHING RETURNING month
)
SELECT month, count(*) FROM new GROUP BY month";

const ADD_TO_NUMBERS: &str = "
INSERT INTO report_counts AS r (report, item, count) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ON CONFLICT (report, item) DO UPDATE SET count = r.count + excluded.count";

const BEST: &str = "
SELECT merchant_id, volume::text FROM merchants WHERE marks & $1 <> 0 ORDER BY volume DESC, merchant_id LIMIT $2";

impl RollupTx for PgConnection {
    async fn lock_ranking(&mut self) -> Result<Ranking, Fault> {
        let text: String = sqlx::query_scalar("SELECT ranking FROM merchant_ranking WHERE id = 1 FOR UPDATE")
            .fetch_one(&mut *self)
            .await?;
        serde_json::from_str(&text).map_err(Fault::broken)
    }

    async fn add_to_merchants(&mut self, deltas: &[MerchantDelta], ranking: &Ranking) -> Result<Vec<Changed>, Fault> {
        let mut query = sqlx::query(ADD_TO_MERCHANTS.as_str())
            .bind(column(deltas, |delta| &*delta.merchant_id))
            .bind(column(deltas, |delta| delta.volume.to_string()))
            .bind(column(deltas, |delta| delta.first_activity))
            .bind(column(deltas, |delta| delta.last_activity))
            .bind(column(deltas, |delta| delta.marks.0))
            .bind(ranking.least().map(|least| least.to_string()))
            .bind(ranking.leader_ids().collect::<Vec<_>>());
        let counts: Vec<Vec<u64>> = column(deltas, |delta| delta.counts.iter().map(|count| count.2).collect());
        for counter in 0..counters().count() {
            query = query.bind(column(&counts, |counts| counts[counter] as i64));
        }
        let rows = query.fetch_all(&mut *self).await?;
        rows.into_iter()
            .map(|row| {
                Ok(Changed {
                    merchant: ranked(row.try_get(0)?, row.try_get(1)?)?,
                    marks: Marks(row.try_get(2)?),
                    new_marks: Marks(row.try_get(3)?),
                })
            })
            .collect()
    }

    async fn add_months(&mut self, months: &[(Month, Box<str>)]) -> Result<BTreeMap<Month, u64>, Fault> {
        let rows: Vec<(i32, i64)> = sqlx::query_as(ADD_MONTHS)
            .bind(column(months, |(month, _)| month.number()))
            .bind(column(months, |(_, merchant)| &**merchant))
            .fetch_all(&mut *self)
            .await?;
        rows.into_iter()
            .map(|(month, count)| {
                let month = Month::from_number(month).ok_or_else(|| damaged("month"))?;
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

    async fn best(&mut self) -> Result<Vec<Ranked>, Fault> {
        let rows: Vec<(String, String)> = sqlx::query_as(BEST)
            .bind(Marks::SUCCEEDED.0)
            .bind(Ranking::LEADERS_MAX as i64 + 1)
            .fetch_all(&mut *self)
            .await?;
        rows.into_iter().map(|(id, volume)| ranked(id, volume)).collect()
    }

    async fn save_ranking(&mut self, ranking: &Ranking) -> Result<(), Fault> {
        let text = serde_json::to_string(ranking).map_err(Fault::broken)?;
        sqlx::query("UPDATE merchant_ranking SET version = version + 1, ranking = $1 WHERE id = 1")
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
