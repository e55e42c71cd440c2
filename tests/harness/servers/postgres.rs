//! A throw-away PostgreSQL, reachable on the loopback interface only and without a password.

mod copies;
mod standby;

pub use copies::DataCopy;
pub use standby::Standby;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, OnceCell};
use tokio::time::sleep;

use super::place::{Medium, Wish};
use super::process::ServerProcess;
use super::{POLL_INTERVAL, PROGRAMS_MISSING, START_ATTEMPTS_MAX, START_TIMEOUT, folders_of_path, free_port};

const USER: &str = "florin";
/// The database that always exists, for statements about other databases.
const MAINTENANCE: &str = "postgres";
const ADMIN_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SERVER_PROGRAMS: &[&str] = &["initdb", "postgres"];

/// QUIT is PostgreSQL's immediate shutdown. It makes no checkpoint, which would be wasted: the files are removed
/// anyway.
const STOP_SIGNAL: &str = "QUIT";

/// With `fsync=off`, commits survive a crash of the server, but not of the machine. `synchronous_commit` stays on:
/// without it a killed server loses commits that it has reported.
const FAST: &[(&str, &str)] = &[
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    // Tests make and drop hundreds of databases: a checkpoint in between would stop all of them for seconds.
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "1h"),
    ("autovacuum", "off"),
    ("max_connections", "600"),
];
/// Settings for a server that can be copied and followed while it runs.
pub const REPLICATED: &[(&str, &str)] = &[
    ("wal_level", "replica"),
    ("max_wal_senders", "4"),
    // A standby that has lost its primary tries again at once, instead of after five seconds.
    ("wal_retrieve_retry_interval", "100ms"),
];
const DURABLE: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("max_connections", "600"),
];

/// What a commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A crash of the server only; for tests.
    Fast,
    /// A power failure, as in production, if the folder is on a disk; for benchmarks.
    Durable,
}

/// A running server with its own data. Both are removed when it is dropped or the test process ends.
pub struct PostgresServer {
    programs: PathBuf,
    port: u16,
    settings: Vec<(String, String)>,
    process: ServerProcess,
    /// PostgreSQL refuses to clone a database that has connections, so clones are made one at a time.
    cloning: Mutex<()>,
}

