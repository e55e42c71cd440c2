//! The bank as a whole: is it well, are its books right.

use std::sync::Arc;

use sea_orm::ConnectionTrait;

use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::ledger::{self, Metrics, MetricsSnapshot, Queue, Report};
use crate::values::Timestamp;

/// Health, counters and the proof of the books.
pub struct Ops {
    db: Db,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    queue: Queue,
    started_at: Timestamp,
}

impl Ops {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, metrics: Arc<Metrics>, queue: Queue) -> Self {
        let started_at = clock.now();
        Self {
            db,
            clock,
            metrics,
            queue,
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
