//! `/metrics` for Prometheus: the commit path in numbers. Units are in the names; every counter starts at zero.

use std::fmt::{self, Write};

use service::ledger::HistogramSnapshot;
use service::ops::Ops;

/// The exposition of everything that is counted.
pub fn exposition(ops: &Ops) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(4_096);
    let ledger = ops.metrics();
    for (name, help, value) in [
        ("batches", "Batches committed.", ledger.batches),
        ("commands", "Commands in committed batches.", ledger.commands),
        (
            "stale_retries",
            "Tries that found a wallet changed by another writer.",
            ledger.stale_retries,
        ),
        (
            "conflict_retries",
            "Tries broken off by a deadlock, a serialization failure or a lock.",
            ledger.conflict_retries,
        ),
        (
            "splits",
            "Batches halved because the schema refused one of their rows.",
            ledger.splits,
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
        writeln!(
            text,
            "# HELP florin_ledger_{name}_total {help}\n# TYPE florin_ledger_{name}_total counter"
        )?;
        writeln!(text, "florin_ledger_{name}_total {value}")?;
    }
    writeln!(
        text,
        "# HELP florin_ledger_queue_depth Commands waiting now.\n# TYPE florin_ledger_queue_depth gauge"
    )?;
    writeln!(text, "florin_ledger_queue_depth {}", ops.queue_depth())?;
    histogram(
        &mut text,
        "florin_ledger_batch_size",
        "Commands in a batch.",
        &ledger.batch_size,
    )?;
    let help = "Microseconds that a command waited for its batch.";
    histogram(&mut text, "florin_ledger_wait_microseconds", help, &ledger.wait_us)?;
    Ok(text)
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
