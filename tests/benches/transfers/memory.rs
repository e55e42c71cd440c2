//! The resident memory of another process, from /proc.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// How often memory is read until it stands still, how much it may still change, and for how long.
const POLL_EVERY: Duration = Duration::from_millis(200);
const STILL_KIB: u64 = 128;
const STILL_POLLS: u32 = 15;
/// After so many reads it counts as settled anyway.
const POLLS_MAX: u32 = 150;

/// Resident memory now.
pub fn resident_kib(pid: u32) -> Result<u64> {
    field(pid, "VmRSS:")
}

/// The most resident memory since the start, or since `reset_peak`.
pub fn peak_kib(pid: u32) -> Result<u64> {
    field(pid, "VmHWM:")
}

/// Makes the peak that of now.
pub fn reset_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("the peak of memory can be reset")
}

/// Resident memory once it has stood still for three seconds, so that what a server reads after its start is in it.
pub async fn settled_kib(pid: u32) -> Result<u64> {
    let mut before = resident_kib(pid)?;
    let mut still = 0;
    for _ in 0..POLLS_MAX {
        tokio::time::sleep(POLL_EVERY).await;
        let now = resident_kib(pid)?;
        if now.abs_diff(before) > STILL_KIB {
            (before, still) = (now, 0);
        } else {
            still += 1;
        }
        if still == STILL_POLLS {
            break;
        }
    }
    resident_kib(pid)
}

fn field(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    Ok(kib.context("a process has memory")?.trim().parse()?)
}
