//! PostgreSQL: statements take arrays and `unnest` them. One statement writes a whole batch.

mod audit;
mod bind;
pub(super) mod holds;
mod statement;
mod turn;
mod write;

pub(super) use write::write;

use std::sync::{Arc, LazyLock};

use sea_orm::prelude::Uuid;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::postgres::{PgConnection, PgRow};
use sea_orm::sqlx::{self, PgPool, Postgres, Row, SqlSafeStr, Transaction};

use super::rows::{self, TRANSFER_COLUMNS, WALLET_COLUMNS};
use super::{CATCH_UP_MAX, ChangedWallet, TurnAnswer, TurnRequest};
use crate::db::{CommitConnections, Fault};
use crate::journal::{Head, LedgerIdentity};
use crate::ledger::types::{Opening, Owner, Transfer, Wallet};
use crate::values::{Digest, Sha256Digest, WalletId};

/// Commands in a batch: beyond this a batch gains nothing and its callers wait longer.
pub(super) const BATCH_MAX: usize = 1_000;

pub(in crate::ledger) struct PostgresStore {
    pool: PgPool,
    pub commit_connections: Arc<CommitConnections>,
}

impl PostgresStore {
    pub fn new(pool: PgPool, commit_connections: Arc<CommitConnections>) -> Self {
        Self {
            pool,
            commit_connections,
        }
    }

    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// At the first use it opens both connections of the pool. The second one would otherwise be opened later, and
    /// every new connection makes the committer forget what it remembers.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>, Fault> {
        let connection = self.pool.acquire().await?;
        if self.commit_connections.opened() == 1 {
            self.pool.acquire().await?;
        }
        Ok(connection)
    }

    /// Waits for the turn: until the transaction ends, no other process commits.
    pub async fn take_turn(
        &self,
        request: &TurnRequest,
    ) -> Result<(Transaction<'static, Postgres>, TurnAnswer), Fault> {
        let mut tx = Transaction::begin(self.acquire().await?, Some(BEGIN.into_sql_str())).await?;
        let answer = turn::take(&mut tx, request).await?;
        Ok((tx, answer))
    }

    /// Ends the session that has the turn and does nothing with it; false if there is none. Only a program that stopped
    /// in the middle, or a person at a prompt, holds the turn idle for two seconds. Two cases are not found: a lock
    /// that was taken after a savepoint, and a session of a role that this one may not inspect.
    pub async fn end_idle_holder(&self) -> Result<bool, Fault> {
        let ended: Option<bool> = sqlx::query_scalar(END_IDLE_HOLDER).fetch_optional(&self.pool).await?;
        Ok(ended.unwrap_or(false))
    }
}

