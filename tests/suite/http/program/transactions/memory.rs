//! A file of any size is imported in the same memory.

use std::fs::{self, File};
use std::io::Write as _;

use harness::program::command;
use serde_json::Value;
use tokio::time::{interval, timeout};

use super::{Bank, PATIENCE, POLL_EVERY, on_both_stores, today, with_redis};
use crate::sums::Month;

on_both_stores!(a_file_ten_times_as_large_takes_no_more_memory);

const ROWS: u64 = 50_000;
const TIMES: u64 = 10;
/// Memory differs from run to run. The larger file has about 20 MB, and its rows in memory would need several times
/// that.
const NOISE_KIB: u64 = 8 * 1024;

async fn a_file_ten_times_as_large_takes_no_more_memory(bank: Bank) {
    let month = Month::new(9, ROWS, today());
    let rows = month.text.split_once('\n').map_or("", |(_, rows)| rows);
    let small = peak(&bank, "small.csv", &month.text, ROWS).await;
    let large = format!("{}{}", month.text, rows.repeat(TIMES as usize - 1));
    let large = peak(&bank, "large.csv", &large, ROWS * TIMES).await;
    println!("{small} KiB for {ROWS} rows, {large} KiB for {TIMES} times as many");
    assert!(large < small + NOISE_KIB, "{small} KiB and {large} KiB");
    bank.place.remove().await;
}

/// Imports a file; returns the importer's peak memory in KiB.
async fn peak(bank: &Bank, name: &str, text: &str, rows: u64) -> u64 {
    let mut file = File::create(bank.place.folder.path().join(name)).expect("a file can be made");
    file.write_all(text.as_bytes()).expect("a file can be written");
    let import = ["import", "transactions", name, "--json"];
    let mut florin = command(bank.place.folder.path()).await;
    let arguments = with_redis(bank.redis.as_deref(), &import);
    let mut child = florin
        .args(bank.place.arguments(&arguments))
        .spawn()
        .expect("florin can be started");
    let pid = child.id().expect("a process that was not waited for has an id");
    let (mut peak, mut looks) = (0, interval(POLL_EVERY));
    let look = async {
        while child.try_wait().expect("a child can be asked").is_none() {
            peak = peak.max(most_so_far(pid));
            looks.tick().await;
        }
    };
    timeout(PATIENCE, look).await.expect("an import comes to its end");
    let output = child.wait_with_output().await.expect("florin can be waited for");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(summary["total"]["rows_inserted"], rows);
    peak
}

/// The peak memory of a process so far, in KiB; 0 if it has just ended.
fn most_so_far(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}
