//! Keeps the reports at hand: asks the database now and then whether they have changed, and reads them only then. What
//! nobody could ask about for too long is no answer any more.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::repo;
use super::report::Reports;
use crate::db::{Db, Fault};

/// How old the reports at hand may be: with the time to read them, well below the second that is promised.
const INTERVAL: Duration = Duration::from_millis(250);

/// After this long without a look at the database there are no reports: as long as everybody else waits for a connection
/// before the answer is that the database is out of reach.
const OLD_AFTER: Duration = Duration::from_secs(5);

/// The reports as they were a moment ago; none until they are read for the first time.
pub(super) struct Snapshot {
    db: Db,
    at_hand: RwLock<Option<AtHand>>,
}

struct AtHand {
    reports: Arc<Reports>,
    /// They were as new as could be when the database was asked for the last time.
    asked: Instant,
}

/// Why there are no reports.
#[derive(Debug, thiserror::Error)]
#[error("the reports at hand are too old, or none are read yet")]
struct NoneAtHand;

/// The task that refreshes a snapshot.
pub(super) struct Refresher {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Snapshot {
    pub fn new(db: Db) -> Self {
        Self {
            db,
            at_hand: RwLock::default(),
        }
    }

    pub fn get(&self) -> Result<Arc<Reports>, Fault> {
        match &*self.at_hand.read().unwrap_or_else(PoisonError::into_inner) {
            Some(at_hand) if at_hand.asked.elapsed() < OLD_AFTER => Ok(at_hand.reports.clone()),
            Some(_) | None => Err(Fault::unreachable(NoneAtHand)),
        }
    }

    /// Reads the reports if they have changed.
    pub async fn refresh(&self) -> Result<(), Fault> {
        let asked = Instant::now();
        let version = repo::version(&self.db.read).await?;
        if !self.is_still(version, asked) {
            let reports = Arc::new(repo::load(&self.db.read).await?);
            self.take(AtHand { reports, asked });
        }
        Ok(())
    }

    /// True when the reports at hand are of this version, which they were then.
    fn is_still(&self, version: i64, asked: Instant) -> bool {
        let mut at_hand = self.at_hand.write().unwrap_or_else(PoisonError::into_inner);
        let same = at_hand.as_mut().filter(|at_hand| at_hand.reports.version == version);
        if let Some(at_hand) = same {
            at_hand.asked = at_hand.asked.max(asked);
            return true;
        }
        false
    }

    fn take(&self, now: AtHand) {
        let mut at_hand = self.at_hand.write().unwrap_or_else(PoisonError::into_inner);
        // Two refreshes may overtake each other.
        if at_hand.as_ref().is_none_or(|at_hand| at_hand.asked <= now.asked) {
            *at_hand = Some(now);
        }
    }
}

impl Refresher {
    pub fn start(snapshot: Arc<Snapshot>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self {
            stop,
            task: tokio::spawn(run(snapshot, stopped)),
        }
    }

    pub async fn stop(self) {
        // The task may have ended already; then there is nothing to stop.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the refresher of the reports ended badly");
        }
    }
}

async fn run(snapshot: Arc<Snapshot>, mut stopped: oneshot::Receiver<()>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_well = true;
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => {}
        }
        let refreshed = snapshot.refresh().await;
        // Once each way: a database that is gone for an hour shall not fill the log.
        match &refreshed {
            Err(error) if is_well => tracing::warn!(%error, cause = ?error, "the reports cannot be refreshed"),
            Ok(()) if !is_well => tracing::info!("the reports are refreshed again"),
            Ok(()) | Err(_) => {}
        }
        is_well = refreshed.is_ok();
    }
}
