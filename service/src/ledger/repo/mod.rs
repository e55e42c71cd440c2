//! The ledger's SQL. A batch of any size costs a fixed number of statements: every statement takes arrays.

mod erasure;
mod file_turn;
mod identity;
mod lookups;
mod postgres;
mod records;
mod rows;
mod sqlite;

pub(crate) use erasure::{TextsRange, erase_some_texts};
pub(crate) use identity::stored_identity;
pub(crate) use records::{change_of, records_by_id, records_in};
pub(crate) use rows::{columns_of, hold_of, leaf_columns, times_are_finite, transfer_in, transfer_of, wallet_of};

use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{Postgres, Transaction};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::time::timeout;

use self::postgres::PostgresStore;
use self::sqlite::{SqliteStore, SqliteTurn};
use super::group_commit::GroupCommit;
use super::metrics::Metrics;
use super::store::{self, CATCH_UP_MAX, ChangedWallet, Pause, Store, TurnAnswer, TurnRequest};
use super::types::{Opening, Outflow, Wallet};
use crate::clock::random_bytes;
use crate::db::{Db, Fault};
use crate::journal::{Head, LedgerIdentity};
use crate::values::{Sha256Digest, Timestamp, WalletId};

/// The committer's `Store`. It uses the driver directly, since sea-orm binds only arrays without NULLs. Every statement
/// is counted where it is sent.
pub(super) struct Repo {
    dialect: Dialect,
    metrics: Arc<Metrics>,
}

enum Dialect {
    Postgres(PostgresStore),
    Sqlite(SqliteStore),
}

/// The turn: a transaction in which no other process commits.
pub(super) struct RepoTurn {
    tx: Tx,
    metrics: Arc<Metrics>,
}

enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(SqliteTurn),
}

/// A connection of the committer outside of a transaction.
pub(super) struct RepoConnection {
    connection: PoolConnection<Postgres>,
    metrics: Arc<Metrics>,
}

/// The bank's time by the database's clock; `None` where that is this machine's clock.
pub(super) async fn bank_time(db: &Db) -> Result<Option<Timestamp>, Fault> {
    if db.backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let row = db
        .read
        .query_one_raw(Statement::from_string(db.backend(), postgres::BANK_TIME));
    let row = row.await?.ok_or_else(rows::no_bank_clock)?;
    Ok(Some(row.try_get("", "time")?))
}

/// How many microseconds the bank's time is ahead of the database's clock.
pub(super) async fn bank_offset_us(db: &Db) -> Result<i64, Fault> {
    let sql = "SELECT offset_us FROM bank_clock";
    let row = db.read.query_one_raw(Statement::from_string(db.backend(), sql)).await?;
    Ok(row.ok_or_else(rows::no_bank_clock)?.try_get("", "offset_us")?)
}

/// A statement's own limit is 15 s, so a server that takes longer than this to answer is silent.
const SILENCE_MAX: Duration = Duration::from_secs(20);

/// Gives up waiting for a silent server. A commit that is given up is in doubt; its connection is not used again.
async fn unless_silent<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    timeout(SILENCE_MAX, work)
        .await
        .unwrap_or_else(|late| Err(Fault::lost(late)))
}

fn count_statements(metrics: &Metrics, statements: usize) {
    Metrics::add(&metrics.statements, statements);
}

impl store::Connection for RepoConnection {
    async fn write(&mut self, commit: &GroupCommit) -> Result<Option<Timestamp>, Fault> {
        count_statements(&self.metrics, 1);
        unless_silent(postgres::write(&mut self.connection, commit))
            .await
            .map(Some)
    }

    async fn head(&mut self) -> Result<Head, Fault> {
        count_statements(&self.metrics, 1);
        unless_silent(postgres::head(&mut self.connection)).await
    }

    async fn read_wallets(&mut self, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault> {
        count_statements(&self.metrics, 1);
        unless_silent(postgres::read_wallets(&mut self.connection, ids)).await
    }
}

impl Repo {
    pub fn new(db: &Db, metrics: Arc<Metrics>) -> Self {
        let dialect = match db.backend() {
            DbBackend::Postgres => {
                let pool = db.commit.get_postgres_connection_pool().clone();
                Dialect::Postgres(PostgresStore::new(pool, db.commit_connections.clone()))
            }
            _ => Dialect::Sqlite(SqliteStore::new(db.commit.get_sqlite_connection_pool().clone())),
        };
        Self { dialect, metrics }
    }
}

impl Store for Repo {
    type Connection = RepoConnection;
    type Turn = RepoTurn;

    async fn close(&self) {
        match &self.dialect {
            Dialect::Postgres(store) => store.close().await,
            // The bank's other writers share its one connection.
            Dialect::Sqlite(_) => {}
        }
    }

    fn batch_max(&self) -> usize {
        match self.dialect {
            Dialect::Postgres(_) => postgres::BATCH_MAX,
            Dialect::Sqlite(_) => sqlite::BATCH_MAX,
        }
    }

    fn attempts_time_max(&self) -> Duration {
        match self.dialect {
            Dialect::Postgres(_) => Duration::from_secs(3),
            // The last attempt waits for the file's lock for another second.
            Dialect::Sqlite(_) => Duration::from_secs(2),
        }
    }

    fn is_optimistic(&self) -> bool {
        matches!(self.dialect, Dialect::Postgres(_))
    }

