//! Throw-away servers for the tests. Each is started from the installed programs, on a free loopback port and in a
//! folder of its own. It is removed a moment after the test process ends, also when that was killed.

mod place;
pub mod postgres;
mod process;
pub mod redis;

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};

pub use postgres::{DataCopy, Durability, PostgresServer, REPLICATED, Standby};
pub use redis::{Persistence, RedisServer};

const PROGRAMS_MISSING: &str = "the PostgreSQL and Redis server programs are not all installed: run scripts/test.sh, \
     or `apt-get install postgresql postgresql-client redis-server`";

/// How many ports a start tries: another process may take a port that was just found free.
const START_ATTEMPTS_MAX: u32 = 5;
const START_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Below the kernel's range for outgoing connections: in that range, a client that retries could take the port of a
/// server that is about to start again.
const PORTS: Range<u32> = 20_000..30_000;

/// A loopback port that was free a moment ago.
fn free_port() -> Result<u16> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    // Test processes that run side by side start their search at distant ports.
    let first = std::process::id().wrapping_mul(101);
    for _ in PORTS {
        let offset = first.wrapping_add(ASKED.fetch_add(1, Ordering::Relaxed)) % (PORTS.end - PORTS.start);
        let port = u16::try_from(PORTS.start + offset)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no loopback port from {} to {} is free", PORTS.start, PORTS.end)
}

/// The folders of PATH that contain every one of these programs, in order.
fn folders_of_path(programs: &'static [&'static str]) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders
        .into_iter()
        .filter(|folder| programs.iter().all(|program| folder.join(program).is_file()))
}