impl PostgresServer {
    /// The server that all tests of this process share; the first call starts it.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Durability::Fast, &[])).await
    }

    /// Starts a separate server; `settings` are lines of postgresql.conf and override the profile's.
    pub async fn start(durability: Durability, settings: &[(&str, &str)]) -> Result<Self> {
        let (profile, medium) = match durability {
            Durability::Fast => (FAST, Medium::Memory),
            Durability::Durable => (DURABLE, Medium::Disk),
        };
        let programs = find_programs()?;
        let process = init(programs.clone(), medium).await?;
        let settings = profile
            .iter()
            .chain(settings)
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self::start_on_a_free_port(programs, settings, process).await
    }

    async fn start_on_a_free_port(
        programs: PathBuf,
        settings: Vec<(String, String)>,
        process: ServerProcess,
    ) -> Result<Self> {
        let mut server = Self {
            programs,
            port: 0,
            settings,
            process,
            cloning: Mutex::new(()),
        };
        let mut attempt = 1;
        loop {
            server.port = free_port()?;
            match server.launch().await {
                Ok(()) => return Ok(server),
                Err(fault) if attempt == START_ATTEMPTS_MAX => return Err(fault),
                Err(_) => attempt += 1,
            }
        }
    }

    /// Address of a database, which need not exist yet. TLS is off, as the server has no certificate.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The port, the same for the server's whole life.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Id of the main process; `None` between `kill` and `start_again`.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// The cluster's folder, as `SHOW data_directory` gives it.
    pub fn data_dir(&self) -> PathBuf {
        self.process.folder().join("data")
    }

    /// Path of another program of the same version, such as `psql` or `pgbench`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Makes an empty database.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        let _alone = self.cloning.lock().await;
        self.administer(&format!("CREATE DATABASE {}", quoted(name))).await
    }

    /// Clones a database with its schema and rows. PostgreSQL waits some seconds for the template's last connections to
    /// close, then fails.
    pub async fn create_database_from_template(&self, name: &str, template: &str) -> Result<()> {
        let _alone = self.cloning.lock().await;
        self.administer(&format!(
            "CREATE DATABASE {} TEMPLATE {}",
            quoted(name),
            quoted(template)
        ))
        .await
    }

    /// Drops a database if it exists, and ends its connections.
    pub async fn drop_database(&self, name: &str) -> Result<()> {
        self.administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)))
            .await
    }

    /// Kills the server and its backends without warning, as a crash does (`kill -9`). The data stay.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts a killed server on the same data and port; returns once it has recovered.
    pub async fn start_again(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match self.launch().await {
                Ok(()) => return Ok(()),
                // The old server's shared memory counts as in use until the kernel has removed its last process.
                Err(_) if Instant::now() < deadline && self.pid().is_none() => sleep(POLL_INTERVAL).await,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Stops the server and removes its data; returns when both are gone.
    pub fn stop(mut self) -> Result<()> {
        self.process.stop()
    }

    async fn launch(&mut self) -> Result<()> {
        let folder = self.process.folder().display();
        let mut arguments = vec!["-D".to_owned(), self.data_dir().display().to_string()];
        let mut set = |name: &str, value: &str| arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        set("listen_addresses", "127.0.0.1");
        set("port", &self.port.to_string());
        set("unix_socket_directories", &folder.to_string());
        for (name, value) in &self.settings {
            set(name, value);
        }
        self.process.spawn(&self.program("postgres"), &arguments)?;
        self.until_ready().await
    }

    async fn until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !self.is_ready().await {
            if let Some(status) = self.process.exited()? {
                bail!("PostgreSQL did not start ({status}):\n{}", self.process.log_tail());
            }
            ensure!(
                Instant::now() < deadline,
                "PostgreSQL is not ready in time:\n{}",
                self.process.log_tail()
            );
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Whether a server answers on the port, and it is this one.
    async fn is_ready(&self) -> bool {
        // Here a refused connection returns at once; the pool would wait and retry by itself.
        if TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            return false;
        }
        let Ok(db) = self.connect(MAINTENANCE).await else {
            return false;
        };
        let folder = text_of(&db, "SHOW data_directory").await;
        db.close().await.is_ok() && folder.is_some_and(|folder| Path::new(&folder) == self.data_dir())
    }

    /// The text that a query returns.
    async fn ask(&self, query: &str) -> Result<String> {
        let db = self.connect(MAINTENANCE).await?;
        let answer = text_of(&db, query).await;
        db.close().await?;
        answer.with_context(|| format!("no answer to {query}"))
    }

    async fn administer(&self, statement: &str) -> Result<()> {
        let db = self.connect(MAINTENANCE).await?;
        let outcome = db.execute_unprepared(statement).await;
        db.close().await?;
        outcome.with_context(|| format!("cannot run {statement}"))?;
        Ok(())
    }

    /// A connection for one statement. It is not kept: every test has its own runtime, and a connection cannot outlive
    /// the runtime that made it.
    async fn connect(&self, database: &str) -> Result<DatabaseConnection> {
        let mut options = ConnectOptions::new(self.url(database));
        options
            .max_connections(1)
            .connect_timeout(ADMIN_CONNECT_TIMEOUT)
            .sqlx_logging(false);
        Database::connect(options).await.context("cannot connect to PostgreSQL")
    }
}

async fn text_of(db: &DatabaseConnection, query: &str) -> Option<String> {
    let question = Statement::from_string(DbBackend::Postgres, query);
    let row = db.query_one_raw(question).await.ok().flatten();
    row.and_then(|row| row.try_get_by_index(0).ok())
}

/// A folder for one server.
fn place_on(medium: Medium) -> Result<ServerProcess> {
    let wish = Wish {
        prefix: "florin-postgres-",
        user: "postgres",
        medium,
    };
    ServerProcess::try_new(wish, STOP_SIGNAL)
}

/// Makes the folder and an empty cluster in it.
async fn init(programs: PathBuf, medium: Medium) -> Result<ServerProcess> {
    tokio::task::spawn_blocking(move || {
        let mut process = place_on(medium)?;
        let data_dir = process.folder().join("data").display().to_string();
        let arguments = [
            "--pgdata",
            &data_dir,
            "--username",
            USER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
        ];
        let more = ["--locale", "C", "--no-sync", "--no-instructions"];
        let arguments: Vec<String> = arguments.into_iter().chain(more).map(str::to_owned).collect();
        process.spawn(&programs.join("initdb"), &arguments)?;
        let status = process.wait()?;
        ensure!(status.success(), "initdb failed ({status}):\n{}", process.log_tail());
        Ok(process)
    })
    .await?
}

/// The folder of the server programs: first in PATH, then where Debian and Ubuntu install them, newest version first.
fn find_programs() -> Result<PathBuf> {
    let folder = folders_of_path(SERVER_PROGRAMS)
        .chain(installed_versions())
        .next()
        .context(PROGRAMS_MISSING)?;
    // PATH may contain links to only some of the programs; the others are beside the link's target.
    let server = folder.join("postgres").canonicalize()?;
    Ok(server.parent().map_or(folder, Path::to_owned))
}

fn installed_versions() -> impl Iterator<Item = PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| SERVER_PROGRAMS.iter().all(|program| folder.join(program).is_file()))
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
