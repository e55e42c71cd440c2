//! Opens a database that a command only reads, with statements that a person has typed. The connections themselves refuse
//! to write: on SQLite the file is opened for reading only.

use std::time::Duration;

use sea_orm::DatabaseConnection;

use super::connect::{self, base_options, postgres_options};
use super::open::{first_connection, of_fault, refuse_missing_file};
use super::{Fault, OpenError, is_sqlite};

/// One for a statement, and one for the check of the schema before it.
const CONNECTIONS_MAX: u32 = 2;

/// How long a statement waits on SQLite, while another process recovers the file after a crash.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Rows that SQLite's thread reads ahead of the shell. Each may be large.
const ROWS_AHEAD: usize = 4;

/// Opens a pool whose connections only read. Nothing is created or migrated.
pub(crate) async fn open_read_only(url: &str) -> Result<DatabaseConnection, OpenError> {
    refuse_missing_file(url)?;
    if is_sqlite(url) {
        sqlite(url).await.map_err(|fault| of_fault(url, &fault))
    } else {
        first_connection(url).await.map_err(|refused| refused.error)?;
        postgres(url).await.map_err(|fault| of_fault(url, &fault))
    }
}

/// The driver sets the time zone to UTC. How strings are written is set because the shell looks for their ends.
async fn postgres(url: &str) -> Result<DatabaseConnection, Fault> {
    let settings = [
        ("default_transaction_read_only", "on"),
        ("lock_timeout", "5s"),
        ("IntervalStyle", "postgres"),
        ("bytea_output", "hex"),
        ("standard_conforming_strings", "on"),
    ];
    connect::open(postgres_options(url, CONNECTIONS_MAX, &settings)).await
}

async fn sqlite(url: &str) -> Result<DatabaseConnection, Fault> {
    let mut options = base_options(url, CONNECTIONS_MAX);
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .read_only(true)
            .create_if_missing(false)
            .busy_timeout(BUSY_TIMEOUT)
            .row_buffer_size(ROWS_AHEAD)
            .pragma("query_only", "on")
    });
    connect::open(options).await
}
