//! The rolling minute: the cost of reporting an amount and of reading, in process, over HTTP against `GET /livez`, and
//! between two replicas.
//!
//! `cargo bench -p tests --bench statistics [-- --quick]`. The servers are release binaries in separate processes.
//! Clients and servers share the machine's cores, so compare the ratios.

#[path = "../common/mod.rs"]
mod common;
mod http;
mod process;
mod replicas;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

/// The options; `cargo bench` adds `--bench` by itself.
#[derive(Parser)]
struct Options {
    /// Short measurements: under a minute in all
    #[arg(long)]
    quick: bool,
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let (time, rounds) = if options.quick {
        (Duration::from_millis(700), 3)
    } else {
        (Duration::from_secs(4), 5)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        process::measure(time).await?;
        http::measure(time, rounds).await?;
        replicas::measure(if options.quick { 30 } else { 200 }).await
    })
}

/// Thousandths as a decimal, so that figures need no float.
fn decimal(milli: u128) -> String {
    format!("{}.{:02}", milli / 1_000, milli % 1_000 / 10)
}
