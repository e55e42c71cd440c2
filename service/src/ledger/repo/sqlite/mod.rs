//! SQLite: statements take arrays, as JSON through `json_each`. The write lock is taken before the first read.

mod audit;
pub(super) mod holds;
mod json_rows;
mod transfers;
mod write;

pub(super) use write::{write, writing_statements};

use std::sync::LazyLock;

use chrono::TimeDelta;
use sea_orm::prelude::Uuid;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{self, Executor, Row, SqlSafeStr, Sqlite, SqlitePool, Transaction};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::file_turn::{FileTurn, HeldFileTurn};
use super::rows::{self, TRANSFER_COLUMNS, WALLET_COLUMNS};
use super::{CATCH_UP_MAX, ChangedWallet, TurnAnswer, TurnRequest, count_statements};
use crate::db::{Fault, file_of, hex};
use crate::journal::{Head, LedgerIdentity};
use crate::ledger::metrics::Metrics;
use crate::ledger::types::{Opening, Owner, Transfer, Wallet};
use crate::values::{Digest, RecordId, Sha256Digest, WalletId};

/// Commands in a batch: few enough that the write lock is free again well within 100 ms.
pub(super) const BATCH_MAX: usize = 500;

/// How long an attempt waits for the file's write lock, which another process may keep. The pool restores its own
/// time-out when the connection returns to it, since imports wait longer.
const WAIT_A_SECOND_FOR_THE_FILE: &str = "PRAGMA busy_timeout = 1000";

pub(in crate::ledger) struct SqliteStore {
    pool: SqlitePool,
    /// `None` if the database is in memory: no other process has it.
    file_turn: Mutex<Option<FileTurn>>,
}

/// The turn: the lock between processes, and the file's write lock.
pub(in crate::ledger) struct SqliteTurn {
    pub tx: Transaction<'static, Sqlite>,
    // Released after the transaction has ended.
    _file_turn: Option<HeldFileTurn>,
}

impl SqliteStore {
    pub fn new(pool: SqlitePool) -> Self {
        let file_turn = file_of(&pool.connect_options()).map(FileTurn::beside);
        Self {
            pool,
            file_turn: Mutex::new(file_turn),
        }
    }

    /// Waits for the turn.
    pub async fn take_turn(&self, request: &TurnRequest, metrics: &Metrics) -> Result<(SqliteTurn, TurnAnswer), Fault> {
        // The connection comes first: another writer of this process may keep it for long, and other processes must not
        // wait for that.
        let mut connection = self.acquire().await?;
        connection.execute(WAIT_A_SECOND_FOR_THE_FILE).await?;
        let file_turn = match &mut *self.file_turn.lock().await {
            Some(file_turn) => Some(file_turn.take().await?),
            None => None,
        };
        count_statements(metrics, 1);
        let mut turn = SqliteTurn {
            tx: Transaction::begin(connection, Some("BEGIN IMMEDIATE".into_sql_str())).await?,
            _file_turn: file_turn,
        };
        let answer = catch_up(&mut turn.tx, request, metrics).await?;
        Ok((turn, answer))
    }

    async fn acquire(&self) -> Result<PoolConnection<Sqlite>, Fault> {
        let acquired = self.pool.acquire().await;
        acquired.map_err(|error| match error {
            // Another writer of this process has the only connection.
            sqlx::Error::PoolTimedOut => Fault::conflict(error),
            error => error.into(),
        })
    }
}

/// Reads the head, and what other processes on this file have committed. They commit nothing more while the turn is
/// held.
async fn catch_up(
    tx: &mut Transaction<'static, Sqlite>,
    request: &TurnRequest,
    metrics: &Metrics,
) -> Result<TurnAnswer, Fault> {
    count_statements(metrics, 1);
    let head = head(tx).await?;
    let last_row_digest = if head.number == request.last_row {
        Some(head.digest)
    } else {
        count_statements(metrics, 1);
        digest_at(tx, request.last_row).await?
    };
    let moved = match request.since {
        Some(since) if since < head.last_id => moved_after(tx, since, metrics).await?,
        _ => Some(Vec::new()),
    };
    Ok(TurnAnswer {
        head,
        last_row_digest,
        // All processes on a file run on one machine and share its clock.
        time: None,
        waited: TimeDelta::zero(),
        moved,
    })
}

/// The wallets that commits after this id name; `None` if there are too many such commits.
async fn moved_after(
    tx: &mut Transaction<'static, Sqlite>,
    since: RecordId,
    metrics: &Metrics,
) -> Result<Option<Vec<ChangedWallet>>, Fault> {
    count_statements(metrics, 1);
    let committed: Vec<(Uuid, Uuid)> = sqlx::query_as(COMMITTED_AFTER)
        .bind(since.0)
        .bind(CATCH_UP_MAX + 1)
        .fetch_all(&mut **tx)
        .await?;
    if committed.len() as i64 > CATCH_UP_MAX {
        return Ok(None);
    }
    let sides = committed
        .into_iter()
        .flat_map(|(source, destination)| [source, destination]);
    let ids: Vec<WalletId> = sides.map(WalletId).collect();
    count_statements(metrics, 1);
    let wallets = read_wallets(tx, &ids).await?;
    Ok(Some(wallets.into_iter().map(ChangedWallet::from).collect()))
}