pub(super) async fn read_wallets(connection: &mut PgConnection, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault> {
    let query = sqlx::query(READ_WALLETS.as_str()).bind(wallet_uuids(ids));
    let rows = query.fetch_all(connection).await?;
    rows.into_iter().map(rows::wallet).collect()
}

// Waits up to 2.2 s for the turn; `florin_take_turn` then allows 200 ms for a wallet, or the owner of a new one.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '2200ms'";

// A row that is locked has its holder's transaction id in `xmax`.
const END_IDLE_HOLDER: &str = "
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_xid = (SELECT xmax FROM journal WHERE number = 0)
    AND (state LIKE 'idle in transaction%' OR wait_event = 'ClientWrite')
    AND state_change < clock_timestamp() - interval '2 seconds' AND pid <> pg_backend_pid()";

static READ_WALLETS: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM wallets WHERE id = ANY($1)", *WALLET_COLUMNS));

/// The newest row of the journal.
pub(super) async fn head(connection: &mut PgConnection) -> Result<Head, Fault> {
    let found = sqlx::query(HEAD).fetch_all(connection).await?;
    head_of(found.first().ok_or_else(rows::no_head)?)
}

const HEAD: &str = "SELECT number, digest, last_id, at FROM journal WHERE number = (SELECT max(number) FROM journal)";

pub(super) async fn identity(connection: &mut PgConnection) -> Result<LedgerIdentity, Fault> {
    let row = sqlx::query("SELECT id, salt FROM ledger").fetch_one(connection).await?;
    rows::identity(row.try_get(0)?, &row.try_get::<Vec<u8>, _>(1)?)
}

/// The bank's time: the database's clock, or the time at which a test has stopped it, and the offset that the database
/// keeps. `florin_take_turn` (migration `m0009_journal`) has the same expression.
pub(in crate::ledger) const BANK_TIME: &str = "
SELECT coalesce(stands_at, clock_timestamp()) + offset_us * interval '1 microsecond' AS time FROM bank_clock
WHERE singleton";

/// Reads the wallets that no other session has locked, and locks them.
pub(super) async fn lock_unlocked_wallets(
    connection: &mut PgConnection,
    ids: &[WalletId],
) -> Result<Vec<Wallet>, Fault> {
    let query = sqlx::query(LOCK_UNLOCKED_WALLETS.as_str()).bind(wallet_uuids(ids));
    let rows = query.fetch_all(connection).await?;
    rows.into_iter().map(rows::wallet).collect()
}

static LOCK_UNLOCKED_WALLETS: LazyLock<String> =
    LazyLock::new(|| format!("{} ORDER BY id FOR UPDATE SKIP LOCKED", *READ_WALLETS));

/// Of the wallets that are to be opened, those that exist already.
pub(super) async fn find_existing(
    tx: &mut Transaction<'static, Postgres>,
    openings: &[&Opening],
) -> Result<Vec<Wallet>, Fault> {
    let mut users = Vec::new();
    let mut methods = Vec::new();
    for opening in openings {
        match &opening.owner {
            Owner::Customer(user) => users.push((user.0, opening.currency.code())),
            Owner::Method(method) => methods.push((method.as_str(), opening.currency.code())),
        }
    }
    let query = sqlx::query(FIND_OPENED.as_str())
        .bind(users.iter().map(|(user, _)| *user).collect::<Vec<_>>())
        .bind(users.iter().map(|(_, currency)| *currency).collect::<Vec<_>>())
        .bind(methods.iter().map(|(method, _)| *method).collect::<Vec<_>>())
        .bind(methods.iter().map(|(_, currency)| *currency).collect::<Vec<_>>());
    let found = query.fetch_all(&mut **tx).await?;
    found.into_iter().map(rows::wallet).collect()
}

static FIND_OPENED: LazyLock<String> = LazyLock::new(|| {
    let columns = &*WALLET_COLUMNS;
    format!(
        "
SELECT {columns} FROM unnest($1::uuid[], $2::text[]) AS asked (owner, code)
JOIN wallets ON user_id = owner AND currency = code
UNION ALL
SELECT {columns} FROM unnest($3::text[], $4::text[]) AS asked (name, code)
JOIN wallets ON method = name AND currency = code"
    )
});

/// The digest of the journal's row with this number, if there is one.
pub(super) async fn digest_at(
    tx: &mut Transaction<'static, Postgres>,
    number: i64,
) -> Result<Option<Sha256Digest>, Fault> {
    let query = sqlx::query_scalar("SELECT digest FROM journal WHERE number = $1").bind(number);
    let found: Option<Vec<u8>> = query.fetch_optional(&mut **tx).await?;
    found.map(|bytes| rows::digest(&bytes)).transpose()
}

fn head_of(row: &PgRow) -> Result<Head, Fault> {
    rows::head(
        row.try_get("number")?,
        &row.try_get::<Vec<u8>, _>("digest")?,
        row.try_get("last_id")?,
        row.try_get("at")?,
    )
}

pub(super) async fn find_by_keys(connection: &mut PgConnection, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.0.as_slice()).collect();
    let query = sqlx::query(FIND_BY_KEYS.as_str()).bind(keys);
    query
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(rows::transfer)
        .collect()
}

static FIND_BY_KEYS: LazyLock<String> = LazyLock::new(|| {
    let columns = &*TRANSFER_COLUMNS;
    format!("SELECT {columns} FROM transfers WHERE idempotency_key = ANY($1)")
});

pub(super) fn wallet_uuids(ids: &[WalletId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}
