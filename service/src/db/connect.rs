//! How each database is opened: the settings of every connection, and the hooks that keep broken connections out of a
//! pool.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::sqlx::{self, Connection, Executor};
use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use super::{CommitConnections, Db, Fault, FaultKind};

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const POSTGRES_POOL_MAX: u32 = 10;
const COMMIT_POOL_MAX: u32 = 2;
/// Two, so that requests with API keys go on while a look reads very many ended sessions. Every other statement there is
/// short.
const WATCH_POOL_MAX: u32 = 2;
/// How long a batch waits for another session's lock, before it leaves out the commands on the locked wallet.
const COMMIT_LOCK_TIMEOUT: &str = "200ms";
/// How long an idle connection is used without checking it.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
const SQLITE_READ_POOL_MAX: u32 = 4;
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Restores the time-out above, and makes the driver update whether the connection is in a transaction.
const SQLITE_AFTER_RELEASE: &str = "PRAGMA busy_timeout = 10000; SELECT 1";
const OWNER_ONLY: u32 = 0o600;
const EVERY_OTHER_USER: u32 = 0o007;
const NEW_FILE_PAUSE: Duration = Duration::from_millis(20);
/// The cache of each connection. An import of any size has to fit into 64 MiB more than a small one.
const SQLITE_CACHE_KIB: &str = "-32768";
/// Pages of the WAL before a checkpoint: 16 MiB, so that several large transactions in a row write a page back once.
/// Only a connection that commits runs checkpoints, so the others do not need the setting.
const SQLITE_WAL_PAGES: &str = "4000";

/// Settings of the connections to PostgreSQL that a deployment may choose. The schema is not among them: no statement
/// names one, and `search_path` in the URL's `options` does.
#[derive(Clone, Copy, Debug)]
pub struct ConnectSettings {
    /// Whether statements are planned once, for any parameters; true by default.
    pub generic_plans: bool,
}

impl Default for ConnectSettings {
    fn default() -> Self {
        Self { generic_plans: true }
    }
}

pub(super) async fn postgres(url: &str, settings: ConnectSettings) -> Result<Db, Fault> {
    let main = open(shared_postgres(url, settings, POSTGRES_POOL_MAX)).await?;
    let watch = open(when_needed(shared_postgres(url, settings, WATCH_POOL_MAX))).await?;
    let commit_connections = Arc::new(CommitConnections::default());
    let commit = open(committer_postgres(url, settings, commit_connections.clone())).await?;
    Ok(Db {
        read: main.clone(),
        watch,
        write: main,
        commit,
        commit_connections,
    })
}

pub(super) async fn sqlite(url: &str) -> Result<Db, Fault> {
    make_file(url);
    let write = open_new_file(sqlite_options(url, 1, false)).await?;
    let read = open(sqlite_options(url, SQLITE_READ_POOL_MAX, true)).await?;
    let watch = open(when_needed(sqlite_options(url, WATCH_POOL_MAX, true))).await?;
    Ok(Db {
        read,
        watch,
        commit: write.clone(),
        write,
        commit_connections: Arc::default(),
    })
}

/// The file of an SQLite database; `None` for a database in memory, whose name is not a file.
pub(crate) fn file_of(options: &SqliteConnectOptions) -> Option<PathBuf> {
    let path = options.get_filename();
    let is_in_memory = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
    (!is_in_memory).then(|| path.to_owned())
}

/// True for an SQLite database, and for an empty file, which may become one. A mistyped path may lead to another file.
fn is_database(path: &Path) -> bool {
    let mut start = [0; SQLITE_HEADER.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut start));
    read.is_ok_and(|length| length == 0 || start == *SQLITE_HEADER)
}

const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Creates the file for its owner only, since it will hold password hashes; the driver would let every user of the
/// machine read it. SQLite gives the WAL the same mode. Warns when other users may read or write an existing database.
fn make_file(url: &str) {
    let Ok(options) = SqliteConnectOptions::from_str(url) else {
        return;
    };
    let Some(path) = file_of(&options) else {
        return;
    };
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(&path);
    // Other failures are ignored: the file cannot be opened then either, and opening it says why.
    if made.is_err()
        && is_database(&path)
        && let Ok(file) = fs::metadata(&path)
        && file.mode() & EVERY_OTHER_USER != 0
    {
        tracing::warn!(path = %path.display(), "other users of this machine can read the database; run chmod 600");
    }
}

pub(super) async fn open(options: ConnectOptions) -> Result<DatabaseConnection, Fault> {
    Ok(Database::connect(options).await?)
}

/// Switching a new file to WAL takes a lock that SQLite does not wait for. When two processes start at the same time on
/// a new file, the later one tries again.
async fn open_new_file(options: ConnectOptions) -> Result<DatabaseConnection, Fault> {
    let deadline = Instant::now() + SQLITE_BUSY_TIMEOUT;
    loop {
        match open(options.clone()).await {
            Err(fault) if fault.kind == FaultKind::Conflict && Instant::now() < deadline => {
                tokio::time::sleep(NEW_FILE_PAUSE).await;
            }
            opened => return opened,
        }
    }
}

pub(super) fn base_options(url: &str, connections_max: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(connections_max)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_timeout(ACQUIRE_TIMEOUT)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .test_before_acquire(false);
    options
}

/// Opens no connection before one is needed: most commands of the terminal need none of this pool.
fn when_needed(mut options: ConnectOptions) -> ConnectOptions {
    options.min_connections(0).connect_lazy(true);
    options
}

