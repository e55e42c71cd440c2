//! Connections to the database, and the meaning of its errors. The statements that move money are in `ledger`.

mod commit_connections;
mod connect;
mod dialect;
mod durability;
mod fault;
mod index_range;
mod open;
mod read_only;
mod sweep;
mod wal;

pub(crate) use commit_connections::CommitConnections;
pub use connect::ConnectSettings;
pub(crate) use connect::file_of;
pub use dialect::{SqlDialect, hex, parts_of_units, units_of_parts};
pub use durability::UnsafeSettings;
pub use fault::{Fault, FaultKind};
pub(crate) use index_range::{IndexRange, after_all_with_prefix};
pub use open::{OpenError, UrlError, check_url, open, open_existing};
pub(crate) use read_only::open_read_only;
pub(crate) use sweep::Sweep;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sea_orm::{
    AccessMode, ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

/// The database, as one pool for each purpose. Cloning clones handles, not connections.
#[derive(Clone)]
pub struct Db {
    /// For reads without a transaction, and for snapshots.
    pub read: DatabaseConnection,
    /// For what tells whether a caller is let in: which sessions have ended, and what API keys allow. Requests that take all of
    /// `read` do not delay it.
    pub watch: DatabaseConnection,
    /// For all writes except the committer's. On SQLite a pool of one connection, since the file has one writer.
    pub write: DatabaseConnection,
    /// For the committer; on SQLite the same pool as `write`.
    pub commit: DatabaseConnection,
    /// The state of the committer's connections to PostgreSQL.
    pub(crate) commit_connections: Arc<CommitConnections>,
}

impl Db {
    /// Opens the pools. An SQLite file that does not exist is created. Nothing is migrated here.
    pub async fn connect(url: &str) -> Result<Self, Fault> {
        Self::connect_with(url, ConnectSettings::default()).await
    }

    /// The same with settings other than the default.
    pub async fn connect_with(url: &str, settings: ConnectSettings) -> Result<Self, Fault> {
        if is_sqlite(url) {
            connect::sqlite(url).await
        } else {
            connect::postgres(url, settings).await
        }
    }

    /// Which dialect the database speaks.
    #[must_use]
    pub fn backend(&self) -> DbBackend {
        self.write.get_database_backend()
    }

    /// Closes every pool.
    pub async fn close(&self) {
        for pool in [&self.read, &self.watch, &self.write, &self.commit] {
            if let Err(error) = pool.clone().close().await {
                tracing::debug!(%error, "a pool was closed already");
            }
        }
    }

    /// A read-only transaction that sees one moment of the database, for reports of any length.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, Fault> {
        let tx = self.begin_snapshot().await?;
        self.lift_time_limit(&tx).await?;
        Ok(tx)
    }

    /// A second transaction that sees the same moment, for reading side by side while the first is open. `None` on SQLite,
    /// where two transactions cannot be made to see one moment, and where the server does not know the first one's snapshot.
    pub async fn share_snapshot(&self, first: &DatabaseTransaction) -> Result<Option<DatabaseTransaction>, Fault> {
        if self.backend() != DbBackend::Postgres {
            return Ok(None);
        }
        let export = Statement::from_string(DbBackend::Postgres, "SELECT pg_export_snapshot() AS id");
        let Some(row) = first.query_one_raw(export).await? else {
            return Ok(None);
        };
        let id: String = row.try_get("", "id")?;
        let second = self.begin_snapshot().await?;
        // The server made the id of hexadecimal digits and hyphens. It must be set before anything is read.
        let shared = second
            .execute_unprepared(&format!("SET TRANSACTION SNAPSHOT '{id}'"))
            .await;
        if let Err(error) = shared {
            // A pooler may have led the second connection to another server, which does not know the snapshot.
            tracing::info!(%error, "a snapshot cannot be shared");
            return Ok(None);
        }
        self.lift_time_limit(&second).await?;
        Ok(Some(second))
    }

    async fn begin_snapshot(&self) -> Result<DatabaseTransaction, Fault> {
        let (isolation, access) = match self.backend() {
            DbBackend::Postgres => (Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)),
            // A read transaction of SQLite in WAL mode is a snapshot.
            _ => (None, None),
        };
        Ok(self.read.begin_with_config(isolation, access).await?)
    }

    /// A large ledger takes longer than a request may, and a transaction waits while another one that shares its snapshot
    /// reads.
    async fn lift_time_limit(&self, tx: &DatabaseTransaction) -> Result<(), Fault> {
        if self.backend() == DbBackend::Postgres {
            tx.execute_unprepared("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
                .await?;
        }
        Ok(())
    }

    /// Runs `work` in a transaction and commits it when it succeeds.
    ///
    /// It runs in a separate task: a BEGIN whose future is dropped when a client hangs up can leave a transaction open
    /// on a pooled connection, and what later writers report as done would be rolled back with it.
    pub async fn transaction<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Fault> + Send + 'static,
        W: for<'tx> FnOnce(&'tx DatabaseTransaction) -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'tx>>
            + Send
            + 'static,
    {
        let write = self.write.clone();
        let task = tokio::spawn(async move {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            let began = write.begin_with_options(options).await;
            let tx = began.map_err(|error| fault_of_begin(write.get_database_backend(), error))?;
            match work(&tx).await {
                Ok(value) => {
                    tx.commit().await.map_err(|error| Fault::from(error).of_commit())?;
                    Ok(value)
                }
                Err(error) => {
                    tx.rollback().await.map_err(Fault::from)?;
                    Err(error)
                }
            }
        });
        task.await.map_err(Fault::broken)?
    }
}

/// On SQLite the pool has one connection: when it is not free in time, another writer of this process is using it.
fn fault_of_begin(backend: DbBackend, error: DbErr) -> Fault {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) if backend == DbBackend::Sqlite => Fault::conflict(error),
        error => error.into(),
    }
}

/// True for URLs of the embedded database.
#[must_use]
pub fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}
