//! SQLite: the rollups, in the transaction of the rows that they count.

use std::collections::BTreeMap;

use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{self, Arguments as _, Row, SqliteConnection, SqlitePool};

use super::sqlite_inserts::{Insert, chunks, insert_chunked, placeholders, time};
use super::{Best, RollupTx};
use crate::db::Fault;
use crate::merchants::month::Month;
use crate::merchants::ranking::{Ranked, Ranking};
use crate::merchants::report::Item;
use crate::merchants::rollup::{Merchant, MerchantCounts, MerchantFlags};
use crate::merchants::volume::Volume;

const WRITE_MERCHANTS: Insert<(Box<str>, Merchant)> = Insert {
    into: "INSERT INTO merchants (merchant_id, volume_high, volume_low, counts, marks, first_activity, last_activity)",
    columns: 7,
    conflict: "ON CONFLICT (merchant_id) DO UPDATE SET volume_high = excluded.volume_high, \
               volume_low = excluded.volume_low, counts = excluded.counts, marks = excluded.marks, \
               first_activity = excluded.first_activity, last_activity = excluded.last_activity",
    values: |arguments, (id, merchant)| {
        let (high, low) = merchant.volume.halves();
        arguments.add(&**id)?;
        arguments.add(high)?;
        arguments.add(low)?;
        arguments.add(merchant.counts.text())?;
        arguments.add(merchant.flags.0)?;
        arguments.add(time(merchant.first_activity))?;
        arguments.add(time(merchant.last_activity))
    },
};

const ADD_MONTHS: Insert<(Month, Box<str>)> = Insert {
    into: "INSERT INTO merchant_months (month, merchant_id)",
    columns: 2,
    conflict: "ON CONFLICT DO NOTHING",
    values: |arguments, (month, merchant)| {
        arguments.add(month.number())?;
        arguments.add(&**merchant)
    },
};

const BEST: &str = "
SELECT merchant_id, volume_high, volume_low FROM merchants WHERE marks & ? <> 0
ORDER BY volume_high DESC, volume_low DESC, merchant_id LIMIT ?";

impl RollupTx for SqliteConnection {
    async fn lock(&mut self) -> Result<(i64, Ranking), Fault> {
        // A writing transaction has the lock of the whole file; a reading one sees one moment.
        let (version, text): (i64, String) =
            sqlx::query_as("SELECT version, ranking FROM merchant_ranking WHERE id = 1")
                .fetch_one(&mut *self)
                .await?;
        Ok((version, serde_json::from_str(&text).map_err(Fault::broken)?))
    }

    async fn read_merchants(&mut self, ids: &[&str]) -> Result<Vec<(Box<str>, Merchant)>, Fault> {
        let mut merchants = Vec::with_capacity(ids.len());
        for chunk in chunks(ids.len()) {
            let ids = &ids[chunk];
            let sql = format!(
                "SELECT merchant_id, volume_high, volume_low, counts, marks, first_activity, last_activity \
                 FROM merchants WHERE merchant_id IN {}",
                placeholders(1, ids.len())
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for id in ids {
                query = query.bind(*id);
            }
            for row in query.fetch_all(&mut *self).await? {
                merchants.push(merchant(&row)?);
            }
        }
        Ok(merchants)
    }

    async fn write_merchants(&mut self, merchants: &[(Box<str>, Merchant)]) -> Result<(), Fault> {
        insert_chunked(self, merchants, &WRITE_MERCHANTS).await?;
        Ok(())
    }

    async fn add_months(&mut self, months: &[(Month, Box<str>)]) -> Result<BTreeMap<Month, u64>, Fault> {
        let mut new: BTreeMap<Month, u64> = BTreeMap::new();
        for of_month in months.chunk_by(|one, other| one.0 == other.0) {
            let inserted = insert_chunked(self, of_month, &ADD_MONTHS).await?;
            new.insert(of_month[0].0, inserted.iter().map(|(_, inserted)| inserted).sum());
        }
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

    async fn best(&mut self) -> Result<Option<Vec<Ranked>>, Fault> {
        // A scan of all merchants here would hold the lock of the whole file; `best_of_all` scans on another
        // connection.
        Ok(None)
    }

    async fn save(&mut self, version: i64, ranking: &Ranking) -> Result<(), Fault> {
        let text = serde_json::to_string(ranking).map_err(Fault::broken)?;
        sqlx::query("UPDATE merchant_ranking SET version = ?, ranking = ? WHERE id = 1")
            .bind(version)
            .bind(text)
            .execute(&mut *self)
            .await?;
        Ok(())
    }
}

/// The best merchants at one version, on a connection for reading, so that no writer waits: as many as the ranking
/// keeps, one more, and `changed_max` more, since the next part may change so many.
pub(super) async fn best_of_all(read: &SqlitePool, changed_max: usize) -> Result<Best, Fault> {
    let mut tx = read.begin().await?;
    let (version, _) = tx.lock().await?;
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(BEST)
        .bind(MerchantFlags::SUCCEEDED.0)
        .bind((Ranking::LEADERS_MAX + 1 + changed_max) as i64)
        .fetch_all(&mut *tx)
        .await?;
    tx.rollback().await?;
    let merchants = rows.into_iter().map(|(id, high, low)| ranked(id, high, low)).collect();
    Ok(Best { version, merchants })
}

fn merchant(row: &SqliteRow) -> Result<(Box<str>, Merchant), Fault> {
    let (id, counts): (String, String) = (row.try_get("merchant_id")?, row.try_get("counts")?);
    let merchant = Merchant {
        volume: Volume::from_halves(row.try_get("volume_high")?, row.try_get("volume_low")?),
        counts: MerchantCounts::from_text(&counts).ok_or_else(|| Fault::damaged("a counts of merchants"))?,
        flags: MerchantFlags(row.try_get("marks")?),
        first_activity: row.try_get("first_activity")?,
        last_activity: row.try_get("last_activity")?,
    };
    Ok((id.into(), merchant))
}

fn ranked(merchant_id: String, high: i64, low: i64) -> Ranked {
    Ranked {
        merchant_id: merchant_id.into(),
        volume: Volume::from_halves(high, low),
    }
}
