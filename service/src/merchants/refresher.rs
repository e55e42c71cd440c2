//! Keeps the reports at hand: asks the database now and then whether they have changed, and reads them only then. What
//! nobody could ask about for too long is no answer any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use super::repo;
use super::report::Reports;
use crate::backoff::Backoff;
use crate::db::{Db, Fault};
use crate::workers::{Step, Worker};

/// How old the reports at hand may be: with the time to read them, well below the second that is promised.
const INTERVAL: Duration = Duration::from_millis(250);

/// After this long without a look at the database there are no reports: as long as everybody else waits for a connection
/// before the answer is that the database is out of reach.
const OLD_AFTER: Duration = Duration::from_secs(5);

/// The reports as they were a moment ago; none until they are read for the first time.
pub(super) struct ReportCache {
    db: Db,
    at_hand: RwLock<Option<CachedReports>>,
}

struct CachedReports {
    reports: Arc<Reports>,
    /// They were as new as could be when the database was asked for the last time.
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

    /// True when the reports at hand are of this version, which they were then.
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
        // Two refreshes may overtake each other.
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
