//! Emptying SQLite's write-ahead log: until then it holds what the bank has erased from the file.

use sea_orm::DbBackend;
use sea_orm::sqlx::{Executor, Row};

use super::{Db, Fault};

/// Copies most pages while others write, so that few are left to be copied under the write lock. What is in the way of that
/// is waited for 50 ms; the pool restores its own time-out when the connection returns to it.
const COPY_MOST: &str = "PRAGMA wal_checkpoint(PASSIVE); PRAGMA busy_timeout = 50";
const COPY_AND_TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

impl Db {
    /// Writes all of the write-ahead log into the file and empties it. False when a reader or another writer was in the way;
    /// true on PostgreSQL, where there is nothing to be done.
    pub(crate) async fn empty_wal(&self) -> Result<bool, Fault> {
        if self.backend() == DbBackend::Postgres {
            return Ok(true);
        }
        let mut connection = self.write.get_sqlite_connection_pool().acquire().await?;
        connection.execute(COPY_MOST).await?;
        let row = connection.fetch_one(COPY_AND_TRUNCATE).await?;
        let busy: i64 = row.try_get("busy")?;
        Ok(busy == 0)
    }
}