/// The settings of every connection except the committer's.
///
/// The statements of lists name their ranges so that only one index serves each, whatever the parameters are. To plan the
/// ranges of a page anew takes longer than to read it, and the longer the larger the tables are.
fn shared_postgres(url: &str, chosen: ConnectSettings, connections_max: u32) -> ConnectOptions {
    // A generic plan counts on far more rows than a page reads; by that estimate PostgreSQL would compile the plan each time.
    let mut settings = vec![("lock_timeout", "5s"), ("jit", "off")];
    settings.extend(GENERIC_PLANS.filter(|_| chosen.generic_plans));
    let mut options = postgres_options(url, connections_max, &settings);
    // After a restart of the server every idle connection is dead, so one that was idle for a while is pinged first.
    // One that has just answered is not, which saves its query a round trip.
    options.map_sqlx_postgres_pool_opts(|pool| {
        pool.before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        // A BEGIN whose future was dropped may still reach the server, so a transaction is rolled back here. BEGIN
        // first, since a ROLLBACK outside a transaction fills the server's log with warnings; READ WRITE, since a
        // server that was demoted to a standby refuses it, and its connection is then closed.
        .after_release(|connection, _| {
            Box::pin(async move { connection.execute("BEGIN READ WRITE; ROLLBACK").await.map(|_| true) })
        })
    });
    options
}

/// The settings of the committer's connections.
///
/// Its few statements take arrays of any length; planning them each time costs more than it gains. Wallets must be
/// written in the order of the arrays, otherwise sessions that lock wallets could deadlock with the committer. A hash
/// join or a sequential scan, which PostgreSQL chooses for a small table, has another order.
fn committer_postgres(
    url: &str,
    chosen: ConnectSettings,
    commit_connections: Arc<CommitConnections>,
) -> ConnectOptions {
    let mut settings = vec![
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_seqscan", "off"),
        // The lines above raise the estimated cost of a plan so far that it would be JIT-compiled, which takes a
        // second.
        ("jit", "off"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ];
    settings.extend(RELIED_ON);
    settings.extend(GENERIC_PLANS.filter(|_| chosen.generic_plans));
    let mut options = postgres_options(url, COMMIT_POOL_MAX, &settings);
    options
        // The committer opens them when it needs them, since a connection is served by the thread that opened it.
        .min_connections(0)
        .connect_lazy(true)
        .map_sqlx_postgres_pool_opts(move |pool| {
            let (opened, used) = (commit_connections.clone(), commit_connections.clone());
            // A pool has one such hook. This one replaces the hook that sea-orm would set a schema with, so the URL
            // names the schema.
            pool.after_connect(move |connection, _| {
                opened.note_opened();
                Box::pin(refuse_other_settings(connection))
            })
            .before_acquire(move |_, meta| {
                let may_be_used = used.may_be_used(meta.age);
                Box::pin(async move { Ok(may_be_used) })
            })
        });
    options
}

/// A plan for any parameters is made once and used from then on.
const GENERIC_PLANS: Option<(&str, &str)> = Some(("plan_cache_mode", "force_generic_plan"));

/// The settings that the committer's correctness and liveness rely on.
const RELIED_ON: [(&str, &str); 4] = [
    ("default_transaction_isolation", "read committed"),
    ("synchronous_commit", "on"),
    ("lock_timeout", COMMIT_LOCK_TIMEOUT),
    // A committer that stops in the middle of a transaction must not keep the turn.
    ("idle_in_transaction_session_timeout", "2s"),
];

/// Refuses a connection without these settings: a pooler in between may have dropped them.
async fn refuse_other_settings(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = RELIED_ON.iter().map(|(name, _)| *name).collect();
    let query = sqlx::query_as("SELECT name, current_setting(name) FROM unnest($1::text[]) AS name").bind(names);
    let found: Vec<(String, String)> = query.fetch_all(connection).await?;
    for (name, value) in found {
        let is_kept = RELIED_ON
            .iter()
            .any(|(known, wanted)| *known == name && *wanted == value);
        if !is_kept {
            tracing::error!(
                name,
                value,
                "the database, or a pooler before it, does not keep a setting of the committer"
            );
            return Err(sqlx::Error::Configuration(format!("{name} is {value}").into()));
        }
    }
    Ok(())
}

/// Time limits are set on the server: a time-out of the future would drop a transaction in the middle. A page that is read out
/// of order costs hardly more than one in order: PostgreSQL's own figure is that of a disk which turns, and made it sort
/// thousands of rows of which an index had the first ones in order.
pub(super) fn postgres_options(
    url: &str,
    connections_max: u32,
    settings: &[(&'static str, &'static str)],
) -> ConnectOptions {
    let mut options = base_options(url, connections_max);
    let settings = settings.to_vec();
    options
        .set_application_name("florin")
        .map_sqlx_postgres_opts(move |postgres| {
            postgres
                .options([
                    ("statement_timeout", "15s"),
                    ("idle_in_transaction_session_timeout", "30s"),
                    ("random_page_cost", "1.1"),
                ])
                .options(settings.clone())
        });
    options
}

fn sqlite_options(url: &str, connections_max: u32, read_only: bool) -> ConnectOptions {
    let mut options = base_options(url, connections_max);
    options.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
            .foreign_keys(true)
            .pragma("cache_size", SQLITE_CACHE_KIB);
        if read_only {
            sqlite.pragma("query_only", "on")
        } else {
            sqlite
                .pragma("wal_autocheckpoint", SQLITE_WAL_PAGES)
                // What is erased is overwritten with zeros: otherwise it would stay in unused parts of the file.
                .pragma("secure_delete", "on")
        }
    });
    // After a COMMIT that failed on a full disk the connection is still inside its transaction, and what it commits
    // next would be lost: such a connection is dropped. The committer sets a shorter time-out, which the next writer
    // must not inherit.
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _| {
            Box::pin(async move {
                connection.execute(SQLITE_AFTER_RELEASE).await?;
                Ok(!connection.is_in_transaction())
            })
        })
    });
    options
}
