//! `/metrics` for Prometheus: what the process counts, read at each scrape. Units are in the names; every counter starts at zero.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use service::ledger::{HistogramSnapshot, MetricsSnapshot};
use service::ops::Ops;
use service::statistics::StatisticsSnapshot;
use service::webhooks::WebhookCounts;
use service::workers::WorkerReport;

use crate::stderr;

/// Each counter of the commit path: its name, its help, and where it is.
type LedgerCounter = (&'static str, &'static str, fn(&MetricsSnapshot) -> u64);

const LEDGER: [LedgerCounter; 10] = [
    ("batches", "Batches committed.", |ledger| ledger.batches),
    ("commands", "Commands in committed batches.", |ledger| ledger.commands),
    (
        "stale_retries",
        "Tries that found the journal moved on, or a wallet changed, by another writer.",
        |ledger| ledger.stale_retries,
    ),
    (
        "conflict_retries",
        "Tries broken off by a deadlock, a serialization failure or a lock.",
        |ledger| ledger.conflict_retries,
    ),
    (
        "set_aside",
        "Times that a command was put aside, mostly since another session had locked its wallet or owner.",
        |ledger| ledger.set_aside,
    ),
    (
        "splits",
        "Batches halved because the schema refused one of their rows.",
        |ledger| ledger.splits,
    ),
    (
        "database_went_back",
        "Times that the database was found without commits that it had made.",
        |ledger| ledger.database_went_back,
    ),
    (
        "clock_refusals",
        "Attempts refused because this process' clock and the database's are apart.",
        |ledger| ledger.clock_refusals,
    ),
    (
        "unknown_commits",
        "Commits whose outcome had to be looked up.",
        |ledger| ledger.unknown_commits,
    ),
    (
        "statements",
        "Statements that the commit path sent to the database.",
        |ledger| ledger.statements,
    ),
];

/// Each counter of sharing reports through Redis.
type SharingCounter = (&'static str, &'static str, fn(&StatisticsSnapshot) -> u64);

const SHARING: [SharingCounter; 5] = [
    ("syncs", "Steps of sharing that were completed.", |sharing| {
        sharing.syncs
    }),
    ("sync_failures", "Steps of sharing that Redis broke off.", |sharing| {
        sharing.sync_failures
    }),
    ("blocks_published", "Blocks sent to other replicas.", |sharing| {
        sharing.blocks_published
    }),
    ("blocks_taken", "Blocks received from other replicas.", |sharing| {
        sharing.blocks_taken
    }),
    (
        "blocks_ignored",
        "Blocks of other replicas that were old, dated ahead, damaged or too many.",
        |sharing| sharing.blocks_ignored,
    ),
];

/// Each counter of webhooks.
type WebhookCounter = (&'static str, &'static str, fn(&WebhookCounts) -> u64);

const WEBHOOKS: [WebhookCounter; 4] = [
    ("delivered", "Events that receivers have taken.", |webhooks| {
        webhooks.delivered
    }),
    (
        "failed_attempts",
        "Requests that receivers have refused or not answered.",
        |webhooks| webhooks.failed_attempts,
    ),
    ("parked", "Events that were given up after an hour.", |webhooks| {
        webhooks.parked
    }),
    ("disabled", "Webhooks that were disabled.", |webhooks| webhooks.disabled),
];

/// Everything that is counted, at one moment.
#[derive(Debug)]
struct Scrape {
    ledger: MetricsSnapshot,
    queue_depth: u64,
    workers: Vec<WorkerReport>,
    /// Whether reports are shared now, and the counters; `None` without Redis.
    sharing: Option<(bool, StatisticsSnapshot)>,
    webhooks: WebhookCounts,
    log_lines_lost: u64,
}