    fn connections_opened(&self) -> u64 {
        match &self.dialect {
            Dialect::Postgres(store) => store.commit_connections.opened(),
            Dialect::Sqlite(_) => 0,
        }
    }

    fn close_open_connections(&self) {
        match &self.dialect {
            Dialect::Postgres(store) => store.commit_connections.close_open_connections(),
            // The pool drops a connection that is still in a transaction.
            Dialect::Sqlite(_) => {}
        }
    }

    async fn acquire(&self) -> Result<RepoConnection, Fault> {
        match &self.dialect {
            Dialect::Postgres(store) => Ok(RepoConnection {
                connection: store.acquire().await?,
                metrics: self.metrics.clone(),
            }),
            Dialect::Sqlite(_) => unreachable!("`is_optimistic` is false on SQLite"),
        }
    }

    async fn take_turn(&self, request: &TurnRequest) -> Result<(RepoTurn, TurnAnswer), Fault> {
        let (tx, answer) = match &self.dialect {
            Dialect::Postgres(store) => {
                // BEGIN, its lock time-out, the turn.
                count_statements(&self.metrics, 3);
                let (tx, answer) = unless_silent(store.take_turn(request)).await?;
                (Tx::Postgres(tx), answer)
            }
            Dialect::Sqlite(store) => {
                let (turn, answer) = store.take_turn(request, &self.metrics).await?;
                (Tx::Sqlite(turn), answer)
            }
        };
        let metrics = self.metrics.clone();
        Ok((RepoTurn { tx, metrics }, answer))
    }

    async fn pause(&self, time: Pause) {
        let time = match time {
            Pause::Exactly(time) => time,
            Pause::Below(bound) => {
                let [dice] = random_bytes::<1>();
                bound * u32::from(dice) / u32::from(u8::MAX)
            }
        };
        tokio::time::sleep(time).await;
    }

    async fn end_idle_holder(&self) -> Result<bool, Fault> {
        match &self.dialect {
            Dialect::Postgres(store) => {
                count_statements(&self.metrics, 1);
                unless_silent(store.end_idle_holder()).await
            }
            Dialect::Sqlite(_) => Ok(false),
        }
    }
}

impl store::Turn for RepoTurn {
    async fn identity(&mut self) -> Result<LedgerIdentity, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::identity(&mut *tx)).await,
            Tx::Sqlite(turn) => sqlite::identity(&mut turn.tx).await,
        }
    }

    async fn read_wallets(&mut self, ids: &[WalletId], skips_locked: bool) -> Result<Vec<Wallet>, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) if skips_locked => unless_silent(postgres::lock_unlocked_wallets(&mut *tx, ids)).await,
            Tx::Postgres(tx) => unless_silent(postgres::read_wallets(&mut *tx, ids)).await,
            Tx::Sqlite(turn) => sqlite::read_wallets(&mut turn.tx, ids).await,
        }
    }

    async fn locked_among(&mut self, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault> {
        match &mut self.tx {
            Tx::Postgres(tx) => {
                count_statements(&self.metrics, 1);
                // With the turn held, a wallet that exists and was not found is locked.
                unless_silent(postgres::read_wallets(&mut *tx, ids)).await
            }
            // SQLite locks the whole file, and the turn has it.
            Tx::Sqlite(_) => Ok(Vec::new()),
        }
    }

    async fn find_existing(&mut self, openings: &[&Opening]) -> Result<Vec<Wallet>, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::find_existing(tx, openings)).await,
            Tx::Sqlite(turn) => sqlite::find_existing(&mut turn.tx, openings).await,
        }
    }

    async fn outflow_since(&mut self, wallet: WalletId, day: Timestamp) -> Result<Outflow, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::holds::outflow_since(&mut *tx, wallet, day)).await,
            Tx::Sqlite(turn) => sqlite::holds::outflow_since(&mut turn.tx, wallet, day).await,
        }
    }

    async fn digest_at(&mut self, number: i64) -> Result<Option<Sha256Digest>, Fault> {
        count_statements(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => unless_silent(postgres::digest_at(tx, number)).await,
            Tx::Sqlite(turn) => sqlite::digest_at(&mut turn.tx, number).await,
        }
    }

    async fn write(&mut self, commit: &GroupCommit) -> Result<(), Fault> {
        match &mut self.tx {
            Tx::Postgres(tx) => {
                count_statements(&self.metrics, 1);
                // Its time is not needed: in turn the clocks were compared before anything was decided.
                unless_silent(postgres::write(tx, commit)).await?;
                Ok(())
            }
            Tx::Sqlite(turn) => {
                count_statements(&self.metrics, sqlite::writing_statements(commit));
                sqlite::write(&mut turn.tx, commit).await
            }
        }
    }

    async fn commit(self) -> Result<(), Fault> {
        count_statements(&self.metrics, 1);
        match self.tx {
            Tx::Postgres(tx) => unless_silent(async { Ok(tx.commit().await?) }).await?,
            Tx::Sqlite(turn) => turn.tx.commit().await?,
        }
        Ok(())
    }

    async fn rollback(self) -> Result<(), Fault> {
        count_statements(&self.metrics, 1);
        match self.tx {
            Tx::Postgres(tx) => unless_silent(async { Ok(tx.rollback().await?) }).await?,
            Tx::Sqlite(turn) => turn.tx.rollback().await?,
        }
        Ok(())
    }
}
