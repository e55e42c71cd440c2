//! Holds: reads what captures, voids and reversals refer to, the holds that expire, and what went out of a wallet on a
//! day; and binds the holds that a commit writes.

use std::sync::LazyLock;

use sea_orm::ActiveEnum;
use sea_orm::prelude::{Decimal, Uuid};
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::{self, Row};

use super::super::rows::{self, original_columns};
use super::bind::{BoundQuery, column};
use super::wallet_uuids;
use crate::clock::id_floor;
use crate::db::Fault;
use crate::ledger::book::{BatchRow, HoldUpdate};
use crate::ledger::store::MissingOriginals;
use crate::ledger::types::{Hold, Original, Outflow, day_of};
use crate::values::{Money, Timestamp, TransferId, WalletId};

/// These transfers with what has become of them.
pub async fn read_originals(connection: &mut PgConnection, missing: &MissingOriginals) -> Result<Vec<Original>, Fault> {
    let uuids = |ids: &[TransferId]| -> Vec<Uuid> { ids.iter().map(|id| id.0).collect() };
    let found = sqlx::query(READ_ORIGINALS.as_str())
        .bind(uuids(&missing.ids))
        .bind(uuids(&missing.reversed))
        .fetch_all(connection)
        .await?;
    found.into_iter().map(rows::original).collect()
}

// A row costs one page more than no row, so that the time of an answer tells little about another customer's transfer: only
// for a hold is its state looked up, and the sum of the reversals only where one is asked for. A NULL is looked up nowhere.
static READ_ORIGINALS: LazyLock<String> = LazyLock::new(|| {
    let columns = original_columns();
    format!(
        "
SELECT {columns},
    CASE WHEN t.id = ANY($2) THEN (SELECT (sum(r.amount) * 10000)::bigint FROM transfers r
    WHERE r.parent_id = t.id AND r.parent_id IS NOT NULL AND r.kind = 4 AND r.status = 2) END AS reversed
FROM transfers t LEFT JOIN holds h ON h.id = CASE WHEN t.kind = 5 THEN t.id END WHERE t.id = ANY($1)"
    )
});

/// For each of these wallets with an open hold, the time of its first expiry.
pub async fn first_expiries(
    connection: &mut PgConnection,
    wallets: &[WalletId],
) -> Result<Vec<(WalletId, Timestamp)>, Fault> {
    let query = sqlx::query_as(FIRST_EXPIRIES).bind(wallet_uuids(wallets));
    let found: Vec<(Uuid, Timestamp)> = query.fetch_all(connection).await?;
    Ok(found.into_iter().map(|(id, at)| (WalletId(id), at)).collect())
}

// One step into the index for each wallet, however many holds it has.
const FIRST_EXPIRIES: &str = r#"
SELECT asked.id, first.expires_at FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (
    SELECT expires_at FROM holds WHERE wallet_id = asked.id AND "end" IS NULL ORDER BY expires_at LIMIT 1
) AS first"#;

/// Open holds of these wallets that expire up to a time, the first to expire first, at most so many of each wallet.
pub async fn expiring(
    connection: &mut PgConnection,
    wallets: &[WalletId],
    until: Timestamp,
    limit_each: usize,
) -> Result<Vec<Original>, Fault> {
    let query = sqlx::query(EXPIRING.as_str())
        .bind(wallet_uuids(wallets))
        .bind(until)
        .bind(limit_each as i64);
    let found = query.fetch_all(connection).await?;
    found.into_iter().map(rows::original).collect()
}

// A hold cannot be reversed. As an array: a generic plan that was made while the tables were empty may join them by
// reading the whole of one.
static EXPIRING: LazyLock<String> = LazyLock::new(|| {
    let columns = original_columns();
    format!(
        r#"
SELECT {columns}, NULL::bigint AS reversed FROM holds h JOIN transfers t ON t.id = h.id
WHERE h.id = ANY(ARRAY(
    SELECT due.id FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (
        SELECT id FROM holds WHERE wallet_id = asked.id AND "end" IS NULL AND expires_at <= $2
        ORDER BY expires_at LIMIT $3
    ) AS due
)) ORDER BY h.expires_at, h.id"#
    )
});

/// What went out of a wallet since the beginning of a UTC day.
pub async fn outflow_since(connection: &mut PgConnection, wallet: WalletId, day: Timestamp) -> Result<Outflow, Fault> {
    let query = sqlx::query(OUTFLOW).bind(wallet.0).bind(id_floor(day));
    let row = query.fetch_one(connection).await?;
    let amount: Decimal = row.try_get("amount")?;
    Ok(Outflow {
        day: day_of(day),
        amount: Money::from_decimal(amount).unwrap_or(Money::MAX),
        transfers: row.try_get("transfers")?,
    })
}

// Transfers and withdrawals by the wallet's entries, holds by their own index. What a hold of the day has given back went
// out no more, and a hold that ended with nothing captured counts as no transfer.
const OUTFLOW: &str = r#"
SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(transfers), 0)::bigint AS transfers FROM (
    SELECT t.amount, 1 AS transfers FROM entries e JOIN transfers t ON t.id = e.transfer_id
    WHERE e.wallet_id = $1 AND e.transfer_id >= $2 AND e.amount < 0 AND t.kind IN (1, 3)
    UNION ALL
    SELECT h.remaining + h.captured, CASE WHEN h."end" IS NOT NULL AND h.captured = 0 THEN 0 ELSE 1 END
    FROM transfers t JOIN holds h ON h.id = t.id
    WHERE t.source_wallet_id = $1 AND t.id >= $2 AND t.kind IN (5, 6) AND t.kind = 5 AND t.status <> 3
) AS gone"#;

/// Binds new holds, in the order of `BEGUN_HOLDS`.
pub fn bind_begun<'q>(query: BoundQuery<'q>, holds: &'q [Hold]) -> BoundQuery<'q> {
    query
        .bind(column(holds, |hold| hold.id.0))
        .bind(column(holds, |hold| hold.wallet.0))
        .bind(column(holds, |hold| hold.remaining.to_decimal()))
        .bind(column(holds, |hold| hold.captured.to_decimal()))
        .bind(column(holds, |hold| hold.expires_at))
        .bind(column(holds, |hold| hold.end.map(|(end, _)| end.to_value())))
        .bind(column(holds, |hold| hold.end.map(|(_, at)| at)))
}

/// Binds the outcomes of batches, in the order of `BATCHES`.
pub fn bind_batches<'q>(query: BoundQuery<'q>, batches: &'q [BatchRow]) -> BoundQuery<'q> {
    let results: Vec<&str> = batches.iter().map(|batch| batch.results.as_str()).collect();
    query.bind(column(batches, |batch| batch.id.0)).bind(results)
}

/// Binds stored holds that change, in the order of `CHANGED_HOLDS`.
pub fn bind_changed<'q>(query: BoundQuery<'q>, holds: &'q [HoldUpdate]) -> BoundQuery<'q> {
    query
        .bind(column(holds, |hold| hold.read.id.0))
        .bind(column(holds, |hold| hold.read.remaining.to_decimal()))
        .bind(column(holds, |hold| hold.read.captured.to_decimal()))
        .bind(column(holds, |hold| hold.now.remaining.to_decimal()))
        .bind(column(holds, |hold| hold.now.captured.to_decimal()))
        .bind(column(holds, |hold| hold.now.end.map(|(end, _)| end.to_value())))
        .bind(column(holds, |hold| hold.now.end.map(|(_, at)| at)))
}
