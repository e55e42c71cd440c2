//! Transactions: rows per second from a file to the report's totals, against a bare pipeline with one `XADD` per row
//! into the same Redis. All are measured in one run on one machine. Then the time until the bank's own deposits are in
//! the report.
//!
//! `cargo bench -p tests --bench aggregates [-- --quick] [-- --runs 3]`. The importer is the release binary in a
//! separate process, measured from its start to its end: from then on every imported row counts in the answers.

mod bare;
mod feed;
#[expect(dead_code, reason = "other benches run a server and look at its CPU time")]
#[path = "../common/processes.rs"]
mod processes;
mod stage;
mod visible;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use harness::Backend;
use harness::servers::{Durability, Persistence, PostgresServer, RedisServer};

use feed::Feed;
use stage::Stage;

/// The options; `cargo bench` adds `--bench` by itself.
#[derive(Parser)]
struct Options {
    /// Fewer rows and one run: under a minute in all
    #[arg(long)]
    quick: bool,
    /// How often each way is measured
    #[arg(long, default_value = "3")]
    runs: usize,
    #[arg(long, hide = true)]
    bench: bool,
}

const ROWS: u64 = 1_000_000;
const QUICK_ROWS: u64 = 200_000;

/// One way to import the rows, and the time of each run.
struct Way {
    name: String,
    times: Vec<Duration>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let (rows, runs) = if options.quick {
        (QUICK_ROWS, 1)
    } else {
        (ROWS, options.runs)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let program = processes::build()?;
        let postgres = PostgresServer::start(Durability::Durable, &[]).await?;
        let mut ways: Vec<Way> = Vec::new();
        for run in 0..runs {
            let feed = Feed::write(rows, run as u64)?;
            for (name, persistence) in [
                ("not kept", Persistence::None),
                ("appendfsync everysec", Persistence::AppendEverySecond),
                ("appendfsync always", Persistence::AppendAlways),
            ] {
                let redis = RedisServer::start(persistence).await?;
                let time = bare::run(&redis, &feed).await?;
                note(&mut ways, &format!("bare XADD a row, {name}"), time);
                for backend in [Backend::Postgres, Backend::Sqlite] {
                    let stage = Stage::new(backend, &postgres, Some(redis.fresh_database_url()?)).await?;
                    let time = stage.import(&program, &feed).await?;
                    note(
                        &mut ways,
                        &format!("florin import, {backend:?} and Redis, {name}"),
                        time,
                    );
                }
                redis.stop()?;
            }
            for backend in [Backend::Postgres, Backend::Sqlite] {
                let stage = Stage::new(backend, &postgres, None).await?;
                let time = stage.import(&program, &feed).await?;
                note(&mut ways, &format!("florin import, {backend:?} alone"), time);
            }
        }
        print(&ways, rows)?;
        visible::measure(runs).await?;
        postgres.stop()
    })
}

fn note(ways: &mut Vec<Way>, name: &str, time: Duration) {
    eprintln!("  {name}: {time:?}");
    match ways.iter_mut().find(|way| way.name == name) {
        Some(way) => way.times.push(time),
        None => ways.push(Way {
            name: name.to_owned(),
            times: vec![time],
        }),
    }
}

fn print(ways: &[Way], rows: u64) -> Result<()> {
    let speed = |time: &Duration| u128::from(rows) * 1_000_000 / time.as_micros().max(1);
    let median = |way: &Way| {
        let mut times = way.times.clone();
        times.sort_unstable();
        times[times.len() / 2]
    };
    println!("{rows} rows; each way beside the XADD above it, those alone beside the fastest");
    println!("{:54} {:>10} {:>23}   times XADD", "way", "rows/s", "least - most");
    let is_bare = |way: &&Way| way.name.starts_with("bare");
    let fastest_bare = ways.iter().filter(is_bare).map(|way| speed(&median(way))).max();
    let mut bare = None;
    for way in ways {
        let middle = speed(&median(way));
        if is_bare(&way) {
            bare = Some(middle);
        } else if way.name.ends_with("alone") {
            bare = fastest_bare;
        }
        let slowest = way.times.iter().max().context("a way was measured")?;
        let fastest = way.times.iter().min().context("a way was measured")?;
        let spread = format!("{} - {}", speed(slowest), speed(fastest));
        let hundredths = middle * 100 / bare.context("the baseline comes first")?.max(1);
        println!(
            "{:54} {middle:>10} {spread:>23}   {}.{:02}",
            way.name,
            hundredths / 100,
            hundredths % 100
        );
    }
    Ok(())
}
