//! Deletes what is old: deliveries that were settled seven days ago, and what is left of deleted endpoints.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

use super::repo::{self, Cleaning};
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::workers::{Step, Worker};

/// How often old rows are deleted, and the shortest pause between two transactions that do.
const CLEAN_EVERY: Duration = Duration::from_secs(60);
const CLEAN_PAUSE: Duration = Duration::from_millis(50);
/// How long a settled delivery is kept.
const KEPT: TimeDelta = TimeDelta::days(7);

/// What the worker needs.
pub(super) struct WebhookCleanup {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
}

impl WebhookCleanup {
    /// Deletes old rows, some at a time, until the worker has to end.
    pub async fn run(self: Arc<Self>, worker: Worker) {
        let step = || async {
            let began_at = Instant::now();
            if self.clean_up().await? == Cleaning::Done {
                return Ok::<_, Fault>(Step::Idle);
            }
            // Others get the database for at least as long.
            worker.pause(began_at.elapsed().max(CLEAN_PAUSE)).await;
            Ok(Step::More)
        };
        worker.repeat(Backoff::new(CLEAN_EVERY, CLEAN_EVERY), step).await;
    }

    async fn clean_up(&self) -> Result<Cleaning, Fault> {
        let before = self.clock.now() - KEPT;
        let db = &self.db;
        let settled = db.transaction(move |tx| Box::pin(async move { repo::delete_settled(tx, before).await }));
        let settled: Cleaning = settled.await?;
        let deleted = db.transaction(|tx| Box::pin(async move { repo::delete_deliveries_of_deleted(tx, None).await }));
        let deleted: Cleaning = deleted.await?;
        Ok(if settled == Cleaning::Done { deleted } else { settled })
    }
}
