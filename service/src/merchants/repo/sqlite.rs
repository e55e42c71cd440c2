//! SQLite: a block in parts, each in a short transaction of its own, the checkpoint with the last.
//!
//! Sorting a large block by event lets one index page take many of its rows before it is written; sorting a small one
//! would write a page a row. But a large block holds the write lock too long, hence the parts. What is stored of a block
//! that is not finished stands in `activity_parts`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use chrono::{Datelike, SecondsFormat, Timelike};
use sea_orm::ActiveEnum;
use sea_orm::sqlx::{self, Row, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::values::{listed, pieces, placeholders};
use super::{Changed, RollupTx, add, counters};
use crate::db::{Db, Fault};
use crate::imports::repo::{Advanced, advance_on_sqlite, stands_at_on_sqlite};
use crate::imports::{Block, Stored};
use crate::merchants::batch::Batch;
use crate::merchants::month::Month;
use crate::merchants::ranking::{Ranked, Ranking};
use crate::merchants::report::Item;
use crate::merchants::rollup::{Marks, MerchantDelta, Rollup};
use crate::merchants::row::Activity;
use crate::merchants::volume::{LOW_END, Volume};
use crate::values::{ImportId, Timestamp};

/// Between two transactions, so that writers in other processes, which only look again after a while, find the lock free.
const PAUSE: Duration = Duration::from_millis(5);

/// The way of activities into SQLite.
pub(in crate::merchants) struct SqliteRows {
    pool: SqlitePool,
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
        }
    }

    /// Stores every part that is not stored, and the checkpoint with the last one.
    pub async fn store(&self, block: &Block<Batch>) -> Result<Stored, Fault> {
        let last = block.rows.parts().count().saturating_sub(1);
        let mut inserted = 0;
        if last > 0 {
            let done = self.stored_parts(block).await?;
            for (part, (rows, rollup)) in block.rows.parts().enumerate().take(last) {
                inserted += match done.get(&(part as i64)) {
                    Some(stored) => *stored,
                    None => match self.store_part(block, part, rows, rollup).await? {
                        Part::Stored(stored) => stored,
                        Part::Stale => return Ok(Stored::Stale),
                    },
                };
            }
        }
        self.finish(block, inserted).await
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
        rollup: &Rollup,
    ) -> Result<Part, Fault> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let stored = if stands_at_on_sqlite(&mut tx, block).await? {
            let inserted = insert_new(&mut tx, rows, rollup).await?;
            note_part(&mut tx, block, part, inserted).await?
        } else {
            Part::Stale
        };
        match stored {
            Part::Stored(_) => tx.commit().await?,
            Part::Stale => tx.rollback().await?,
        }
        tokio::time::sleep(PAUSE).await;
        Ok(stored)
    }

    /// Stores the last part, if there is any, and moves the checkpoint behind the block.
    async fn finish(&self, block: &Block<Batch>, before: u64) -> Result<Stored, Fault> {
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let inserted = match block.rows.parts().last() {
            Some((rows, rollup)) => before + insert_new(&mut tx, rows, rollup).await?,
            None => 0,
        };
        let duplicate = block.counts.rows() - inserted;
        let stored = match advance_on_sqlite(&mut tx, block, inserted, duplicate).await? {
            Advanced::Changed => {
                forget_parts(&mut tx, block.import).await?;
                tx.commit().await?;
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

/// Inserts the rows that are not stored, and what they add.
async fn insert_new(tx: &mut SqliteConnection, rows: &[Activity], rollup: &Rollup) -> Result<u64, Fault> {
    let rowid_before: i64 = sqlx::query_scalar("SELECT coalesce(max(rowid), 0) FROM activities")
        .fetch_one(&mut *tx)
        .await?;
    let mut stored = HashSet::new();
    for piece in pieces(rows.len()) {
        let rows = &rows[piece];
        if insert(tx, rows).await? < rows.len() as u64 {
            stored.extend(stored_before(tx, rows, rowid_before).await?);
        }
    }
    if stored.is_empty() {
        add_all(tx, rollup).await?;
    } else {
        let new = rows.iter().filter(|row| !stored.contains(&row.event_id));
        add_all(tx, &Rollup::of(new)).await?;
    }
    Ok((rows.len() - stored.len()) as u64)
}

async fn add_all(tx: &mut SqliteConnection, rollup: &Rollup) -> Result<(), Fault> {
    if rollup.merchants.is_empty() {
        return Ok(());
    }
    add(tx, rollup).await
}

const COLUMNS: usize = 10;

/// Inserts rows and says how many were new.
async fn insert(tx: &mut SqliteConnection, rows: &[Activity]) -> Result<u64, Fault> {
    let sql = format!(
        "INSERT INTO activities (event_id, occurred_at, amount, product, status, channel, merchant_id, event_type, \
         region, merchant_tier) VALUES {} ON CONFLICT (event_id) DO NOTHING",
        placeholders(rows.len(), COLUMNS)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for row in rows {
        query = query
            .bind(row.event_id)
            .bind(time(row.occurred_at))
            .bind(row.amount.to_string())
            .bind(row.product.to_value())
            .bind(row.status.to_value())
            .bind(row.channel.map(|channel| channel.to_value()))
            .bind(row.merchant_id())
            .bind(row.event_type())
            .bind(row.region())
            .bind(row.merchant_tier());
    }
    Ok(query.execute(tx).await?.rows_affected())
}

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

const MERCHANT_COLUMNS: usize = 7 + crate::merchants::rollup::COUNTERS;

fn add_to_merchants(rows: usize) -> String {
    let sum = |name: &str| format!("{name} = m.{name} + excluded.{name}");
    format!(
        "INSERT INTO merchants AS m (merchant_id, volume_high, volume_low, first_activity, last_activity, marks, new_marks{})
VALUES {} ON CONFLICT (merchant_id) DO UPDATE SET
    volume_high = m.volume_high + excluded.volume_high + (m.volume_low + excluded.volume_low) / {LOW_END},
    volume_low = (m.volume_low + excluded.volume_low) % {LOW_END},
    first_activity = min(m.first_activity, excluded.first_activity),
    last_activity = max(m.last_activity, excluded.last_activity),
    marks = m.marks | excluded.marks, new_marks = excluded.marks & ~m.marks{}
RETURNING merchant_id, volume_high, volume_low, marks, new_marks",
        listed(counters(), str::to_owned),
        placeholders(rows, MERCHANT_COLUMNS),
        listed(counters(), sum),
    )
}

const BEST: &str = "
SELECT merchant_id, volume_high, volume_low FROM merchants WHERE marks & ? <> 0
ORDER BY volume_high DESC, volume_low DESC, merchant_id LIMIT ?";

impl RollupTx for SqliteConnection {
    async fn lock_ranking(&mut self) -> Result<Ranking, Fault> {
        // The transaction has the write lock of the whole file.
        let text: String = sqlx::query_scalar("SELECT ranking FROM merchant_ranking WHERE id = 1")
            .fetch_one(&mut *self)
            .await?;
        serde_json::from_str(&text).map_err(Fault::broken)
    }

    async fn add_to_merchants(&mut self, deltas: &[MerchantDelta], ranking: &Ranking) -> Result<Vec<Changed>, Fault> {
        let leaders: HashSet<&str> = ranking.leader_ids().collect();
        let matters = |one: &Changed| {
            one.new_marks != Marks::default()
                || ranking.least().is_none_or(|least| one.merchant.volume >= least)
                || leaders.contains(&*one.merchant.merchant_id)
        };
        let mut changed = Vec::new();
        for piece in pieces(deltas.len()) {
            let deltas = &deltas[piece];
            let mut query = sqlx::query(sqlx::AssertSqlSafe(add_to_merchants(deltas.len())));
            for delta in deltas {
                let (high, low) = delta.volume.halves();
                query = query
                    .bind(&*delta.merchant_id)
                    .bind(high)
                    .bind(low)
                    .bind(time(delta.first_activity))
                    .bind(time(delta.last_activity))
                    .bind(delta.marks.0)
                    .bind(delta.marks.0);
                for (_, _, count) in delta.counts.iter() {
                    query = query.bind(count as i64);
                }
            }
            for row in query.fetch_all(&mut *self).await? {
                let one = Changed {
                    merchant: ranked(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?),
                    marks: Marks(row.try_get(3)?),
                    new_marks: Marks(row.try_get(4)?),
                };
                changed.extend(Some(one).filter(matters));
            }
        }
        Ok(changed)
    }

    async fn add_months(&mut self, months: &[(Month, Box<str>)]) -> Result<BTreeMap<Month, u64>, Fault> {
        let mut new: BTreeMap<Month, u64> = BTreeMap::new();
        for of_month in months.chunk_by(|one, other| one.0 == other.0) {
            for piece in pieces(of_month.len()) {
                let months = &of_month[piece];
                let sql = format!(
                    "INSERT INTO merchant_months (month, merchant_id) VALUES {} ON CONFLICT DO NOTHING",
                    placeholders(months.len(), 2)
                );
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
                for (month, merchant) in months {
                    query = query.bind(month.number()).bind(&**merchant);
                }
                *new.entry(months[0].0).or_default() += query.execute(&mut *self).await?.rows_affected();
            }
        }
        new.retain(|_, count| *count > 0);
        Ok(new)
    }

    async fn add_to_numbers(&mut self, numbers: BTreeMap<Item, u64>) -> Result<(), Fault> {
        for (item, count) in numbers {
            let (report, item) = item.key();
            sqlx::query(
                "INSERT INTO report_counts AS r (report, item, count) VALUES (?, ?, ?)
                 ON CONFLICT (report, item) DO UPDATE SET count = r.count + excluded.count",
            )
            .bind(report)
            .bind(item)
            .bind(count as i64)
            .execute(&mut *self)
            .await?;
        }
        Ok(())
    }

    async fn best(&mut self) -> Result<Vec<Ranked>, Fault> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(BEST)
            .bind(Marks::SUCCEEDED.0)
            .bind(Ranking::LEADERS_MAX as i64 + 1)
            .fetch_all(&mut *self)
            .await?;
        Ok(rows.into_iter().map(|(id, high, low)| ranked(id, high, low)).collect())
    }

    async fn save_ranking(&mut self, ranking: &Ranking) -> Result<(), Fault> {
        let text = serde_json::to_string(ranking).map_err(Fault::broken)?;
        sqlx::query("UPDATE merchant_ranking SET version = version + 1, ranking = ? WHERE id = 1")
            .bind(text)
            .execute(&mut *self)
            .await?;
        Ok(())
    }
}

fn ranked(merchant_id: String, high: i64, low: i64) -> Ranked {
    Ranked {
        merchant_id: merchant_id.into(),
        volume: Volume::from_halves(high, low),
    }
}

/// The text that the driver itself writes for a time, several times as fast.
fn time(time: Timestamp) -> String {
    if time.nanosecond() != 0 {
        return time.to_rfc3339_opts(SecondsFormat::AutoSi, false);
    }
    let date = [time.year().unsigned_abs(), time.month(), time.day()];
    let clock = [time.hour(), time.minute(), time.second()];
    let mut text = *b"0000-00-00T00:00:00+00:00";
    let mut put = |end: usize, number: u32, digits: usize| {
        let mut rest = number;
        for place in (end - digits..end).rev() {
            text[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    };
    put(4, date[0], 4);
    for (index, number) in date[1..].iter().chain(&clock).enumerate() {
        put(7 + 3 * index, *number, 2);
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}
