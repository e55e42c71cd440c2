//! PostgreSQL: arrays in, by `unnest`. One statement writes a whole batch.

use std::sync::Arc;

use sea_orm::ActiveEnum;
use sea_orm::prelude::{Decimal, Uuid};
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::{PgArguments, PgConnection};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, Executor, PgPool, Postgres, Row, Transaction};

use super::{Written, rows};
use crate::db::{Fault, Link};
use crate::ledger::book::{Changes, WalletChange};
use crate::ledger::types::{Entry, Transfer, Wallet};
use crate::values::{Digest, TransferId, WalletId};

/// Commands in a batch: beyond this a batch gains nothing and its callers wait longer.
pub(super) const BATCH_MAX: usize = 1_000;

pub(in crate::ledger) struct PostgresLedger {
    pool: PgPool,
    pub link: Arc<Link>,
}

impl PostgresLedger {
    pub fn new(pool: PgPool, link: Arc<Link>) -> Self {
        Self { pool, link }
    }

    /// Those of these wallets that another session has locked. It takes no lock that it does not give back at once.
    pub async fn find_locked(&self, ids: &[WalletId]) -> Result<Vec<WalletId>, Fault> {
        let query = sqlx::query_scalar(FIND_LOCKED).bind(wallet_uuids(ids));
        let locked: Vec<Uuid> = query.fetch_all(&self.pool).await?;
        Ok(locked.into_iter().map(WalletId).collect())
    }

    pub async fn find_by_keys(&self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        find_by_keys(&self.pool, keys).await
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The first time both connections of the pool are opened: a new one makes the committer forget what it remembers.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, Fault> {
        let connection = self.pool.acquire().await?;
        if self.link.opened() == 1 {
            self.pool.acquire().await?;
        }
        Ok(connection)
    }

    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, Fault> {
        Ok(self.pool.begin().await?)
    }
}

/// All or nothing: the statement is its own transaction, and divides by zero when a wallet is stale.
pub(super) async fn write_at_once(connection: &mut PgConnection, changes: &Changes) -> Result<(), Fault> {
    let payments = changes.payments();
    let statement = format!("{} SELECT 1 / ({IS_FRESH})::int", write_of(&payments));
    bound(&statement, changes, &payments).execute(connection).await?;
    Ok(())
}

pub(super) async fn read_wallets(connection: &mut PgConnection, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault> {
    let query = sqlx::query(READ_WALLETS).bind(wallet_uuids(ids));
    let rows = query.fetch_all(connection).await?;
    rows.into_iter().map(rows::wallet).collect()
}

// A statement of its own: the locks that it takes end with it.
const FIND_LOCKED: &str = "
WITH free AS MATERIALIZED (SELECT id FROM wallets WHERE id = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED)
SELECT id FROM wallets WHERE id = ANY($1) AND id NOT IN (SELECT id FROM free)";

const READ_WALLETS: &str = "SELECT * FROM wallets WHERE id = ANY($1)";

// In id order, so that two replicas that want the same rows queue up and cannot deadlock.
const LOCK_WALLETS: &str = "SELECT * FROM wallets WHERE id = ANY($1) ORDER BY id FOR UPDATE";

pub(super) async fn lock_wallets(
    tx: &mut Transaction<'static, Postgres>,
    ids: &[WalletId],
) -> Result<Vec<Wallet>, Fault> {
    let rows = sqlx::query(LOCK_WALLETS)
        .bind(wallet_uuids(ids))
        .fetch_all(&mut **tx)
        .await?;
    rows.into_iter().map(rows::wallet).collect()
}

pub(super) async fn find_by_keys<'c>(
    executor: impl Executor<'c, Database = Postgres>,
    keys: &[Digest],
) -> Result<Vec<Transfer>, Fault> {
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.0.as_slice()).collect();
    let query = sqlx::query("SELECT * FROM transfers WHERE idempotency_key = ANY($1)").bind(keys);
    query
        .fetch_all(executor)
        .await?
        .into_iter()
        .map(rows::transfer)
        .collect()
}

pub(super) async fn has_transfer(tx: &mut Transaction<'static, Postgres>, id: TransferId) -> Result<bool, Fault> {
    let query = sqlx::query("SELECT 1 FROM transfers WHERE id = $1").bind(id.0);
    Ok(query.fetch_optional(&mut **tx).await?.is_some())
}

pub(super) async fn write(tx: &mut Transaction<'static, Postgres>, changes: &Changes) -> Result<Written, Fault> {
    let payments = changes.payments();
    let statement = format!("{} SELECT {IS_FRESH}", write_of(&payments));
    let written = bound(&statement, changes, &payments).fetch_one(&mut **tx).await?;
    let fresh: bool = written.try_get(0)?;
    Ok(if fresh { Written::Changed } else { Written::Stale })
}

