//! `/metrics` for Prometheus: the commit path in numbers. Units are in the names; every counter starts at zero.

use std::fmt::{self, Write};

use service::ledger::HistogramSnapshot;
use service::ops::Ops;
use service::workers::WorkerReport;

use crate::stderr;

/// The exposition of everything that is counted.
pub fn exposition(ops: &Ops) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(4_096);
    let ledger = ops.metrics();
    for (name, help, value) in [
        ("batches", "Batches committed.", ledger.batches),
        ("commands", "Commands in committed batches.", ledger.commands),
        (
            "stale_retries",
            "Tries that found the journal moved on, or a wallet changed, by another writer.",
            ledger.stale_retries,
        ),
        (
            "conflict_retries",
            "Tries broken off by a deadlock, a serialization failure or a lock.",
            ledger.conflict_retries,
        ),
        (
            "set_aside",
            "Commands put aside because another session had locked one of their wallets.",
            ledger.set_aside,
        ),
        (
            "splits",
            "Batches halved because the schema refused one of their rows.",
            ledger.splits,
        ),
        (
            "database_went_back",
            "Times that the database was found without commits that it had made.",
            ledger.database_went_back,
        ),
        (
            "clock_refusals",
            "Batches refused because this process' clock and the database's are apart.",
            ledger.clock_refusals,
        ),
        (
            "unknown_commits",
            "Commits whose outcome had to be looked up.",
            ledger.unknown_commits,
        ),
        (
            "statements",
            "Statements that the commit path sent to the database.",
            ledger.statements,
        ),
    ] {
        counter(&mut text, &format!("florin_ledger_{name}"), help, value)?;
    }
    gauge(
        &mut text,
        "florin_ledger_queue_depth",
        "Commands waiting now.",
        ops.queue_depth() as u64,
    )?;
    histogram(
        &mut text,
        "florin_ledger_batch_size",
        "Commands in a batch.",
        &ledger.batch_size,
    )?;
    let help = "Microseconds that a command waited for its batch.";
    histogram(&mut text, "florin_ledger_wait_microseconds", help, &ledger.wait_us)?;
    workers(&mut text, ops)?;
    sharing(&mut text, ops)?;
    let help = "Lines of the log that standard error did not take.";
    counter(&mut text, "florin_log_lines_lost", help, stderr::lines_lost())?;
    Ok(text)
}

/// A line for each worker of this process.
fn workers(text: &mut String, ops: &Ops) -> fmt::Result {
    let all = ops.workers();
    let mut family = |name: &str, kind: &str, help: &str, value: fn(&WorkerReport) -> u64| {
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        all.iter()
            .try_for_each(|worker| writeln!(text, "{name}{{worker=\"{}\"}} {}", worker.name, value(worker)))
    };
    family(
        "florin_worker_running",
        "gauge",
        "1 while the worker runs, 0 between a panic and its next start.",
        |worker| worker.is_running.into(),
    )?;
    family(
        "florin_worker_restarts_total",
        "counter",
        "Times that the worker was started again.",
        |worker| worker.restarts,
    )?;
    family(
        "florin_worker_failures_total",
        "counter",
        "Steps of the worker that failed.",
        |worker| worker.failures,
    )?;
    family(
        "florin_worker_failing_seconds",
        "gauge",
        "For how long every step of the worker has failed.",
        |worker| worker.failing_for.unwrap_or_default().as_secs(),
    )
}

/// Nothing without Redis.
fn sharing(text: &mut String, ops: &Ops) -> fmt::Result {
    let Some((is_shared, sharing)) = ops.sharing() else {
        return Ok(());
    };
    let help = "1 while reports are shared through Redis, 0 while those to other replicas are missing here.";
    gauge(text, "florin_statistics_shared", help, u64::from(is_shared))?;
    let help = "Other replicas that share the statistics.";
    gauge(text, "florin_statistics_replicas", help, sharing.replicas)?;
    for (name, help, value) in [
        ("syncs", "Steps of sharing that were completed.", sharing.syncs),
        (
            "sync_failures",
            "Steps of sharing that Redis broke off.",
            sharing.sync_failures,
        ),
        (
            "blocks_published",
            "Blocks that others were told.",
            sharing.blocks_published,
        ),
        ("blocks_taken", "Blocks that others told.", sharing.blocks_taken),
        (
            "blocks_ignored",
            "Blocks of others that were old, dated ahead, damaged or too many.",
            sharing.blocks_ignored,
        ),
    ] {
        counter(text, &format!("florin_statistics_{name}"), help, value)?;
    }
    Ok(())
}

fn counter(text: &mut String, name: &str, help: &str, value: u64) -> fmt::Result {
    writeln!(
        text,
        "# HELP {name}_total {help}\n# TYPE {name}_total counter\n{name}_total {value}"
    )
}

fn gauge(text: &mut String, name: &str, help: &str, value: u64) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}")
}

fn histogram(text: &mut String, name: &str, help: &str, values: &HistogramSnapshot) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram")?;
    let (mut below, mut bound) = (0, 1_u64);
    for count in &values.counts[..values.counts.len() - 1] {
        below += count;
        writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {below}")?;
        bound *= 4;
    }
    let all: u64 = values.counts.iter().sum();
    writeln!(
        text,
        "{name}_bucket{{le=\"+Inf\"}} {all}\n{name}_sum {}\n{name}_count {all}",
        values.sum
    )
}