/// The exposition of everything that is counted, in Prometheus' text format. Anyone may read it, so mails are not among it: a
/// count that rises after a forgotten password tells that the address is a user's.
pub fn exposition(ops: &Ops, webhooks: WebhookCounts) -> Result<String, fmt::Error> {
    let scrape = Scrape {
        ledger: ops.metrics(),
        queue_depth: ops.queue_depth() as u64,
        workers: ops.workers(),
        sharing: ops.sharing(),
        webhooks,
        log_lines_lost: stderr::lines_lost(),
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(scrape));
    let mut text = String::with_capacity(8_192);
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        for (name, help, value) in LEDGER {
            counter(encoder, &format!("florin_ledger_{name}"), help, value(&self.ledger))?;
        }
        gauge(
            encoder,
            "florin_ledger_queue_depth",
            "Commands waiting now.",
            self.queue_depth,
        )?;
        let help = "Commands in a batch.";
        histogram(encoder, "florin_ledger_batch_size", help, &self.ledger.batch_size)?;
        let help = "Microseconds that a command waited for its batch.";
        histogram(encoder, "florin_ledger_wait_microseconds", help, &self.ledger.wait_us)?;
        self.encode_workers(encoder)?;
        if let Some((is_shared, sharing)) = &self.sharing {
            let help = "1 while reports are shared through Redis, 0 while those to other replicas are missing here.";
            gauge(encoder, "florin_statistics_shared", help, u64::from(*is_shared))?;
            let help = "Other replicas that share the statistics.";
            gauge(encoder, "florin_statistics_replicas", help, sharing.replicas)?;
            for (name, help, value) in SHARING {
                counter(encoder, &format!("florin_statistics_{name}"), help, value(sharing))?;
            }
        }
        for (name, help, value) in WEBHOOKS {
            counter(encoder, &format!("florin_webhooks_{name}"), help, value(&self.webhooks))?;
        }
        let help = "Lines of the log that standard error did not take.";
        counter(encoder, "florin_log_lines_lost", help, self.log_lines_lost)
    }
}

impl Scrape {
    /// A line for each worker of this process.
    fn encode_workers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "1 while the worker runs, 0 between a panic and its next start.";
        self.family(encoder, ("florin_worker_running", MetricType::Gauge), help, |worker| {
            worker.is_running.into()
        })?;
        let help = "Times that the worker was started again.";
        self.family(
            encoder,
            ("florin_worker_restarts", MetricType::Counter),
            help,
            |worker| worker.restarts,
        )?;
        let help = "Steps of the worker that failed.";
        self.family(
            encoder,
            ("florin_worker_failures", MetricType::Counter),
            help,
            |worker| worker.failures,
        )?;
        let help = "For how long every step of the worker has failed.";
        self.family(
            encoder,
            ("florin_worker_failing_seconds", MetricType::Gauge),
            help,
            |worker| worker.failing_for.unwrap_or_default().as_secs(),
        )
    }

    fn family(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, kind): (&str, MetricType),
        help: &str,
        value: fn(&WorkerReport) -> u64,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for worker in &self.workers {
            let labels = [("worker", worker.name)];
            encode(family.encode_family(&labels)?, kind, value(worker))?;
        }
        Ok(())
    }
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    encode(metric, MetricType::Counter, value)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    encode(metric, MetricType::Gauge, value)
}

fn encode(metric: MetricEncoder<'_>, kind: MetricType, value: u64) -> fmt::Result {
    match kind {
        MetricType::Counter => ConstCounter::new(value).encode(metric),
        _ => ConstGauge::new(value).encode(metric),
    }
}

/// The library's bounds are floats; ours are powers of four, which a float has exactly.
#[expect(clippy::cast_precision_loss, reason = "sums and bounds are far below 2^53")]
fn histogram(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, values: &HistogramSnapshot) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
    let bounds = (0..values.counts.len() - 1).map(|bucket| 4_u64.pow(bucket as u32) as f64);
    let buckets: Vec<(f64, u64)> = bounds.chain([f64::INFINITY]).zip(values.counts).collect();
    let count = values.counts.iter().sum();
    metric.encode_histogram::<[(&str, &str); 0]>(values.sum as f64, count, &buckets, None)
}
