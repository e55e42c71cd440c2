//! The ledger's SQL. What a batch costs is a fixed number of statements, whatever its size: every statement takes arrays.

mod postgres;
mod rows;
mod sqlite;

pub(crate) use rows::transfer_of;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{Postgres, Sqlite, Transaction};

use self::postgres::PostgresLedger;
use self::sqlite::SqliteLedger;
use super::commit::GroupCommit;
use super::metrics::Metrics;
use super::types::{Transfer, Wallet};
use crate::db::{Db, Fault};
use crate::journal::{Head, Identity};
use crate::values::{Digest, Sha256Digest, WalletId};

/// The committer's way to the database. It speaks to the driver directly: sea-orm binds arrays without NULLs only. Every
/// statement is counted where it is sent.
pub(super) struct Repo {
    store: Store,
    metrics: Arc<Metrics>,
}

enum Store {
    Postgres(PostgresLedger),
    Sqlite(SqliteLedger),
}

/// The turn: a transaction in which no other process commits.
pub(super) struct Turn {
    tx: Tx,
    metrics: Arc<Metrics>,
}

enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// A connection of the committer outside of a transaction.
pub(super) struct Connection {
    connection: PoolConnection<Postgres>,
    metrics: Arc<Metrics>,
}

/// What is seen with the turn held.
pub(super) struct Seen {
    pub head: Head,
    /// The digest of the row that was asked for; `None` where there is no such row.
    pub own: Option<Sha256Digest>,
    /// A wallet that another session has locked is missing.
    pub wallets: Vec<Wallet>,
}

fn sent(metrics: &Metrics, statements: usize) {
    Metrics::add(&metrics.statements, statements);
}

impl Connection {
    /// Writes a batch that was decided without the turn: all of it, or nothing and a fault.
    pub async fn write(&mut self, commit: &GroupCommit) -> Result<(), Fault> {
        sent(&self.metrics, 1);
        postgres::write(&mut self.connection, commit).await
    }

    /// The head as it is, without a lock.
    pub async fn head(&mut self) -> Result<Head, Fault> {
        sent(&self.metrics, 1);
        postgres::head(&mut self.connection).await
    }

    /// Reads wallets as they are, without a lock.
    pub async fn read_wallets(&mut self, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault> {
        sent(&self.metrics, 1);
        postgres::read_wallets(&mut self.connection, ids).await
    }

    /// The stored transfers that used up any of these keys, read without a lock.
    pub async fn find_by_keys(&mut self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        sent(&self.metrics, 1);
        postgres::find_by_keys(&mut *self.connection, keys).await
    }
}

impl Repo {
    pub fn new(db: &Db, metrics: Arc<Metrics>) -> Self {
        let store = match db.backend() {
            DbBackend::Postgres => {
                let pool = db.commit.get_postgres_connection_pool().clone();
                Store::Postgres(PostgresLedger::new(pool, db.link.clone()))
            }
            _ => Store::Sqlite(SqliteLedger::new(db.commit.get_sqlite_connection_pool().clone())),
        };
        Self { store, metrics }
    }

    pub async fn close(&self) {
        match &self.store {
            Store::Postgres(ledger) => ledger.close().await,
            // The bank's other writers share its one connection.
            Store::Sqlite(_) => {}
        }
    }

    /// The most commands that one batch may hold.
    pub fn batch_max(&self) -> usize {
        match self.store {
            Store::Postgres(_) => postgres::BATCH_MAX,
            Store::Sqlite(_) => sqlite::BATCH_MAX,
        }
    }

    /// No further try of a batch begins after this, however few there were.
    pub fn tries_for(&self) -> Duration {
        match self.store {
            Store::Postgres(_) => Duration::from_secs(3),
            // The last try waits for the file's lock for another second.
            Store::Sqlite(_) => Duration::from_secs(2),
        }
    }

    /// Whether a batch may be written without the turn, by a statement that fails where the head has moved on. On SQLite the
    /// turn costs nothing more.
    pub fn is_optimistic(&self) -> bool {
        matches!(self.store, Store::Postgres(_))
    }

    /// How many connections have been opened. A new one may lead to another database, or an earlier state of it.
    pub fn connections_opened(&self) -> u64 {
        match &self.store {
            Store::Postgres(ledger) => ledger.link.opened(),
            Store::Sqlite(_) => 0,
        }
    }

