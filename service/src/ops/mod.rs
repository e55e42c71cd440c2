//! The bank as a whole: its start, its health, its counters, and the proof of its books.

mod readiness;

pub use readiness::NotReady;

use std::sync::Arc;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::Value;
use tokio::time::timeout;

use crate::aggregates::{self, Aggregates, Comparison, Verdict};
use crate::audit::{self, AuditAction, AuditLine};
use crate::clock::Clock;
use crate::db::{Db, Fault, SqlDialect};
use crate::ledger::{
    self, BooksSnapshot, CommitTimes, JournalHead, JournalLoss, Ledger, Metrics, MetricsSnapshot, Queue, Report,
    VerifyError, VerifyProgress,
};
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

/// The result of a proof, in one snapshot of the database.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The checks of the ledger and its journal.
    pub books: Report,
    /// The daily totals compared with the books.
    pub aggregates: Comparison,
}

impl Proof {
    /// True when every check holds.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.books.is_clean() && self.aggregates.is_clean()
    }
}

/// How many snapshots are tried when the archiver moves days between the reads of Redis and of the database.
const SNAPSHOTS_MAX: usize = 5;
/// How long a look at the journal's head waits for the database.
const HEAD_MAX: Duration = Duration::from_secs(1);
/// How long the end of the process waits for callers that are still using the database.
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

    /// Tells the audit log that a server starts, with its settings: a JSON object without a secret.
    pub async fn record_start(&self, settings: &Value) -> Result<(), Fault> {
        let now = self.clock.now();
        let line = AuditLine::at(AuditAction::BankStarted, now).after(settings);
        let work = self
            .db
            .transaction(move |tx| Box::pin(async move { audit::record(tx, &[line]).await }));
        work.await
    }

    /// Checks that the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.db.read.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// The journal's head; `None` when the database does not give it within a second.
    pub async fn journal_head(&self) -> Option<JournalHead> {
        match timeout(HEAD_MAX, ledger::journal_head(&self.db)).await {
            Ok(Ok(head)) => Some(head),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the journal's head cannot be read");
                None
            }
            Err(_) => None,
        }
    }

    /// True for PostgreSQL, false for SQLite.
    #[must_use]
    pub fn is_on_postgres(&self) -> bool {
        SqlDialect::new(self.db.backend()).is_postgres()
    }

    /// Proves that this process can do its work: the committer runs and is not stuck, the database is safe and takes a
    /// write, and the clocks agree. Answers within about 2 s.
    pub async fn prove_ready(&self) -> Result<(), NotReady> {
        self.readiness.look().await
    }

    /// Whole seconds since the services started.
    #[must_use]
    pub fn uptime_s(&self) -> i64 {
        (self.clock.now() - self.started_at).num_seconds()
    }

    /// When the services started.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// How long callers waited for their commits in the last minute.
    #[must_use]
    pub fn last_minute(&self) -> CommitTimes {
        self.metrics.last_minute()
    }

    /// The commit path's counters.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.metrics.snapshot()
    }

    /// What the database had lost when it was last found to be an earlier state of itself; `None` when that has not
    /// happened since the start.
    #[must_use]
    pub fn last_loss(&self) -> Option<JournalLoss> {
        self.metrics.last_loss()
    }

    /// Whether the statistics are shared with other replicas now, and the counters of sharing; `None` without Redis.
    #[must_use]
    pub fn sharing(&self) -> Option<(bool, statistics::StatisticsSnapshot)> {
        let is_shared = self.statistics.is_shared()?;
        Some((is_shared, self.statistics.metrics()))
    }

    /// The committer, which is never started again, and every worker of this process.
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

    /// How many commands wait for the committer now.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.queue.depth()
    }

    /// How many commands may wait for the committer.
    #[must_use]
    pub fn queue_max(&self) -> usize {
        self.queue.capacity()
    }

    /// Proves the books, and compares the aggregates with them.
    pub async fn verify(&self) -> Result<Proof, VerifyError> {
        verify(&self.db, &self.aggregates).await
    }

    /// Closes the database. Waits at most `CLOSE_MAX` for callers that are still using a connection.
    pub(crate) async fn close_database(&self) {
        if timeout(CLOSE_MAX, self.db.close()).await.is_err() {
            tracing::warn!("a caller still uses the database; its connection is cut");
        }
    }
}

/// Proves the books and the aggregates of a database, whether a bank runs on it or not.
pub async fn verify(db: &Db, aggregates: &Aggregates) -> Result<Proof, VerifyError> {
    verify_since(db, aggregates, 0, &Arc::default()).await
}

/// The same, with the journal checked from the row after `since` on. `progress` tells how far it has come.
pub async fn verify_since(
    db: &Db,
    aggregates: &Aggregates,
    since: i64,
    progress: &Arc<VerifyProgress>,
) -> Result<Proof, VerifyError> {
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
        let parallel = db.share_snapshot(&tx).await?;
        let books = ledger::verify_in(BooksSnapshot { tx, parallel }, since, progress).await?;
        return Ok(Proof {
            books,
            aggregates: compared,
        });
    }
}