// Ids grow along the journal, so what other processes committed is a range of the primary keys. A change has one
// subject, which is given for both sides.
const COMMITTED_AFTER: &str = "
SELECT source_wallet_id, destination_wallet_id FROM transfers WHERE id > ?1
UNION ALL SELECT subject, subject FROM changes WHERE id > ?1
LIMIT ?2";

async fn head(tx: &mut Transaction<'static, Sqlite>) -> Result<Head, Fault> {
    let row = sqlx::query("SELECT number, digest, last_id, at FROM journal ORDER BY number DESC LIMIT 1")
        .fetch_one(&mut **tx)
        .await?;
    rows::head(
        row.try_get("number")?,
        row.try_get("digest")?,
        row.try_get("last_id")?,
        row.try_get("at")?,
    )
}

pub(super) async fn identity(tx: &mut Transaction<'static, Sqlite>) -> Result<LedgerIdentity, Fault> {
    let row = sqlx::query("SELECT id, salt FROM ledger").fetch_one(&mut **tx).await?;
    rows::identity(row.try_get("id")?, row.try_get("salt")?)
}

/// The digest of the journal's row with this number, if there is one.
pub(super) async fn digest_at(
    tx: &mut Transaction<'static, Sqlite>,
    number: i64,
) -> Result<Option<Sha256Digest>, Fault> {
    let query = sqlx::query_scalar("SELECT digest FROM journal WHERE number = ?").bind(number);
    let found: Option<Vec<u8>> = query.fetch_optional(&mut **tx).await?;
    found.map(|bytes| rows::digest(&bytes)).transpose()
}

pub(super) async fn read_wallets(
    tx: &mut Transaction<'static, Sqlite>,
    ids: &[WalletId],
) -> Result<Vec<Wallet>, Fault> {
    let ids: Vec<String> = ids.iter().map(|id| hex(id.0.as_bytes())).collect();
    let query = sqlx::query(READ_WALLETS.as_str());
    let found = query.bind(json!(ids).to_string()).fetch_all(&mut **tx).await?;
    found.into_iter().map(rows::wallet).collect()
}

static READ_WALLETS: LazyLock<String> = LazyLock::new(|| {
    let columns = &*WALLET_COLUMNS;
    format!("SELECT {columns} FROM wallets WHERE id IN (SELECT unhex(value) FROM json_each(?))")
});

/// Of the wallets that are to be opened, those that exist already.
pub(super) async fn find_existing(
    tx: &mut Transaction<'static, Sqlite>,
    openings: &[&Opening],
) -> Result<Vec<Wallet>, Fault> {
    let asked: Vec<Value> = openings
        .iter()
        .map(|opening| match &opening.owner {
            Owner::Customer(user) => json!([hex(user.0.as_bytes()), Value::Null, opening.currency]),
            Owner::Method(method) => json!([Value::Null, method, opening.currency]),
        })
        .collect();
    let query = sqlx::query(FIND_OPENED.as_str());
    let found = query.bind(json!(asked).to_string()).fetch_all(&mut **tx).await?;
    found.into_iter().map(rows::wallet).collect()
}

pub(super) async fn find_by_keys(
    tx: &mut Transaction<'static, Sqlite>,
    keys: &[Digest],
) -> Result<Vec<Transfer>, Fault> {
    let keys: Vec<String> = keys.iter().map(|key| hex(&key.0)).collect();
    let query = sqlx::query(FIND_BY_KEYS.as_str());
    let found = query.bind(json!(keys).to_string()).fetch_all(&mut **tx).await?;
    found.into_iter().map(rows::transfer).collect()
}

static FIND_BY_KEYS: LazyLock<String> = LazyLock::new(|| {
    let columns = &*TRANSFER_COLUMNS;
    format!("SELECT {columns} FROM transfers WHERE idempotency_key IN (SELECT unhex(value) FROM json_each(?))")
});

// Two parts, so that each uses one of the two unique indexes.
static FIND_OPENED: LazyLock<String> = LazyLock::new(|| {
    let columns = &*WALLET_COLUMNS;
    format!(
        "
WITH asked AS (SELECT unhex(value ->> 0) AS owner, value ->> 1 AS name, value ->> 2 AS code FROM json_each(?))
SELECT {columns} FROM asked JOIN wallets ON user_id = owner AND currency = code
UNION ALL
SELECT {columns} FROM asked JOIN wallets ON method = name AND currency = code"
    )
});
