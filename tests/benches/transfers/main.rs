//! Transfers per second over HTTP against the database's own benchmark, in one run on one machine.
//!
//! `cargo bench -p tests --bench transfers [-- --quick] [-- --runs 3] [-- --json FILE]`. The server is the release
//! binary in a separate process; the client, the server and the database share the machine's cores.

#[path = "../common/mod.rs"]
mod common;
mod load;
mod pgbench;
mod report;
mod sqlite;
mod stage;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use load::{Load, Pick};
use report::Report;
use stage::Stage;

/// The options; `cargo bench` adds `--bench` by itself.
#[derive(Parser)]
struct Options {
    /// One second per measurement instead of eight, and one run: under a minute in all
    #[arg(long)]
    quick: bool,
    /// How often the whole table is measured
    #[arg(long, default_value = "3")]
    runs: usize,
    /// Seconds per measurement
    #[arg(long)]
    seconds: Option<u64>,
    /// Only measurements whose name contains this
    #[arg(long)]
    only: Option<String>,
    /// Where to write the figures
    #[arg(long, default_value = "target/bench-transfers.json")]
    json: std::path::PathBuf,
    #[arg(long, hide = true)]
    bench: bool,
}

const WALLETS: usize = 10_000;
const FEW_WALLETS: usize = 10;

fn main() -> Result<()> {
    let options = Options::parse();
    let runs = if options.quick { 1 } else { options.runs };
    let seconds = options.seconds.unwrap_or(if options.quick { 1 } else { 8 });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut report = Report::default();
        for run in 1..=runs {
            eprintln!("run {run} of {runs}, {seconds} s a measure");
            measure(&mut report, Duration::from_secs(seconds), options.only.as_deref()).await?;
        }
        report.print();
        report.write(&options.json)
    })
}

/// Measurements of our server: name, connections, and how wallets are picked.
const LOADS: [(&str, usize, Pick); 9] = [
    ("http uniform, 1000 connections", 1_000, Pick::Uniform),
    ("http uniform, 256 connections", 256, Pick::Uniform),
    ("http uniform, 64 connections", 64, Pick::Uniform),
    ("http uniform, 1 connections", 1, Pick::Uniform),
    ("http one hot, 1000 connections", 1_000, Pick::Hot),
    ("http zipf, 1000 connections", 1_000, Pick::Zipf),
    ("http one hot, 256 connections", 256, Pick::Hot),
    ("http zipf, 256 connections", 256, Pick::Zipf),
    ("http ten wallets, 64 connections", 64, Pick::Few),
];

/// Measurements of two servers: name, connections to each, and how each one's clients pick wallets.
const REPLICAS: [(&str, usize, [Pick; 2]); 2] = [
    (
        "http two replicas, 2 x 128 connections",
        128,
        [Pick::Uniform, Pick::Uniform],
    ),
    (
        "http two replicas, ten wallets, 2 x 64",
        64,
        [Pick::FewUp, Pick::FewDown],
    ),
];

/// Measures the whole table once, with both sides of every ratio.
async fn measure(report: &mut Report, time: Duration, only: Option<&str>) -> Result<()> {
    let wanted = |name: &str| only.is_none_or(|part| name.contains(part));
    // The fastest measurement writes about 35 MB of log per second, the baselines less.
    let wal_segments = 24 + 24 * usize::try_from(time.as_secs())?;
    let stage = Stage::postgres(WALLETS, wal_segments).await?;
    if wanted("pgbench") {
        measure_pgbench(report, &stage, time).await?;
    }
    for (name, connections, pick) in LOADS.into_iter().filter(|load| wanted(load.0)) {
        report.add(
            name,
            stage
                .load(Load {
                    connections,
                    pick,
                    time,
                })
                .await?,
        );
    }
    for (name, connections, picks) in REPLICAS.into_iter().filter(|load| wanted(load.0)) {
        report.add(name, stage.two_replicas(connections, picks, time).await?);
    }
    stage.prove_books().await?;
    stage.print_bytes().await?;
    stage.stop().await?;
    if wanted("sqlite") {
        sqlite::measure(report, time, FEW_WALLETS).await?;
    }
    Ok(())
}

async fn measure_pgbench(report: &mut Report, stage: &Stage, time: Duration) -> Result<()> {
    for clients in [8, 16, 32] {
        report.add(
            &format!("pgbench one-call, {clients} clients"),
            stage.pgbench(clients, false, time).await?,
        );
        report.add(
            &format!("pgbench one hot, {clients} clients"),
            stage.pgbench(clients, true, time).await?,
        );
    }
    report.add("pgbench one-call, 1 client", stage.pgbench(1, false, time).await?);
    Ok(())
}