    /// Lets no connection be used again that is open now: the server behind it may be going away, or read-only by now.
    pub fn close_open_connections(&self) {
        match &self.store {
            Store::Postgres(ledger) => ledger.link.close_open_connections(),
            // The pool drops a connection that is still in a transaction.
            Store::Sqlite(_) => {}
        }
    }

    /// A connection to write on without the turn.
    pub async fn acquire(&self) -> Result<Connection, Fault> {
        match &self.store {
            Store::Postgres(ledger) => Ok(Connection {
                connection: ledger.acquire().await?,
                metrics: self.metrics.clone(),
            }),
            Store::Sqlite(_) => unreachable!("`is_optimistic` is false on SQLite"),
        }
    }

    /// Waits for the turn.
    pub async fn take_turn(&self) -> Result<Turn, Fault> {
        let tx = match &self.store {
            Store::Postgres(ledger) => {
                // BEGIN, its time-out and the turn.
                sent(&self.metrics, 3);
                Tx::Postgres(ledger.take_turn().await?)
            }
            Store::Sqlite(ledger) => {
                sent(&self.metrics, 1);
                Tx::Sqlite(ledger.take_turn().await?)
            }
        };
        Ok(Turn {
            tx,
            metrics: self.metrics.clone(),
        })
    }

    /// Ends a session that has had the turn for long and does nothing with it; true when there was one.
    pub async fn end_idle_holder(&self) -> Result<bool, Fault> {
        match &self.store {
            Store::Postgres(ledger) => {
                sent(&self.metrics, 1);
                ledger.end_idle_holder().await
            }
            Store::Sqlite(_) => Ok(false),
        }
    }
}

impl Turn {
    /// Who this ledger is.
    pub async fn identity(&mut self) -> Result<Identity, Fault> {
        sent(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => postgres::identity(&mut *tx).await,
            Tx::Sqlite(tx) => sqlite::identity(tx).await,
        }
    }

    /// The head, the digest of the row `own`, and those wallets that no other session has locked; they stay locked until the
    /// turn ends.
    pub async fn see(&mut self, ids: &[WalletId], own: i64) -> Result<Seen, Fault> {
        match &mut self.tx {
            Tx::Postgres(tx) => {
                sent(&self.metrics, 1);
                postgres::see(tx, ids, own).await
            }
            Tx::Sqlite(tx) => {
                sent(&self.metrics, 3);
                sqlite::see(tx, ids, own).await
            }
        }
    }

    /// Those wallets, of some that were not seen, that another session has locked.
    pub async fn locked_among(&mut self, ids: &[WalletId]) -> Result<Vec<WalletId>, Fault> {
        match &mut self.tx {
            Tx::Postgres(tx) => {
                sent(&self.metrics, 1);
                postgres::existing(tx, ids).await
            }
            // There the file is locked, or nothing is.
            Tx::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// The stored transfers that used up any of these keys.
    pub async fn find_by_keys(&mut self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        sent(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => postgres::find_by_keys(&mut **tx, keys).await,
            Tx::Sqlite(tx) => sqlite::find_by_keys(tx, keys).await,
        }
    }

    /// The digest of the journal's row with this number, if there is one.
    pub async fn digest_at(&mut self, number: i64) -> Result<Option<Sha256Digest>, Fault> {
        sent(&self.metrics, 1);
        match &mut self.tx {
            Tx::Postgres(tx) => postgres::digest_at(tx, number).await,
            Tx::Sqlite(tx) => sqlite::digest_at(tx, number).await,
        }
    }

    /// Writes a group commit, each wallet only where it is still as it was read; else it is a stale fault.
    pub async fn write(&mut self, commit: &GroupCommit) -> Result<(), Fault> {
        match &mut self.tx {
            Tx::Postgres(tx) => {
                sent(&self.metrics, 1);
                postgres::write(tx, commit).await
            }
            Tx::Sqlite(tx) => {
                sent(&self.metrics, sqlite::writing_statements(commit));
                sqlite::write(tx, commit).await
            }
        }
    }

    pub async fn commit(self) -> Result<(), Fault> {
        sent(&self.metrics, 1);
        match self.tx {
            Tx::Postgres(tx) => tx.commit().await?,
            Tx::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Gives the turn back and writes nothing.
    pub async fn give_back(self) -> Result<(), Fault> {
        sent(&self.metrics, 1);
        match self.tx {
            Tx::Postgres(tx) => tx.rollback().await?,
            Tx::Sqlite(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
