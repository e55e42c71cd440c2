//! Transfers per second over HTTP against the database's own benchmark, batches and holds against single transfers, what
//! the feed and webhooks cost, what lists, statements and pages of the audit log cost on long histories, and what the proof
//! of the books and receipts cost, in one run on one machine.
//!
//! `cargo bench -p tests --bench transfers [-- --quick] [-- --runs 3] [-- --only NAME] [-- --json FILE]`. The server is
//! the release binary in a separate process; the client, the server and the database share the machine's cores.

mod audit;
mod batches;
#[path = "../common/mod.rs"]
mod common;
mod feed;
mod goals;
mod histories;
mod holds;
mod lists;
mod load;
mod memory;
mod paced;
mod pgbench;
mod report;
mod selection;
mod sqlite;
mod stage;
mod statements;
mod storm;
mod timed;
mod verify;
mod work;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use sea_orm::DbBackend;

use common::processes;
use histories::{Entries, Histories};
use load::{Load, Pick};
use report::Report;
use selection::Selection;
use stage::Stage;
use work::{Work, batches_and_holds};

/// The options; `cargo bench` adds `--bench` by itself.
#[derive(Parser)]
struct Options {
    /// One second per measurement instead of eight, one run, and shorter histories: some minutes in all
    #[arg(long)]
    quick: bool,
    /// How often the whole table is measured; lists, statements, queues of webhooks and proofs once
    #[arg(long, default_value = "3")]
    runs: usize,
    /// Seconds per measurement
    #[arg(long)]
    seconds: Option<u64>,
    /// Only measurements whose name contains this, and the baselines of their ratios: "batches", "hold", "lists",
    /// "statement", "audit", "storm", "feed", "verify", "receipt", "sqlite", ...
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

/// The histories that lists and statements are measured on, and how often each list is asked for.
const FULL: (Entries, usize) = (
    Entries {
        few: 1_000,
        many: 1_000_000,
    },
    40,
);
const QUICK: (Entries, usize) = (
    Entries {
        few: 1_000,
        many: 100_000,
    },
    10,
);

fn main() -> Result<()> {
    let options = Options::parse();
    let runs = if options.quick { 1 } else { options.runs };
    let seconds = options.seconds.unwrap_or(if options.quick { 1 } else { 8 });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let selection = Selection::new(options.only.clone());
    runtime.block_on(async {
        let mut report = Report::default();
        for run in 1..=runs {
            eprintln!("run {run} of {runs}, {seconds} s a measure");
            measure(&mut report, &selection, Duration::from_secs(seconds)).await?;
        }
        let (entries, rounds) = if options.quick { QUICK } else { FULL };
        feed::drain::measure(&mut report, &selection, entries.many).await?;
        let time = Duration::from_secs(seconds);
        verify::measure(&mut report, &selection, entries.many.into(), time).await?;
        measure_histories(&mut report, &selection, entries, rounds).await?;
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

/// Measures transfers, batches and holds once, with both sides of every ratio.
async fn measure(report: &mut Report, selection: &Selection, time: Duration) -> Result<()> {
    let works: Vec<(String, Work)> = works(time).filter(|(name, _)| selection.has(name)).collect();
    let replicas: Vec<_> = REPLICAS.into_iter().filter(|load| selection.has(load.0)).collect();
    let has_storm = selection.has(storm::BESIDE);
    let has_feed = feed::is_wanted(selection);
    if selection.has("pgbench") || has_storm || has_feed || !works.is_empty() || !replicas.is_empty() {
        // The fastest single transfers write about 35 MB of log per second, the baselines less, and batches more. The feed
        // is measured five times.
        let others = works.iter().filter(|(_, work)| !matches!(work, Work::Singles(_)));
        let segments_a_second = 24 + 4 * others.count() + if has_feed { 12 } else { 0 };
        let wal_segments = 24 + segments_a_second * usize::try_from(time.as_secs())?;
        let stage = Stage::postgres(WALLETS, wal_segments).await?;
        if selection.has("pgbench") {
            measure_pgbench(report, &stage, time).await?;
        }
        for (name, work) in works {
            report.add(&name, stage.work(work).await?);
        }
        for (name, connections, picks) in replicas {
            report.add(name, stage.two_replicas(connections, picks, time).await?);
        }
        if has_storm {
            let [alone, beside] = stage.storm(time).await?;
            report.add(storm::ALONE, alone);
            report.add(storm::BESIDE, beside);
        }
        if has_feed {
            feed::measure(report, selection, &stage, time).await?;
        }
        stage.prove_books().await?;
        stage.print_bytes().await?;
        stage.stop().await?;
    }
    sqlite::measure(report, selection, time, FEW_WALLETS).await
}

/// Single transfers, batches and holds on PostgreSQL, with the names of their measurements.
fn works(time: Duration) -> impl Iterator<Item = (String, Work)> {
    let singles = LOADS.into_iter().map(move |(name, connections, pick)| {
        let load = Load {
            connections,
            pick,
            time,
        };
        (name.to_owned(), Work::Singles(load))
    });
    let others = batches_and_holds(time).map(|(name, work)| (format!("http {name}"), work));
    singles.chain(others)
}

/// Measures lists and the audit log on both databases and statements on PostgreSQL, on histories that are stored first.
async fn measure_histories(report: &mut Report, selection: &Selection, entries: Entries, rounds: usize) -> Result<()> {
    for (database, backend) in [("postgres", DbBackend::Postgres), ("sqlite", DbBackend::Sqlite)] {
        if selection.has_any_of(&format!("audit {database}")) {
            eprintln!("{database}: few are {} lines, many are {}", entries.few, entries.many);
            let program = processes::build()?;
            audit::measure(report, (database, backend), &program, entries, rounds).await?;
        }
        let has_lists = selection.has_any_of(&format!("lists {database}"));
        let has_statements = selection.has_any_of(&format!("statement {database}"));
        if !has_lists && !has_statements {
            continue;
        }
        eprintln!("{database}: few are {} entries, many are {}", entries.few, entries.many);
        let program = processes::build()?;
        let histories = Histories::make(backend, entries).await?;
        if has_lists {
            lists::measure(report, database, &histories, &program, rounds).await?;
        }
        if has_statements {
            statements::measure(report, &histories.many, &program).await?;
        }
        histories.stop()?;
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
