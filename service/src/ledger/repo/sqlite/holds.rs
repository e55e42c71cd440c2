//! Holds: reads what captures, voids and reversals refer to, the holds that expire, and what went out of a wallet on a
//! day; and writes the holds and the callers' batches of a commit.

use std::sync::LazyLock;

use sea_orm::prelude::Uuid;
use sea_orm::sqlx::{self, Row, Sqlite, Transaction};
use sea_orm::{ActiveEnum, DbBackend};
use serde_json::{Value, json};

use super::super::rows::{self, original_columns};
use super::json_rows::{text, time};
use crate::clock::id_floor;
use crate::db::{Fault, SqlDialect, hex, units_of_parts};
use crate::ledger::book::{BatchRow, HoldUpdate};
use crate::ledger::store::MissingOriginals;
use crate::ledger::types::{Hold, Original, Outflow, day_of};
use crate::values::{Money, Timestamp, TransferId, WalletId};

type Tx = Transaction<'static, Sqlite>;

/// These transfers with what has become of them.
pub async fn read_originals(tx: &mut Tx, missing: &MissingOriginals) -> Result<Vec<Original>, Fault> {
    let list = |ids: &[TransferId]| -> String {
        let ids: Vec<String> = ids.iter().map(|id| hex(id.0.as_bytes())).collect();
        json!(ids).to_string()
    };
    let query = sqlx::query(READ_ORIGINALS.as_str())
        .bind(list(&missing.ids))
        .bind(list(&missing.reversed));
    let found = query.fetch_all(&mut **tx).await?;
    found.into_iter().map(rows::original).collect()
}

// As on PostgreSQL.
static READ_ORIGINALS: LazyLock<String> = LazyLock::new(|| {
    let columns = original_columns();
    let units = SqlDialect::new(DbBackend::Sqlite).units("r.amount");
    format!(
        "
SELECT {columns},
    CASE WHEN t.id IN (SELECT unhex(value) FROM json_each(?2)) THEN (SELECT sum({units}) FROM transfers r
    WHERE r.parent_id = t.id AND r.parent_id IS NOT NULL AND r.kind = 4 AND r.status = 2) END AS reversed
FROM transfers t LEFT JOIN holds h ON h.id = CASE WHEN t.kind = 5 THEN t.id END
WHERE t.id IN (SELECT unhex(value) FROM json_each(?1))"
    )
});

/// For each of these wallets with an open hold, the time of its first expiry.
pub async fn first_expiries(tx: &mut Tx, wallets: &[WalletId]) -> Result<Vec<(WalletId, Timestamp)>, Fault> {
    let query = sqlx::query_as(FIRST_EXPIRIES).bind(wallet_list(wallets));
    let found: Vec<(Uuid, Timestamp)> = query.fetch_all(&mut **tx).await?;
    Ok(found.into_iter().map(|(id, at)| (WalletId(id), at)).collect())
}

// One step into the index for each wallet, however many holds it has.
const FIRST_EXPIRIES: &str = r#"
SELECT id, first FROM (
    SELECT unhex(value) AS id,
        (SELECT min(expires_at) FROM holds WHERE wallet_id = unhex(value) AND "end" IS NULL) AS first
    FROM json_each(?)
) WHERE first IS NOT NULL"#;

/// Open holds of these wallets that expire up to a time, the first to expire first, at most so many of each wallet; more
/// if several expire at once.
pub async fn expiring(
    tx: &mut Tx,
    wallets: &[WalletId],
    until: Timestamp,
    limit_each: usize,
) -> Result<Vec<Original>, Fault> {
    let query = sqlx::query(EXPIRING.as_str())
        .bind(wallet_list(wallets))
        .bind(time(until))
        .bind(limit_each as i64);
    let found = query.fetch_all(&mut **tx).await?;
    found.into_iter().map(rows::original).collect()
}

// SQLite has no LATERAL, so the bound of each wallet is a time: that of its last hold within the limit. CROSS JOIN keeps
// the order of the tables.
static EXPIRING: LazyLock<String> = LazyLock::new(|| {
    let columns = original_columns();
    format!(
        r#"
SELECT {columns}, NULL AS reversed FROM json_each(?1) AS asked CROSS JOIN holds h CROSS JOIN transfers t
WHERE h.wallet_id = unhex(asked.value) AND h."end" IS NULL AND t.id = h.id AND h.expires_at <= min(?2, coalesce(
    (SELECT expires_at FROM holds WHERE wallet_id = unhex(asked.value) AND "end" IS NULL
    ORDER BY expires_at LIMIT 1 OFFSET ?3 - 1), ?2))
ORDER BY h.expires_at, h.id"#
    )
});

