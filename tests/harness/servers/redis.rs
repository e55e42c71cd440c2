//! A throw-away Redis on the loopback interface, without a password.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::place::{Medium, Wish};
use super::process::ServerProcess;
use super::{POLL_INTERVAL, PROGRAMS_MISSING, START_ATTEMPTS_MAX, START_TIMEOUT, folders_of_path, free_port};

const PROGRAM: &str = "redis-server";
const STOP_SIGNAL: &str = "TERM";
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Redis' database count. Tests that need a database alone get 1 and up; an empty database costs nothing.
const DATABASES_MAX: u32 = 1_024;

/// Which data are left after `kill` and `start_again`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// No data.
    None,
    /// All data except about the last second's.
    AppendEverySecond,
    /// All data of answered commands.
    AppendAlways,
}

/// A running server with its own data. Both are removed when it is dropped or the test process ends.
pub struct RedisServer {
    program: PathBuf,
    port: u16,
    persistence: Persistence,
    process: ServerProcess,
    handed_out: AtomicU32,
}

impl RedisServer {
    /// The server that all tests of this process share; the first call starts it.
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<RedisServer> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(Persistence::None)).await
    }

    /// Starts a separate server.
    pub async fn start(persistence: Persistence) -> Result<Self> {
        let program = folders_of_path(&[PROGRAM])
            .next()
            .context(PROGRAMS_MISSING)?
            .join(PROGRAM);
        let wish = Wish {
            prefix: "florin-redis-",
            user: "redis",
            medium: Medium::Disk,
        };
        let process = ServerProcess::try_new(wish, STOP_SIGNAL)?;
        let mut server = Self {
            program,
            port: 0,
            persistence,
            process,
            handed_out: AtomicU32::new(0),
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

    /// Address of database 0, which all tests on this server share.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Address of a database that no other caller was given. Channels (publish, subscribe) are shared between
    /// databases.
    pub fn fresh_database_url(&self) -> Result<String> {
        let index = self.handed_out.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        ensure!(index < DATABASES_MAX, "all {DATABASES_MAX} Redis databases are in use");
        Ok(format!("redis://127.0.0.1:{}/{index}", self.port))
    }

    /// Sends a command to the database of an address, and returns the raw answer: for commands that the bank would
    /// never send.
    pub async fn command(url: &str, words: &[&str]) -> Result<String> {
        let (server, database) = url
            .strip_prefix("redis://")
            .and_then(|rest| rest.split_once('/'))
            .context("an address of a Redis database")?;
        let mut connection = TcpStream::connect(server).await?;
        for words in [&["SELECT", database][..], words, &["QUIT"]] {
            let mut request = format!("*{}\r\n", words.len());
            for word in words {
                request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
            }
            connection.write_all(request.as_bytes()).await?;
        }
        let mut answer = String::new();
        connection.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
        let answer = answer
            .strip_prefix("+OK\r\n")
            .and_then(|rest| rest.strip_suffix("+OK\r\n"));
        Ok(answer.context("an answer between those to SELECT and QUIT")?.to_owned())
    }

    /// The port, the same for the server's whole life.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Id of the process; `None` between `kill` and `start_again`.
    pub fn pid(&self) -> Option<u32> {
        self.process.pid()
    }

    /// Folder of the append-only file, if there is one.
    pub fn data_dir(&self) -> PathBuf {
        self.process.folder().to_owned()
    }

    /// Kills the server without warning, as a crash does (`kill -9`).
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts a killed server on the same folder and port; returns once it has read its data.
    pub async fn start_again(&mut self) -> Result<()> {
        self.launch().await
    }

    /// Stops the server and removes its data; returns when both are gone.
    pub fn stop(mut self) -> Result<()> {
        self.process.stop()
    }

    async fn launch(&mut self) -> Result<()> {
        let (append, fsync) = match self.persistence {
            Persistence::None => ("no", "no"),
            Persistence::AppendEverySecond => ("yes", "everysec"),
            Persistence::AppendAlways => ("yes", "always"),
        };
        let (port, databases) = (self.port.to_string(), DATABASES_MAX.to_string());
        let folder = self.data_dir().display().to_string();
        let place = [
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
            "--dir",
            &folder,
            "--databases",
            &databases,
        ];
        let persistence = ["--save", "", "--appendonly", append, "--appendfsync", fsync];
        let arguments: Vec<String> = place.into_iter().chain(persistence).map(str::to_owned).collect();
        self.process.spawn(&self.program, &arguments)?;
        self.until_ready().await
    }

    async fn until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !self.is_ready().await {
            if let Some(status) = self.process.exited()? {
                bail!("Redis did not start ({status}):\n{}", self.process.log_tail());
            }
            ensure!(
                Instant::now() < deadline,
                "Redis is not ready in time:\n{}",
                self.process.log_tail()
            );
            sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Whether a server answers on the port, it is this one, and it has read its data.
    async fn is_ready(&self) -> bool {
        let Ok(Ok(answer)) = timeout(ANSWER_TIMEOUT, self.info()).await else {
            return false;
        };
        let has = |line: &str| answer.lines().any(|answered| answered == line);
        self.pid().is_some_and(|pid| has(&format!("process_id:{pid}"))) && has("loading:0")
    }

    async fn info(&self) -> Result<String> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await?;
        connection.write_all(b"INFO\r\nQUIT\r\n").await?;
        let mut answer = String::new();
        connection.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).await?;
        Ok(answer)
    }
}
