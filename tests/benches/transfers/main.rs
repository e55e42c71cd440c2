//! Transfers per second over HTTP against the database's own benchmark, in one run on one machine.
//!
//! `cargo bench -p tests --bench transfers [-- --quick] [-- --runs 3] [-- --json FILE]`. The server is the release binary in a
//! process of its own; the client, the server and the database share the machine's cores.

mod load;
mod pgbench;
mod processes;
mod report;
mod sqlite;
mod stage;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use load::{Load, Pick};
use report::Report;
use stage::Stage;

/// What a caller may choose; `cargo bench` adds `--bench` by itself.
#[derive(Parser)]
struct Options {
    /// Two seconds a measure instead of eight, and one run
    #[arg(long)]
    quick: bool,
    /// How often the whole table is measured
    #[arg(long, default_value = "3")]
    runs: usize,
    /// Seconds a measure
    #[arg(long)]
    seconds: Option<u64>,
    /// Only measures whose name contains this
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
    let seconds = options.seconds.unwrap_or(if options.quick { 2 } else { 8 });
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

/// One whole table. The baselines stand between our own measures, so that a slow minute of the machine hits both.
async fn measure(report: &mut Report, time: Duration, only: Option<&str>) -> Result<()> {
    let wanted = |name: &str| only.is_none_or(|part| name.contains(part));
    let stage = Stage::postgres(WALLETS).await?;
    for clients in [8, 16, 32] {
        if wanted("pgbench") {
            report.add(
                &format!("pgbench one-call, {clients} clients"),
                stage.pgbench(clients, false, time).await?,
            );
            report.add(
                &format!("pgbench one hot, {clients} clients"),
                stage.pgbench(clients, true, time).await?,
            );
        }
    }
    if wanted("pgbench") {
        report.add("pgbench one-call, 1 client", stage.pgbench(1, false, time).await?);
    }
    for connections in [1_000, 256, 64, 1] {
        let name = format!("http uniform, {connections} connections");
        if wanted(&name) {
            report.add(
                &name,
                stage
                    .load(Load {
                        connections,
                        pick: Pick::Uniform,
                        time,
                    })
                    .await?,
            );
        }
    }
    for (name, pick) in [("http one hot", Pick::Hot), ("http zipf", Pick::Zipf)] {
        let name = format!("{name}, 256 connections");
        if wanted(&name) {
            report.add(
                &name,
                stage
                    .load(Load {
                        connections: 256,
                        pick,
                        time,
                    })
                    .await?,
            );
        }
    }
    if wanted("two replicas") {
        report.add(
            "http two replicas, 2 x 128 connections",
            stage.two_replicas(128, Pick::Uniform, time).await?,
        );
    }
    stage.prove_books().await?;
    stage.stop().await?;
    if wanted("sqlite") {
        sqlite::measure(report, time, FEW_WALLETS).await?;
    }
    Ok(())
}
