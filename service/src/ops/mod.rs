//! The bank as a whole: is it well, are its books right.

mod readiness;

pub use readiness::NotReady;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use tokio::time::timeout;

use crate::aggregates::{self, Aggregates, Comparison, Verdict};
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::ledger::{self, Ledger, Loss, Metrics, MetricsSnapshot, Queue, Report, VerifyError};
use crate::statistics::{self, Statistics};
use crate::values::Timestamp;
use crate::workers::{WorkerReport, Workers};
use readiness::Readiness;

/// Health, counters and the proof of the books.
pub struct Ops {
    db: Db,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    queue: Queue,
    readiness: Readiness,
    aggregates: Aggregates,
    statistics: Arc<Statistics>,
    workers: Workers,
    started_at: Timestamp,
}

/// What was looked at and what was found, all in one snapshot of the database.
#[derive(Clone, Debug)]
pub struct Proof {
    pub books: Report,
    pub aggregates: Comparison,
}

impl Proof {
    /// True when nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.books.is_clean() && self.aggregates.is_clean()
    }
}

/// Snapshots that are taken until the archiver does not come between Redis and the database.
const SNAPSHOTS_MAX: usize = 5;
/// How long the end of the process waits for callers that still use the database.
const CLOSE_MAX: Duration = Duration::from_secs(5);

impl Ops {
    pub(crate) fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        ledger: &Ledger,
        workers: Workers,
        statistics: Arc<Statistics>,
        aggregates: Aggregates,
        allows_unsafe: bool,
    ) -> Self {
        let started_at = clock.now();
        Self {
            readiness: Readiness::new(db.clone(), clock.clone(), ledger, allows_unsafe),
            db,
            clock,
            metrics: ledger.metrics(),
            queue: ledger.queue(),
            statistics,
            aggregates,
            workers,
            started_at,
        }
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.db.read.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Proves that this process can do its work: the committer lives, and the database is safe and takes a write. Answers
    /// within about 2 s.
    pub async fn prove_ready(&self) -> Result<(), NotReady> {
        self.readiness.look().await
    }

    /// Whole seconds since the services started.
    #[must_use]
    pub fn uptime_s(&self) -> i64 {
        (self.clock.now() - self.started_at).num_seconds()
    }

    /// The commit path's counters.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.metrics.snapshot()
    }

    /// What the database had lost when it was last found to be an earlier state of itself.
    #[must_use]
    pub fn last_loss(&self) -> Option<Loss> {
        self.metrics.last_loss()
    }

    /// The counters of sharing the statistics, and whether they are shared now; `None` without Redis.
    #[must_use]
    pub fn sharing(&self) -> Option<(bool, statistics::StatisticsSnapshot)> {
        let is_shared = self.statistics.is_shared()?;
        Some((is_shared, self.statistics.metrics()))
    }

    /// The committer, which is never started again, and every other worker of this process.
    #[must_use]
    pub fn workers(&self) -> Vec<WorkerReport> {
        let committer = WorkerReport {
            name: "committer",
            is_running: self.queue.is_open(),
            restarts: 0,
            failures: 0,
            failing_for: None,
        };
        [committer].into_iter().chain(self.workers.reports()).collect()
    }

    /// Commands that wait for the committer now.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.queue.depth()
    }

    /// Proves the books, and the aggregates by them.
    pub async fn verify(&self) -> Result<Proof, VerifyError> {
        verify(&self.db, &self.aggregates).await
    }

    /// Waits a little for connections that a caller still has.
    pub(crate) async fn close_database(&self) {
        if timeout(CLOSE_MAX, self.db.close()).await.is_err() {
            tracing::warn!("a caller still uses the database; its connection is cut");
        }
    }
}

/// Proves the books and the aggregates of a database, whether or not a bank runs on it.
pub async fn verify(db: &Db, aggregates: &Aggregates) -> Result<Proof, VerifyError> {
    verify_since(db, aggregates, 0).await
}

/// The same, with the journal from the row after `since` on.
pub async fn verify_since(db: &Db, aggregates: &Aggregates, since: i64) -> Result<Proof, VerifyError> {
    let mut tries = 0;
    loop {
        let reading = aggregates.read_hot().await;
        let tx = db.snapshot().await?;
        tries += 1;
        let compared = match aggregates::compare(&tx, reading, tries < SNAPSHOTS_MAX).await? {
            None if tries < SNAPSHOTS_MAX => {
                tx.rollback().await.map_err(Fault::from)?;
                continue;
            }
            None => Comparison {
                verdict: Verdict::NotCompared("the archiver was moving days all the time".to_owned()),
                mark: None,
                lag: 0,
                notes: Vec::new(),
            },
            Some(compared) => compared,
        };
        let books = ledger::verify_in(&tx, since).await?;
        tx.rollback().await.map_err(Fault::from)?;
        return Ok(Proof {
            books,
            aggregates: compared,
        });
    }
}
