//! What moved in the last 60 seconds, exact to the millisecond, in constant time and memory.
//!
//! Reading always happens in this process' memory. What the bank moves each replica takes from the journal for itself. What is
//! reported, replicas tell each other through Redis: each publishes its own blocks, whole and absolute, and reads the others',
//! so that nothing can be counted twice.

mod amount;
mod board;
mod follow;
mod metrics;
mod packed;
mod repo;
mod ring;
mod shared;
mod summary;
mod window;

pub use amount::{DECIMALS, WindowAmount, timestamp_from_json_number};
pub use metrics::StatisticsSnapshot;
pub use ring::RING_BYTES;
pub use summary::Figures;
pub use window::{Age, WINDOW_MS};

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::board::Board;
use self::follow::{Follower, Minute};
use self::metrics::StatisticsMetrics;
use self::shared::Shared;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::feed::Handover;
use crate::redis::{Redis, RedisFault, RedisPause};
use crate::values::{Currency, TransferKind};

/// How often replicas publish and read: two of them agree after twice that and two round trips.
const SYNC_PAUSE: Duration = Duration::from_millis(50);
/// How long the next try waits at most while Redis is away.
const SYNC_PAUSE_MAX: Duration = Duration::from_secs(1);

/// What counts of what the bank moves. A reversal undoes what was counted when it happened.
const COUNTED: [TransferKind; 3] = [TransferKind::Transfer, TransferKind::Deposit, TransferKind::Withdrawal];

/// The rolling statistics of this process, and what it shares with others.
pub struct Statistics {
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    db: Db,
    handover: Handover,
    follower: Mutex<Option<Follower>>,
    shared: Option<Shared>,
    metrics: StatisticsMetrics,
    /// Closed when streams and the task that keeps in step have to end.
    stop: Mutex<Option<watch::Sender<()>>>,
    stopped: watch::Receiver<()>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Statistics {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, redis: Option<Redis>, handover: Handover) -> Self {
        let (stop, stopped) = watch::channel(());
        Self {
            board: Arc::default(),
            clock,
            db,
            handover,
            follower: Mutex::default(),
            shared: redis.map(Shared::new),
            metrics: StatisticsMetrics::default(),
            stop: Mutex::new(Some(stop)),
            stopped,
            task: Mutex::new(None),
        }
    }

    /// Adds an amount that somebody reports, at its time in milliseconds since 1970.
    pub fn report(&self, currency: Currency, at_ms: i64, amount: WindowAmount) -> Age {
        self.board.add(currency, self.now_ms(), at_ms, amount)
    }

    /// The figures of a currency's last 60 000 milliseconds.
    #[must_use]
    pub fn read(&self, currency: Currency) -> Figures {
        self.board.read(currency, self.now_ms())
    }

    /// Fills the window before anything is served: with what the bank moved in the last minute, and from now on, and with what
    /// was reported to other replicas. A second call changes nothing.
    pub async fn warm_up(&self) -> Result<(), Fault> {
        if self.follower().is_some() {
            return Ok(());
        }
        let minute = Minute {
            board: self.board.clone(),
            clock: self.clock.clone(),
            db: self.db.clone(),
            handover: self.handover.clone(),
        };
        let reader = minute.begin().await?;
        *self.follower() = Some(Follower::start(minute, reader, self.closed()));
        // Whether Redis is there is told by `/readyz`.
        let _ = self.sync().await;
        Ok(())
    }

    /// Returns when everything that any replica committed before the call is in the window.
    pub async fn flush(&self) {
        let flush = self.follower().as_ref().map(Follower::flush);
        if let Some(flush) = flush {
            flush.await;
        }
    }

    fn follower(&self) -> MutexGuard<'_, Option<Follower>> {
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step of sharing what was reported with the other replicas; nothing without Redis.
    pub async fn sync(&self) -> Result<(), RedisFault> {
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
    pub fn metrics(&self) -> StatisticsSnapshot {
        self.metrics.snapshot()
    }

    /// Starts the task that keeps in step until `stop`.
    pub fn keep_in_step(self: &Arc<Self>) {
        if self.shared.is_none() {
            return;
        }
        let statistics = self.clone();
        let task = tokio::spawn(async move {
            let mut pause = RedisPause::new(SYNC_PAUSE, SYNC_PAUSE_MAX);
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
        let follower = self.follower().take();
        if let Some(follower) = follower {
            follower.stop().await;
        }
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            if let Err(error) = task.await {
                tracing::error!(%error, "the task that shares the statistics ended badly");
            }
            // The others' window lacks our last moments if Redis is away, and nobody waits for it to come back.
            let _ = self.sync().await;
        }
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }
}
