//! The release server as a child process, and the CPU time of processes from /proc.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::program::cargo;
use tokio::net::TcpStream;

/// A running `florin`.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

/// Clock ticks per second, which Linux fixes for /proc.
const TICKS_PER_SECOND: u64 = 100;

/// Builds the release server and returns its path.
pub fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = cargo()
        .args([
            "build",
            "--release",
            "--workspace",
            "--bin",
            "florin",
            "--quiet",
            "--locked",
        ])
        .status()?;
    ensure!(built.success(), "the release server cannot be built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/florin").canonicalize()?)
}

impl Server {
    /// Starts the server on a database, with further settings, and waits until it answers.
    pub async fn start(program: &Path, database_url: &str, data_dir: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        drop(listener);
        let child = Command::new(program)
            .env("FLORIN_DATABASE_URL", database_url)
            .env("FLORIN_DATA_DIR", data_dir)
            .env("FLORIN_LISTEN", address.to_string())
            .env("FLORIN_LOG", "warn")
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .context("the server starts")?;
        let server = Self { child, address };
        for _ in 0..500 {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(server);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("the server does not listen")
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of a process and all of its past and present children.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let mut ticks = ticks_of(pid)?;
    for child in children_of(pid)? {
        // A backend may end before it is read; its parent's entry then includes its time.
        ticks += ticks_of(child).unwrap_or_default();
    }
    Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// utime and stime of the process, and those of its children that have ended.
fn ticks_of(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(") ").context("a process has a name")?.1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks = fields.get(11..15).context("a process has times")?;
    ticks.iter().map(|field| field.parse::<u64>().map_err(Into::into)).sum()
}

fn children_of(pid: u32) -> Result<Vec<u32>> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    list.split_whitespace()
        .map(|child| child.parse().map_err(Into::into))
        .collect()
}
