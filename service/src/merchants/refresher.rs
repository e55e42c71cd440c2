//! Keeps the reports at hand: asks the database now and then whether they have changed, and reads them only then.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::repo;
use super::report::Reports;
use crate::db::{Db, Fault};

/// How old the reports at hand may be: with the time to read them, well below the second that is promised.
const INTERVAL: Duration = Duration::from_millis(250);

/// The reports as they were a moment ago.
pub(super) struct Snapshot {
    db: Db,
    reports: RwLock<Arc<Reports>>,
}

/// The task that refreshes a snapshot.
pub(super) struct Refresher {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Snapshot {
    pub fn new(db: Db) -> Self {
        Self {
            db,
            reports: RwLock::default(),
        }
    }

    pub fn get(&self) -> Arc<Reports> {
        self.reports.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the reports if they have changed.
    pub async fn refresh(&self) -> Result<(), Fault> {
        if repo::version(&self.db.read).await? == self.get().version {
            return Ok(());
        }
        let now = Arc::new(repo::load(&self.db.read).await?);
        let mut at_hand = self.reports.write().unwrap_or_else(PoisonError::into_inner);
        // Two refreshes may overtake each other.
        if now.version > at_hand.version {
            *at_hand = now;
        }
        Ok(())
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
