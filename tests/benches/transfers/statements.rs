//! Statements of many movements: rows a second, and how much memory the server takes for one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use chrono::{SecondsFormat, TimeDelta};
use harness::http_client;
use service::values::Timestamp;

use crate::common::processes::Server;
use crate::histories::{BUSY, StoredBank};
use crate::memory::{peak_kib, reset_peak, settled_kib};
use crate::report::{Measure, Report};

/// A form of the statement.
#[derive(Clone, Copy, Debug)]
pub struct StatementForm {
    /// The name of its measurement.
    pub name: &'static str,
    accept: &'static str,
    /// A byte that each movement has at least once.
    mark: u8,
}

pub const STATEMENTS: [StatementForm; 2] = [
    StatementForm {
        name: "statement postgres, csv, many",
        accept: "text/csv",
        mark: b'\n',
    },
    StatementForm {
        name: "statement postgres, json, many",
        accept: "application/json",
        mark: b'{',
    },
];

/// Movements of the short statement that is asked for before the measurement.
const SHORT: u32 = 20;

/// Measures each form on a server of its own, since memory that was taken once is seldom given back.
pub async fn measure(report: &mut Report, bank: &StoredBank, program: &Path) -> Result<()> {
    for form in STATEMENTS {
        let server = bank.serve(program).await?;
        // What only the first statement takes, such as its database connection, does not grow with the rows.
        for _ in 0..3 {
            read(&server, bank, form, SHORT).await?;
        }
        let idle_kib = settled_kib(server.pid()).await?;
        reset_peak(server.pid())?;
        let elapsed = read(&server, bank, form, bank.history.transfers).await?;
        let elapsed_us = u64::try_from(elapsed.as_micros())?.max(1);
        let measure = Measure {
            per_second: u64::from(bank.history.transfers) * 1_000_000 / elapsed_us,
            above_idle_kib: Some(peak_kib(server.pid())?.saturating_sub(idle_kib)),
            ..Measure::default()
        };
        report.add(form.name, measure);
    }
    Ok(())
}

/// Reads the statement of the first movements of the history, and drops it; returns how long that took.
async fn read(server: &Server, bank: &StoredBank, form: StatementForm, movements: u32) -> Result<Duration> {
    let (from, to) = (
        bank.history.time(0),
        bank.history.time(movements) + TimeDelta::milliseconds(1),
    );
    let text = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let url = format!(
        "http://{}/v1/wallets/{}/statement?from={}&to={}",
        server.address,
        bank.accounts.wallets[BUSY],
        text(from),
        text(to)
    );
    let request = http_client()
        .get(url)
        .bearer_auth(&bank.accounts.tokens[BUSY])
        .header("accept", form.accept);
    let started = Instant::now();
    let mut response = request.send().await?.error_for_status()?;
    let mut marks = 0;
    while let Some(part) = response.chunk().await? {
        marks += part.iter().filter(|byte| **byte == form.mark).count();
    }
    let elapsed = started.elapsed();
    ensure!(
        marks >= usize::try_from(movements)?,
        "{}: {marks} rows of {movements} movements",
        form.name
    );
    Ok(elapsed)
}