/// What went out of a wallet since the beginning of a UTC day.
pub async fn outflow_since(tx: &mut Tx, wallet: WalletId, day: Timestamp) -> Result<Outflow, Fault> {
    let query = sqlx::query(OUTFLOW.as_str()).bind(wallet.0).bind(id_floor(day));
    let row = query.fetch_one(&mut **tx).await?;
    let (high, low): (Option<i64>, Option<i64>) = (row.try_get("units_high")?, row.try_get("units_low")?);
    let units = units_of_parts(high.unwrap_or_default(), low.unwrap_or_default());
    let amount = i64::try_from(units).ok().and_then(Money::from_units);
    Ok(Outflow {
        day: day_of(day),
        amount: amount.unwrap_or(Money::MAX),
        transfers: row.try_get("transfers")?,
    })
}

// As on PostgreSQL.
static OUTFLOW: LazyLock<String> = LazyLock::new(|| {
    let dialect = SqlDialect::new(DbBackend::Sqlite);
    let (amount, remaining, captured) = (
        dialect.units("t.amount"),
        dialect.units("h.remaining"),
        dialect.units("h.captured"),
    );
    // Already in units.
    let sum =
        "CAST(sum(units / 1000000000) AS bigint) AS units_high, CAST(sum(units % 1000000000) AS bigint) AS units_low";
    format!(
        r#"
SELECT {sum}, coalesce(sum(transfers), 0) AS transfers FROM (
    SELECT {amount} AS units, 1 AS transfers FROM entries e JOIN transfers t ON t.id = e.transfer_id
    WHERE e.wallet_id = ?1 AND e.transfer_id >= ?2 AND e.amount LIKE '-%' AND t.kind IN (1, 3)
    UNION ALL
    SELECT {remaining} + {captured}, CASE WHEN h."end" IS NOT NULL AND {captured} = 0 THEN 0 ELSE 1 END
    FROM transfers t JOIN holds h ON h.id = t.id
    WHERE t.source_wallet_id = ?1 AND t.id >= ?2 AND t.kind IN (5, 6) AND t.kind = 5 AND t.status <> 3
) AS gone"#
    )
});

/// Inserts new holds.
pub async fn insert_begun(tx: &mut Tx, holds: &[Hold]) -> Result<(), Fault> {
    let rows: Vec<Value> = holds
        .iter()
        .map(|hold| {
            json!([
                hex(hold.id.0.as_bytes()),
                hex(hold.wallet.0.as_bytes()),
                hold.remaining,
                hold.captured,
                time(hold.expires_at),
                hold.end.map(|(end, _)| end.to_value()),
                hold.end.map(|(_, at)| time(at)),
            ])
        })
        .collect();
    sqlx::query(INSERT_HOLDS).bind(text(&rows)).execute(&mut **tx).await?;
    Ok(())
}

const INSERT_HOLDS: &str = r#"
INSERT INTO holds (id, wallet_id, remaining, captured, expires_at, "end", ended_at)
SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
FROM json_each(?)"#;

/// Changes stored holds; fails if one is no longer as it was decided on.
pub async fn update_changed(tx: &mut Tx, holds: &[HoldUpdate]) -> Result<(), Fault> {
    let rows: Vec<Value> = holds
        .iter()
        .map(|hold| {
            json!([
                hex(hold.read.id.0.as_bytes()),
                hold.read.remaining,
                hold.read.captured,
                hold.now.remaining,
                hold.now.captured,
                hold.now.end.map(|(end, _)| end.to_value()),
                hold.now.end.map(|(_, at)| time(at)),
            ])
        })
        .collect();
    let written = sqlx::query(UPDATE_HOLDS).bind(text(&rows)).execute(&mut **tx).await?;
    if written.rows_affected() != holds.len() as u64 {
        return Err(Fault::wallet_changed());
    }
    Ok(())
}

const UPDATE_HOLDS: &str = r#"
UPDATE holds SET remaining = c.remaining, captured = c.captured, "end" = c.how, ended_at = c.ended_at
FROM (SELECT unhex(value ->> 0) AS id, value ->> 1 AS remaining_before, value ->> 2 AS captured_before,
        value ->> 3 AS remaining, value ->> 4 AS captured, value ->> 5 AS how, value ->> 6 AS ended_at
    FROM json_each(?)) AS c
WHERE holds.id = c.id AND holds.remaining = c.remaining_before AND holds.captured = c.captured_before
    AND holds."end" IS NULL"#;

/// Inserts the outcomes of callers' batches.
pub async fn insert_batches(tx: &mut Tx, batches: &[BatchRow]) -> Result<(), Fault> {
    let rows: Vec<Value> = batches
        .iter()
        .map(|batch| json!([hex(batch.id.0.as_bytes()), batch.results]))
        .collect();
    sqlx::query(INSERT_BATCHES).bind(text(&rows)).execute(&mut **tx).await?;
    Ok(())
}

const INSERT_BATCHES: &str =
    "INSERT INTO batches (id, results) SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?)";

fn wallet_list(wallets: &[WalletId]) -> String {
    let ids: Vec<String> = wallets.iter().map(|id| hex(id.0.as_bytes())).collect();
    json!(ids).to_string()
}
