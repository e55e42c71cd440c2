//! What moved in the last 60 seconds, exact to the millisecond, in constant time and memory.
//!
//! Writing and reading always happen in this process' memory. With Redis, replicas tell each other what they hold: each
//! publishes its own blocks, whole and absolute, and reads the others', so that nothing can be counted twice.

mod amount;
mod board;
mod metrics;
mod packed;
mod repo;
mod ring;
mod shared;
mod summary;
mod window;

pub use amount::{Amount, DECIMALS, timestamp_from_json_number};
pub use metrics::MetricsSnapshot;
pub use ring::RING_BYTES;
pub use shared::{FINDER_GRACE_MS, SyncError};
pub use summary::Figures;
pub use window::{Age, WINDOW_MS};

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::board::Board;
use self::metrics::Metrics;
use self::shared::Shared;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::redis::{Pause, Redis};
use crate::values::{Currency, Timestamp};

/// How often replicas publish and read: two of them agree after twice that and two round trips.
const SYNC_PAUSE: Duration = Duration::from_millis(50);
/// How long the next try waits at most while Redis is away.
const SYNC_PAUSE_MAX: Duration = Duration::from_secs(1);

/// A movement of money that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub currency: Currency,
    pub amount: Amount,
    pub at: Timestamp,
}

/// The rolling statistics of this process, and what it shares with others.
pub struct Statistics {
    board: Board,
    clock: Arc<dyn Clock>,
    db: Db,
    shared: Option<Shared>,
    metrics: Metrics,
    /// Closed when streams and the task that keeps in step have to end.
    stop: Mutex<Option<watch::Sender<()>>>,
    stopped: watch::Receiver<()>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Statistics {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, redis: Option<Redis>) -> Self {
        let (stop, stopped) = watch::channel(());
        Self {
            board: Board::new(),
            clock,
            db,
            shared: redis.map(Shared::new),
            metrics: Metrics::default(),
            stop: Mutex::new(Some(stop)),
            stopped,
            task: Mutex::new(None),
        }
    }

    /// Adds an amount that somebody reports, at its time in milliseconds since 1970.
    pub fn report(&self, currency: Currency, at_ms: i64, amount: Amount) -> Age {
        self.board.add(currency, self.now_ms(), at_ms, amount)
    }

    /// Adds what the bank has committed.
    pub(crate) fn enter(&self, moved: impl IntoIterator<Item = Moved>) {
        let now = self.now_ms();
        for one in moved {
            self.board
                .add_happened(one.currency, now, one.at.timestamp_millis(), one.amount);
        }
    }

    /// The figures of a currency's last 60 000 milliseconds.
    #[must_use]
    pub fn read(&self, currency: Currency) -> Figures {
        self.board.read(currency, self.now_ms())
    }

    /// Fills the window with the last minute before anything is served: from the database, or from the other replicas.
    ///
    /// It has to be over before the first transfer of this process, which would else be counted twice.
    pub async fn warm_up(&self) -> Result<(), Fault> {
        match &self.shared {
            None => {
                self.read_back().await?;
                self.board.settle(true);
            }
            // Whether Redis is there is told by `/readyz`; without it the minute is read back too.
            Some(_) => match self.sync().await {
                Ok(()) | Err(SyncError::Redis(_)) => {}
                Err(SyncError::Database(fault)) => return Err(fault),
            },
        }
        Ok(())
    }

    /// One step of keeping in step with the other replicas; nothing without Redis.
    pub async fn sync(&self) -> Result<(), SyncError> {
        match &self.shared {
            None => Ok(()),
            Some(shared) => shared.sync(self).await,
        }
    }

    /// Whether the window is shared with the other replicas now; `None` without Redis.
    #[must_use]
    pub fn is_shared(&self) -> Option<bool> {
        self.shared.as_ref().map(Shared::is_connected)
    }

    /// The counters of sharing.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.metrics.snapshot()
    }

    /// Starts the task that keeps in step until `stop`.
    pub fn keep_in_step(self: &Arc<Self>) {
        if self.shared.is_none() {
            return;
        }
        let statistics = self.clone();
        let task = tokio::spawn(async move {
            let mut pause = Pause::new(SYNC_PAUSE, SYNC_PAUSE_MAX);
            loop {
                let wait = pause.after(&statistics.sync().await);
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = statistics.closed() => return,
                }
            }
        });
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// Ends whatever would go on for ever: streams of figures.
    pub fn close(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Ready once `close` was called.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopped = self.stopped.clone();
        async move { while stopped.changed().await.is_ok() {} }
    }

    /// Publishes what the others do not know yet, and stops.
    pub(crate) async fn stop(&self) {
        self.close();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            if let Err(error) = task.await {
                tracing::error!(%error, "the task that shares the statistics ended badly");
            }
            // The others' window lacks our last moments if Redis is away, and nobody waits for it to come back.
            let _ = self.sync().await;
        }
    }

    /// Reads the last minute back from the database, to be settled.
    async fn read_back(&self) -> Result<(), Fault> {
        let since = self.clock.now() - TimeDelta::milliseconds(WINDOW_MS);
        let now = self.now_ms();
        repo::each_moved_since(&self.db, since, |moved| {
            self.board
                .recover(moved.currency, now, moved.at.timestamp_millis(), moved.amount);
        })
        .await
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }
}
