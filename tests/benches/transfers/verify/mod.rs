//! What `florin verify` costs over reading the rows that it proves, how its memory grows with them, and what a receipt
//! costs over the transfer itself. PostgreSQL, with transfers that the server has made.

mod process;
mod shown;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

pub use self::shown::{RECEIPT_CONNECTIONS, ReceiptLook, receipt_look_name};

use self::process::{ProofRun, read_rows, run_verify};
use crate::batches::{BatchKind, BatchWriter};
use crate::common::client::Requests;
use crate::histories::settle;
use crate::load::Accounts;
use crate::report::{Measure, Report};
use crate::selection::Selection;
use crate::stage::{Stage, all_completed, completed};
use crate::timed::Line;
use crate::work::LARGE_BATCHES;

/// `florin verify` of many transfers, as a process from its start to its end.
pub const VERIFY: &str = "verify postgres, florin verify, many";
/// Reading the same bank's transfers.
pub const COPY_TRANSFERS: &str = "verify postgres, COPY transfers, many";
/// Reading all rows of these transfers.
pub const COPY_ALL: &str = "verify postgres, COPY transfers + entries + journal, many";
/// The most memory that `florin verify` takes for many transfers, above the least that it takes for few.
pub const MEMORY: &str = "verify postgres, memory, many above few";

/// What all names of these measurements begin with.
const GROUP: &str = "verify postgres";
/// How many times as many the many are.
const TIMES_AS_MANY: u64 = 100;
/// Wallets of each bank. The deposit of each is a transfer too.
const WALLETS: usize = 100;
/// How often each is measured, in turns, after once that warms up.
const TURNS: usize = 3;
/// How the transfers are sent.
const CONNECTIONS: u64 = 16;
const BATCH: u64 = 1_000;

/// Measures those that are selected.
pub async fn measure(report: &mut Report, selection: &Selection, many: u64, time: Duration) -> Result<()> {
    if !selection.has_any_of(GROUP) {
        return Ok(());
    }
    let few = many / TIMES_AS_MANY;
    eprintln!("verify: few are {few} transfers, many are {many}");
    let mut of_few = Vec::new();
    if selection.has(MEMORY) {
        let stage = filled_stage(few).await?;
        for _ in 0..TURNS {
            of_few.push(run_verify(&stage).await?);
        }
        stage.stop().await?;
    }
    let stage = filled_stage(many).await?;
    if selection.has(VERIFY) || selection.has(MEMORY) {
        let of_many = measure_verify(report, &stage, many).await?;
        if !of_few.is_empty() {
            report.add(MEMORY, memory(&of_few, &of_many));
        }
    }
    for connections in RECEIPT_CONNECTIONS {
        if selection.has(&receipt_look_name(ReceiptLook::Receipt, connections)) {
            shown::measure(report, &stage, connections, time).await?;
        }
    }
    stage.stop().await
}

/// Measures the proof and both readings in turns.
async fn measure_verify(report: &mut Report, stage: &Stage, transfers: u64) -> Result<Vec<ProofRun>> {
    let (mut proofs, mut all, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..=TURNS {
        let read_alone = read_rows(stage, &["transfers"]).await?;
        let read_all = read_rows(stage, &["transfers", "entries", "journal"]).await?;
        let proof = run_verify(stage).await?;
        // The first turn only fills the caches.
        if turn > 0 {
            alone.push(read_alone);
            all.push(read_all);
            proofs.push(proof);
        }
    }
    let times = proofs.iter().map(|proof| proof.elapsed).collect();
    report.add(VERIFY, measure_of(times, transfers));
    report.add(COPY_ALL, measure_of(all, transfers));
    report.add(COPY_TRANSFERS, measure_of(alone, transfers));
    Ok(proofs)
}

/// The median of the times, and what it is in transfers a second.
fn measure_of(mut times: Vec<Duration>, transfers: u64) -> Measure {
    times.sort_unstable();
    let micros = |time: Option<&Duration>| {
        let micros = time.map_or(0, Duration::as_micros);
        u64::try_from(micros).unwrap_or(u64::MAX)
    };
    let median = micros(times.get(times.len() / 2));
    Measure {
        per_second: transfers * 1_000_000 / median.max(1),
        p50_us: median,
        max_us: micros(times.last()),
        ..Measure::default()
    }
}

fn memory(few: &[ProofRun], many: &[ProofRun]) -> Measure {
    let least = few.iter().map(|run| run.peak_kib).min().unwrap_or_default();
    let most = many.iter().map(|run| run.peak_kib).max().unwrap_or_default();
    eprintln!("  KiB resident at most: {least} with few transfers, {most} with many");
    Measure {
        above_idle_kib: Some(most.saturating_sub(least)),
        ..Measure::default()
    }
}

/// A bank in which so many transfers are completed, all by the server but the deposits.
async fn filled_stage(transfers: u64) -> Result<Stage> {
    let stage = Stage::postgres(WALLETS, 0).await?;
    let before = completed(&stage.db).await?;
    let sent = transfers - before;
    let server = stage.server(LARGE_BATCHES).await?;
    fill(server.address, &stage.accounts, sent).await?;
    drop(server);
    all_completed(&stage.db, before, Some(sent)).await?;
    settle(&stage.db).await?;
    Ok(stage)
}

/// Sends so many transfers in batches, over all connections at once.
async fn fill(address: SocketAddr, accounts: &Arc<Accounts>, transfers: u64) -> Result<()> {
    let mut connections = JoinSet::new();
    for number in 0..CONNECTIONS {
        let mut left = transfers / CONNECTIONS + u64::from(number < transfers % CONNECTIONS);
        let mut writer = BatchWriter::new(accounts, BATCH, BatchKind::Spread);
        let mut line = Line::open(address).await?;
        connections.spawn(async move {
            let mut request = Vec::new();
            while left > 0 {
                writer.size = left.min(BATCH);
                request.clear();
                writer.write(&mut request)?;
                line.ask(str::from_utf8(&request)?).await?;
                left -= writer.size;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(())
}
