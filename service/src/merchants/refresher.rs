//! Caches the reports in memory: asks the database four times a second whether they have changed, and reads them only
//! then. Reports that the database could not confirm for too long are not answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use super::repo;
use super::report::Reports;
use crate::backoff::Backoff;
use crate::db::{Db, Fault};
use crate::workers::{Step, Worker};

/// The pause between two refreshes. With the time to read them, the reports are well below the promised age of one
/// second.
const INTERVAL: Duration = Duration::from_millis(250);

/// Reports are not answered after this time without an answer of the database. Other requests wait as long for a
/// connection before they fail.
const OLD_AFTER: Duration = Duration::from_secs(5);

/// The reports as they were a moment ago; `None` until they are read for the first time.
pub(super) struct ReportCache {
    db: Db,
    at_hand: RwLock<Option<CachedReports>>,
}

struct CachedReports {
    reports: Arc<Reports>,
    /// When the database was last asked for their version; they were up to date then.
    asked: Instant,
}

/// Why there are no reports.
#[derive(Debug, thiserror::Error)]
#[error("the reports at hand are too old, or none are read yet")]
struct NoCachedReports;

impl ReportCache {
    pub fn new(db: Db) -> Self {
        Self {
            db,
            at_hand: RwLock::default(),
        }
    }

    pub fn get(&self) -> Result<Arc<Reports>, Fault> {
        match &*self.at_hand.read() {
            Some(at_hand) if at_hand.asked.elapsed() < OLD_AFTER => Ok(at_hand.reports.clone()),
            Some(_) | None => Err(Fault::unreachable(NoCachedReports)),
        }
    }

    /// Reads the reports if they have changed.
    pub async fn refresh(&self) -> Result<(), Fault> {
        let asked = Instant::now();
        let version = repo::version(&self.db.read).await?;
        if !self.confirm(version, asked) {
            let reports = Arc::new(repo::load(&self.db.read).await?);
            self.take(CachedReports { reports, asked });
        }
        Ok(())
    }

    /// True when the cached reports have this version: they were up to date when the database was asked.
    fn confirm(&self, version: i64, asked: Instant) -> bool {
        let mut at_hand = self.at_hand.write();
        let same = at_hand.as_mut().filter(|at_hand| at_hand.reports.version == version);
        if let Some(at_hand) = same {
            at_hand.asked = at_hand.asked.max(asked);
            return true;
        }
        false
    }

    fn take(&self, now: CachedReports) {
        let mut at_hand = self.at_hand.write();
        // Of two refreshes at the same time, the one that asked later counts.
        if at_hand.as_ref().is_none_or(|at_hand| at_hand.asked <= now.asked) {
            *at_hand = Some(now);
        }
    }
}

/// Refreshes a snapshot until the worker has to end.
pub(super) async fn keep_fresh(worker: Worker, snapshot: Arc<ReportCache>) {
    let step = || async { snapshot.refresh().await.map(|()| Step::Idle) };
    worker.repeat(Backoff::new(INTERVAL, INTERVAL), step).await;
}
