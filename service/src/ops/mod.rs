//! The bank as a whole: is it well, are its books right.

mod feed;

pub(crate) use feed::Feed;

use std::sync::Arc;

use sea_orm::ConnectionTrait;

use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::ledger::{self, Ledger, Metrics, MetricsSnapshot, Queue, Report};
use crate::statistics::{self, Statistics};
use crate::values::Timestamp;

/// Health, counters and the proof of the books.
pub struct Ops {
    db: Db,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    queue: Queue,
    statistics: Arc<Statistics>,
    started_at: Timestamp,
}

impl Ops {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, ledger: &Ledger, statistics: Arc<Statistics>) -> Self {
        let started_at = clock.now();
        Self {
            db,
            clock,
            metrics: ledger.metrics(),
            queue: ledger.queue(),
            statistics,
            started_at,
        }
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.db.read.execute_unprepared("SELECT 1").await?;
        Ok(())
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

    /// The counters of sharing the statistics, and whether they are shared now; `None` without Redis.
    #[must_use]
    pub fn sharing(&self) -> Option<(bool, statistics::MetricsSnapshot)> {
        let is_shared = self.statistics.is_shared()?;
        Some((is_shared, self.statistics.metrics()))
    }

    /// Commands that wait for the committer now.
    #[must_use]
    pub fn queue_depth(&self) -> usize {
        self.queue.depth()
    }

    /// Proves the books.
    pub async fn verify(&self) -> Result<Report, Fault> {
        ledger::verify(&self.db).await
    }

    pub(crate) async fn close_database(&self) {
        self.db.close().await;
    }
}