// The wallets come sorted by id and are updated in that order. A wallet counts as unchanged when everything that a
// decision rests on is as it was: entries move the version, freezing the status, holds the held. The balance is compared
// too: a database that lost its newest commits may come to the same version again by another way.
const WRITE: &str = "
WITH changed AS (
    UPDATE wallets w SET balance = c.balance, version = c.version_after, updated_at = c.updated_at
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[], $7::bigint[],
        $8::timestamptz[])
        AS c (id, version, status, held, balance_before, balance, version_after, updated_at)
    WHERE w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance_before
    RETURNING 1
), confirmed AS (
    SELECT 1 FROM unnest($9::uuid[], $10::bigint[], $11::text[], $12::numeric[], $13::numeric[])
        AS c (id, version, status, held, balance)
    JOIN wallets w ON w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance
), new_transfers AS (
    INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method,
        description, metadata, failure_reason, available, idempotency_key, request_digest, created_at)
    SELECT id, kind, status, source, destination, amount, currency, method, description, metadata, reason, available,
        key, digest, created_at
    FROM unnest($14::uuid[], $15::smallint[], $16::smallint[], $17::uuid[], $18::uuid[], $19::numeric[], $20::text[],
        $21::text[], $22::text[], $23::text[], $24::text[], $25::numeric[], $26::bytea[], $27::bytea[],
        $28::timestamptz[])
        AS t (id, kind, status, source, destination, amount, currency, method, description, metadata, reason,
        available, key, digest, created_at)
), new_entries AS (
    INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after)
    SELECT * FROM unnest($29::uuid[], $30::uuid[], $31::bigint[], $32::numeric[], $33::numeric[])
)";

// Only in the statement of a batch that has deposits or withdrawals: transfers do not pay for it.
const OUTBOX: &str = ", new_outbox AS (INSERT INTO outbox (transfer_id) SELECT * FROM unnest($34::uuid[]))";

fn write_of(payments: &[TransferId]) -> String {
    let outbox = if payments.is_empty() { "" } else { OUTBOX };
    format!("{WRITE}{outbox}")
}

const IS_FRESH: &str = "(SELECT count(*) FROM changed) = cardinality($1::uuid[]) \
    AND (SELECT count(*) FROM confirmed) = cardinality($9::uuid[])";

fn bound<'q>(statement: &'q str, changes: &'q Changes, payments: &[TransferId]) -> Query<'q, Postgres, PgArguments> {
    let query = sqlx::query(sqlx::AssertSqlSafe(statement));
    let query = bind_wallets(query, &changes.wallets);
    let query = bind_confirmed(query, &changes.confirmed);
    let transfers: Vec<&Transfer> = changes.transfers.iter().map(AsRef::as_ref).collect();
    let query = bind_transfers(query, &transfers);
    let query = bind_entries(query, &changes.entries);
    if payments.is_empty() {
        return query;
    }
    query.bind(column(payments, |payment| payment.0))
}

type Bound<'q> = Query<'q, Postgres, PgArguments>;

fn column<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn bind_wallets<'q>(query: Bound<'q>, wallets: &'q [WalletChange]) -> Bound<'q> {
    query
        .bind(column(wallets, |wallet| wallet.read.id.0))
        .bind(column(wallets, |wallet| wallet.read.version.0))
        .bind(column(wallets, |wallet| wallet.read.status.as_str()))
        .bind(column(wallets, |wallet| wallet.read.held.to_decimal()))
        .bind(column(wallets, |wallet| wallet.read.balance.to_decimal()))
        .bind(column(wallets, |wallet| wallet.now.balance.to_decimal()))
        .bind(column(wallets, |wallet| wallet.now.version.0))
        .bind(column(wallets, |wallet| wallet.now.updated_at))
}

fn bind_confirmed<'q>(query: Bound<'q>, wallets: &'q [Wallet]) -> Bound<'q> {
    query
        .bind(column(wallets, |wallet| wallet.id.0))
        .bind(column(wallets, |wallet| wallet.version.0))
        .bind(column(wallets, |wallet| wallet.status.as_str()))
        .bind(column(wallets, |wallet| wallet.held.to_decimal()))
        .bind(column(wallets, |wallet| wallet.balance.to_decimal()))
}

fn bind_transfers<'q>(query: Bound<'q>, transfers: &[&'q Transfer]) -> Bound<'q> {
    let text = |value: &'q Option<String>| value.as_deref();
    query
        .bind(column(transfers, |transfer| transfer.id.0))
        .bind(column(transfers, |transfer| transfer.kind.to_value()))
        .bind(column(transfers, |transfer| transfer.status.to_value()))
        .bind(column(transfers, |transfer| transfer.source.0))
        .bind(column(transfers, |transfer| transfer.destination.0))
        .bind(column(transfers, |transfer| transfer.amount.to_decimal()))
        .bind(column(transfers, |transfer| transfer.currency.code()))
        .bind(column(transfers, |transfer| {
            transfer.method.as_ref().map(|method| method.as_str())
        }))
        .bind(column(transfers, |transfer| text(&transfer.description)))
        .bind(column(transfers, |transfer| text(&transfer.metadata)))
        .bind(column(transfers, |transfer| {
            transfer.failure.map(|failure| failure.code())
        }))
        .bind(column(transfers, |transfer| available(transfer)))
        .bind(column(transfers, |transfer| {
            transfer.idempotency.as_ref().map(|key| key.key.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            transfer.idempotency.as_ref().map(|key| key.request.0.as_slice())
        }))
        .bind(column(transfers, |transfer| transfer.created_at))
}

fn available(transfer: &Transfer) -> Option<Decimal> {
    transfer
        .failure
        .and_then(|failure| failure.available())
        .map(|available| available.to_decimal())
}

fn bind_entries<'q>(query: Bound<'q>, entries: &'q [Entry]) -> Bound<'q> {
    query
        .bind(column(entries, |entry| entry.wallet.0))
        .bind(column(entries, |entry| entry.transfer.0))
        .bind(column(entries, |entry| entry.version.0))
        .bind(column(entries, |entry| entry.amount.to_decimal()))
        .bind(column(entries, |entry| entry.balance_after.to_decimal()))
}

fn wallet_uuids(ids: &[WalletId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}
