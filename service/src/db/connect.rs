//! How each database is opened: what every connection must have set, and the hooks that keep a pool honest.

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

use super::{Db, Fault, FaultKind, Link};

const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const POSTGRES_POOL_MAX: u32 = 10;
const COMMIT_POOL_MAX: u32 = 2;
/// How long a batch waits for another session's lock before the commands on the locked wallet are put aside.
const COMMIT_LOCK_TIMEOUT: &str = "200ms";
/// How long a connection that rests is taken for alive.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
const SQLITE_READ_POOL_MAX: u32 = 4;
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Sets the time-out above again, and lets the driver see whether the connection is in a transaction.
const SQLITE_AFTER_RELEASE: &str = "PRAGMA busy_timeout = 10000; SELECT 1";
const OWNER_ONLY: u32 = 0o600;
const EVERY_OTHER_USER: u32 = 0o007;
const NEW_FILE_PAUSE: Duration = Duration::from_millis(20);
/// Each connection may fill its own; an import of any size has to fit into 64 MiB more than a small one.
const SQLITE_CACHE_KIB: &str = "-32768";
/// Pages of the WAL before it is written back: 16 MiB. Large transactions in a row then write back a page once, not each time.
/// Only who commits writes back, so connections that read have no use for it.
const SQLITE_WAL_PAGES: &str = "4000";

/// What a deployment may choose of the connections to PostgreSQL. Which schema they work in is the URL's to say, in its
/// `options`: `search_path` names it, and no statement does.
#[derive(Clone, Copy, Debug)]
pub struct ConnectSettings {
    /// Whether the committer's statements are planned once, for any parameters.
    pub generic_plans: bool,
}

impl Default for ConnectSettings {
    fn default() -> Self {
        Self { generic_plans: true }
    }
}

pub(super) async fn postgres(url: &str, settings: ConnectSettings) -> Result<Db, Fault> {
    let main = open(shared_postgres(url)).await?;
    let link = Arc::new(Link::default());
    let commit = open(committer_postgres(url, settings, link.clone())).await?;
    Ok(Db {
        read: main.clone(),
        write: main,
        commit,
        link,
    })
}

pub(super) async fn sqlite(url: &str) -> Result<Db, Fault> {
    make_file(url);
    let write = open_new_file(sqlite_options(url, 1, false)).await?;
    let read = open(sqlite_options(url, SQLITE_READ_POOL_MAX, true)).await?;
    Ok(Db {
        read,
        commit: write.clone(),
        write,
        link: Arc::default(),
    })
}

/// The file of an SQLite database; `None` when it is in memory, which has a name and no file.
pub(crate) fn file_of(options: &SqliteConnectOptions) -> Option<PathBuf> {
    let path = options.get_filename();
    let is_in_memory = path.as_os_str().as_encoded_bytes().starts_with(b"file:");
    (!is_in_memory).then(|| path.to_owned())
}

/// True for a file that is an SQLite database or may become one. A path that a person mistyped leads to other files.
fn is_database(path: &Path) -> bool {
    let mut start = [0; SQLITE_HEADER.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read(&mut start));
    read.is_ok_and(|length| length == 0 || start == *SQLITE_HEADER)
}

const SQLITE_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Password hashes lie in the file, so it is made for its owner only; the driver would make it for every user of the machine.
/// SQLite gives its WAL the file's mode.
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
    // What cannot be made cannot be opened either, and opening says why.
    if made.is_err()
        && is_database(&path)
        && let Ok(file) = fs::metadata(&path)
        && file.mode() & EVERY_OTHER_USER != 0
    {
        tracing::warn!(path = %path.display(), "other users of this machine can read the database; run chmod 600");
    }
}

async fn open(options: ConnectOptions) -> Result<DatabaseConnection, Fault> {
    Ok(Database::connect(options).await?)
}

/// Turning a new file into WAL takes a lock that SQLite does not wait for, so two processes that start at once on an empty
/// folder meet here: the later one tries again.
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

fn base_options(url: &str, connections_max: u32) -> ConnectOptions {
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

/// What every connection but the committer's has set.
fn shared_postgres(url: &str) -> ConnectOptions {
    let mut options = postgres_options(url, POSTGRES_POOL_MAX, &[("lock_timeout", "5s")]);
    // After a restart of the server every idle connection is dead, so one that has rested is asked first; one that has
    // just answered is not, which saves its query a round trip.
    options.map_sqlx_postgres_pool_opts(|pool| {
        pool.before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        // A BEGIN whose future was dropped may still reach the server. BEGIN first, since a bare ROLLBACK outside a
        // transaction fills the server's log with warnings; READ WRITE, since a server that was demoted to a standby
        // refuses that, and its connection is closed then.
        .after_release(|connection, _| {
            Box::pin(async move { connection.execute("BEGIN READ WRITE; ROLLBACK").await.map(|_| true) })
        })
    });
    options
}

/// What the committer's connections have set.
///
/// Its few statements take arrays of any length; planning them anew each time costs more than it gains. Wallets must be
/// written in the arrays' order, or others who lock wallets deadlock with them: a join by hashing or a walk through the table, which a small
/// table would get, has an order of its own.
fn committer_postgres(url: &str, chosen: ConnectSettings, link: Arc<Link>) -> ConnectOptions {
    let mut settings = vec![
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_seqscan", "off"),
        // A plan that the lines above make look dear would be compiled, which takes a second.
        ("jit", "off"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ];
    settings.extend(RELIED_ON);
    if chosen.generic_plans {
        settings.push(("plan_cache_mode", "force_generic_plan"));
    }
    let mut options = postgres_options(url, COMMIT_POOL_MAX, &settings);
    options
        // Opened by the committer when it needs them: a connection is served by the thread that opened it.
        .min_connections(0)
        .connect_lazy(true)
        .map_sqlx_postgres_pool_opts(move |pool| {
            let (opened, used) = (link.clone(), link.clone());
            // The pool has one such hook: sea-orm's own setting for a schema would take its place, and be lost here.
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

/// What the committer's correctness and liveness rest on.
const RELIED_ON: [(&str, &str); 4] = [
    ("default_transaction_isolation", "read committed"),
    ("synchronous_commit", "on"),
    ("lock_timeout", COMMIT_LOCK_TIMEOUT),
    // A committer that stopped in the middle must not keep the turn.
    ("idle_in_transaction_session_timeout", "2s"),
];

/// A pooler in between may have dropped what the connection was opened with.
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

/// Time limits are the server's own: a future's time-out would drop a transaction half-way.
fn postgres_options(url: &str, connections_max: u32, settings: &[(&'static str, &'static str)]) -> ConnectOptions {
    let mut options = base_options(url, connections_max);
    let settings = settings.to_vec();
    options
        .set_application_name("florin")
        .map_sqlx_postgres_opts(move |postgres| {
            postgres
                .options([
                    ("statement_timeout", "15s"),
                    ("idle_in_transaction_session_timeout", "30s"),
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
            sqlite.pragma("wal_autocheckpoint", SQLITE_WAL_PAGES)
        }
    });
    // After a COMMIT that failed on a full disk the connection is still inside its transaction, and whatever it
    // "commits" next would vanish: such a connection is dropped. The committer has set a shorter
    // time-out, which the next writer must not inherit.
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
