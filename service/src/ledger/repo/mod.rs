//! The ledger's SQL. What a batch costs is a fixed number of statements, whatever its size: every statement takes arrays.

mod postgres;
mod rows;
mod sqlite;

pub(crate) use rows::transfer_of;

use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::sqlx::pool::PoolConnection;
use sea_orm::sqlx::{Postgres, Sqlite, Transaction};

use self::postgres::PostgresLedger;
use self::sqlite::SqliteLedger;
use super::book::Changes;
use super::types::{Transfer, Wallet};
use crate::db::{Db, Fault};
use crate::values::{Digest, TransferId, WalletId};

/// The committer's way to the database. It speaks to the driver directly: sea-orm binds arrays without NULLs only.
pub(super) enum Repo {
    Postgres(PostgresLedger),
    Sqlite(SqliteLedger),
}

/// A transaction of the committer.
pub(super) enum Tx {
    Postgres(Transaction<'static, Postgres>),
    Sqlite(Transaction<'static, Sqlite>),
}

/// A connection of the committer outside of a transaction.
pub(super) struct Connection(PoolConnection<Postgres>);

impl Connection {
    /// Writes a batch that was decided without a transaction: all of it, or nothing and a fault.
    pub async fn write_at_once(&mut self, changes: &Changes) -> Result<(), Fault> {
        postgres::write_at_once(&mut self.0, changes).await
    }

    /// Reads wallets as they are, without a lock.
    pub async fn read_wallets(&mut self, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault> {
        postgres::read_wallets(&mut self.0, ids).await
    }

    /// The stored transfers that used up any of these keys, read without a lock.
    pub async fn find_by_keys(&mut self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        postgres::find_by_keys(&mut *self.0, keys).await
    }
}

/// Whether a batch was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    Changed,
    /// A wallet is not as it was read; nothing of the batch may stay.
    Stale,
}

impl Repo {
    pub fn new(db: &Db) -> Self {
        match db.backend() {
            DbBackend::Postgres => {
                let pool = db.commit.get_postgres_connection_pool().clone();
                Self::Postgres(PostgresLedger::new(pool, db.link.clone()))
            }
            _ => Self::Sqlite(SqliteLedger::new(db.commit.get_sqlite_connection_pool().clone())),
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Postgres(ledger) => ledger.close().await,
            // The bank's other writers share its one connection.
            Self::Sqlite(_) => {}
        }
    }

    /// The most commands that one batch may hold.
    pub fn batch_max(&self) -> usize {
        match self {
            Self::Postgres(_) => postgres::BATCH_MAX,
            Self::Sqlite(_) => sqlite::BATCH_MAX,
        }
    }

    /// No further try of a batch begins after this, however few there were.
    pub fn tries_for(&self) -> Duration {
        match self {
            Self::Postgres(_) => Duration::from_secs(3),
            // The last try waits for the file's lock for another second.
            Self::Sqlite(_) => Duration::from_secs(2),
        }
    }

    /// True when a batch may be decided on remembered wallets and written by one statement without a transaction.
    pub fn writes_at_once(&self) -> bool {
        match self {
            Self::Postgres(_) => true,
            // Reading is a function call there, and the write lock has to be taken anyway.
            Self::Sqlite(_) => false,
        }
    }

    /// How many statements `Tx::write` sends.
    pub fn writing_statements(&self, changes: &Changes) -> usize {
        match self {
            Self::Postgres(_) => 1,
            Self::Sqlite(_) => 3 + usize::from(!changes.payments().is_empty()),
        }
    }

    /// How many connections the committer has opened so far.
    pub fn connections_opened(&self) -> u64 {
        match self {
            Self::Postgres(ledger) => ledger.link.opened(),
            Self::Sqlite(_) => 0,
        }
    }

    /// Lets no connection be used again that is open now: the server behind it may be going away, or read-only by now.
    pub fn close_open_connections(&self) {
        match self {
            Self::Postgres(ledger) => ledger.link.close_open_connections(),
            // The pool drops a connection that is still in a transaction.
            Self::Sqlite(_) => {}
        }
    }

    /// Those of these wallets that another session has locked.
    pub async fn find_locked(&self, ids: &[WalletId]) -> Result<Vec<WalletId>, Fault> {
        match self {
            Self::Postgres(ledger) => ledger.find_locked(ids).await,
            // There the file is locked, or nothing is.
            Self::Sqlite(_) => Ok(Vec::new()),
        }
    }

    /// The stored transfers that used up any of these keys, read without a lock.
    pub async fn find_by_keys(&self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        match self {
            Self::Postgres(ledger) => ledger.find_by_keys(keys).await,
            Self::Sqlite(_) => unreachable!("`writes_at_once` is false on SQLite"),
        }
    }

    /// A connection to write at once with. While there is none, nothing can have been written.
    pub async fn acquire(&self) -> Result<Connection, Fault> {
        match self {
            Self::Postgres(ledger) => Ok(Connection(ledger.acquire().await?)),
            Self::Sqlite(_) => unreachable!("`writes_at_once` is false on SQLite"),
        }
    }

    /// Starts a transaction that may write.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        match self {
            Self::Postgres(ledger) => Ok(Tx::Postgres(ledger.begin().await?)),
            Self::Sqlite(ledger) => Ok(Tx::Sqlite(ledger.begin().await?)),
        }
    }
}

impl Tx {
    /// Reads wallets and locks them: no other session changes them before this transaction ends.
    pub async fn lock_wallets(&mut self, ids: &[WalletId]) -> Result<Vec<Wallet>, Fault> {
        match self {
            Self::Postgres(tx) => postgres::lock_wallets(tx, ids).await,
            Self::Sqlite(tx) => sqlite::read_wallets(&mut **tx, ids).await,
        }
    }

    /// The stored transfers that used up any of these keys.
    pub async fn find_by_keys(&mut self, keys: &[Digest]) -> Result<Vec<Transfer>, Fault> {
        match self {
            Self::Postgres(tx) => postgres::find_by_keys(&mut **tx, keys).await,
            Self::Sqlite(tx) => sqlite::find_by_keys(tx, keys).await,
        }
    }

    /// True when a transfer with this id is stored.
    pub async fn has_transfer(&mut self, id: TransferId) -> Result<bool, Fault> {
        match self {
            Self::Postgres(tx) => postgres::has_transfer(tx, id).await,
            Self::Sqlite(tx) => sqlite::has_transfer(tx, id).await,
        }
    }

    /// Writes transfers, entries and wallets, each wallet only where it is still as it was read.
    pub async fn write(&mut self, changes: &Changes) -> Result<Written, Fault> {
        match self {
            Self::Postgres(tx) => postgres::write(tx, changes).await,
            Self::Sqlite(tx) => sqlite::write(tx, changes).await,
        }
    }

    pub async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Postgres(tx) => tx.commit().await?,
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub async fn rollback(self) -> Result<(), Fault> {
        match self {
            Self::Postgres(tx) => tx.rollback().await?,
            Self::Sqlite(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
