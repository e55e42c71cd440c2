//! Runs `florin import activities` as a separate process and measures its time and peak memory.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::place::Place;
use crate::processes::cpu_time;

/// One run of the program.
pub struct Run {
    pub elapsed: Duration,
    /// Peak resident memory.
    pub resident_kib: u64,
    /// CPU time of the database's processes; `None` on SQLite, which runs inside the program.
    pub database_cpu: Option<Duration>,
}

const POLL_EVERY: Duration = Duration::from_millis(20);

/// Imports a file, from the start of the program to its end.
pub async fn run(place: &Place, file: &Path) -> Result<Run> {
    let database = place.server.as_ref().and_then(|server| server.pid());
    let before = database.map(cpu_time).transpose()?;
    let started = Instant::now();
    let mut child = Command::new(&place.program)
        .args(["import", "activities"])
        .arg(file)
        .env("FLORIN_DATABASE_URL", &place.url)
        .env("FLORIN_DATA_DIR", place.folder.path())
        .env("FLORIN_LOG", "warn")
        .stdout(Stdio::null())
        .spawn()
        .context("the program starts")?;
    let mut resident_kib = 0;
    let status = loop {
        // The kernel keeps the peak, so the last reading before the end is enough.
        resident_kib = peak_kib(child.id()).unwrap_or(resident_kib);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        tokio::time::sleep(POLL_EVERY).await;
    };
    let elapsed = started.elapsed();
    ensure!(status.success(), "the import ended with {status}");
    let after = database.map(cpu_time).transpose()?;
    Ok(Run {
        elapsed,
        resident_kib,
        database_cpu: after.zip(before).map(|(after, before)| after - before),
    })
}

/// A process' peak resident memory so far; `None` once it has ended.
pub fn peak_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
