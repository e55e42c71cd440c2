//! `florin verify` and PostgreSQL's client as processes: how long they run, and how much memory the proof takes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::memory::peak_kib;
use crate::stage::Stage;

/// How often the peak of a running process is read: what it still takes in the last moment is missed.
const SAMPLE_EVERY: Duration = Duration::from_millis(5);

/// One run of `florin verify`.
pub struct ProofRun {
    pub elapsed: Duration,
    pub peak_kib: u64,
}

/// Proves the bank's books. Fails unless they balance.
pub async fn run_verify(stage: &Stage) -> Result<ProofRun> {
    let began = Instant::now();
    let child = stage.florin("verify").spawn().context("florin starts")?;
    let pid = child.id().context("a new process has an id")?;
    let ended = child.wait_with_output();
    tokio::pin!(ended);
    let mut peak = 0;
    let output = loop {
        tokio::select! {
            output = &mut ended => break output?,
            // A process that has just ended has no memory.
            () = tokio::time::sleep(SAMPLE_EVERY) => peak = peak.max(peak_kib(pid).unwrap_or_default()),
        }
    };
    let elapsed = began.elapsed();
    ensure!(
        output.status.success(),
        "florin verify: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(ProofRun {
        elapsed,
        peak_kib: peak,
    })
}

/// Reads all rows of tables, one table after the other, and drops them.
pub async fn read_rows(stage: &Stage, tables: &[&str]) -> Result<Duration> {
    let copies = tables
        .iter()
        .map(|table| format!("COPY (SELECT * FROM {table}) TO STDOUT"));
    let began = Instant::now();
    let status = stage.psql(copies).status().await.context("psql runs")?;
    let elapsed = began.elapsed();
    ensure!(status.success(), "psql: {status}");
    Ok(elapsed)
}
