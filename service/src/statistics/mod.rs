//! The amounts that moved in the last 60 seconds, exact to the millisecond, in constant time and memory.
//!
//! Figures are always read from this process' memory. Each replica takes what the bank moves from the journal. Amounts
//! that callers report are shared through Redis: each replica publishes its own blocks as a whole, and reads the
//! others', so that nothing is counted twice.

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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use self::board::Board;
use self::follow::{Follower, WindowFiller};
use self::metrics::StatisticsMetrics;
use self::shared::Shared;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::feed::{Completed, Handover};
use crate::redis::{Redis, RedisFault};
use crate::values::{Currency, TransferKind};
use crate::workers::{Step, Worker, Workers};

/// How often a replica publishes and reads: two replicas agree after at most two pauses and two round trips.
const SYNC_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between attempts while Redis is out of reach.
const SYNC_PAUSE_MAX: Duration = Duration::from_secs(1);

/// The kinds of transfers that count. A capture is the transfer or withdrawal that its hold began. A
/// reversal does not count: it takes back a transfer that was counted.
const COUNTED: [TransferKind; 4] = [
    TransferKind::Transfer,
    TransferKind::Deposit,
    TransferKind::Withdrawal,
    TransferKind::Capture,
];

/// The rolling statistics of this process, and the sharing with other replicas.
pub struct Statistics {
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
    db: Db,
    handover: Handover<Completed>,
    follower: Mutex<Option<Follower>>,
    shared: Option<Shared>,
    metrics: StatisticsMetrics,
    workers: Workers,
    is_serving: AtomicBool,
    /// Cancelled when the streams of figures have to end.
    streams: CancellationToken,
}

impl Statistics {
    pub(crate) fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        redis: Option<Redis>,
        handover: Handover<Completed>,
        workers: Workers,
    ) -> Self {
        Self {
            board: Arc::default(),
            clock,
            db,
            handover,
            follower: Mutex::default(),
            shared: redis.map(Shared::new),
            metrics: StatisticsMetrics::default(),
            workers,
            is_serving: AtomicBool::new(false),
            streams: CancellationToken::new(),
        }
    }

    /// Adds an amount that a caller reports, at its time in milliseconds since 1970, if that time is inside the window.
    pub fn report(&self, currency: Currency, at_ms: i64, amount: WindowAmount) -> Age {
        self.board.add(currency, self.now_ms(), at_ms, amount)
    }

    /// The figures of a currency's last 60 000 milliseconds.
    #[must_use]
    pub fn read(&self, currency: Currency) -> Figures {
        self.board.read(currency, self.now_ms())
    }

    /// Fills the window before anything is served: with what the bank moved in the last minute, and with what was
    /// reported to other replicas. Starts the worker that follows the journal from there. A second call changes
    /// nothing.
    pub async fn warm_up(&self) -> Result<(), Fault> {
        if self.follower().is_some() {
            return Ok(());
        }
        let filler = WindowFiller {
            board: self.board.clone(),
            clock: self.clock.clone(),
            db: self.db.clone(),
            handover: self.handover.clone(),
        };
        let reader = filler.begin().await?;
        *self.follower() = Some(Follower::start(&self.workers, filler, reader));
        // Redis may be out of reach here; `/readyz` reports that.
        let _ = self.sync().await;
        Ok(())
    }

    /// Returns when everything that any replica committed before the call is in the window, or when the journal cannot
    /// be read.
    pub async fn flush(&self) {
        let flush = self.follower().as_ref().map(Follower::flush);
        if let Some(flush) = flush {
            flush.await;
        }
    }

    fn follower(&self) -> MutexGuard<'_, Option<Follower>> {
        self.follower.lock()
    }

    /// One step of sharing what was reported with the other replicas; does nothing without Redis.
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

    /// Starts the worker that shares what is reported, if Redis is configured. Must be called inside a tokio runtime.
    pub(crate) fn serve(self: &Arc<Self>) {
        if self.shared.is_some() && !self.is_serving.swap(true, Ordering::Relaxed) {
            // Weak: the statistics own the workers, which end with them.
            let statistics = Arc::downgrade(self);
            self.workers
                .start("sharing", move |worker| share(worker, statistics.clone()));
        }
    }

    /// Ends the streams of figures, which would not end by themselves.
    pub fn close(&self) {
        self.streams.cancel();
    }

    /// Resolves once `close` was called.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.streams.clone().cancelled_owned()
    }

    /// Ends the streams, publishes what the other replicas do not have yet, and stops the workers.
    pub(crate) async fn stop(&self) {
        self.close();
        self.workers.stop().await;
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }
}

async fn share(worker: Worker, statistics: Weak<Statistics>) {
    let sync = || async {
        match statistics.upgrade() {
            Some(statistics) => statistics.sync().await,
            None => Ok(()),
        }
    };
    let step = || async { sync().await.map(|()| Step::Idle) };
    worker.repeat(Backoff::new(SYNC_PAUSE, SYNC_PAUSE_MAX), step).await;
    // If Redis is away, the other replicas miss our last moments: a stopping process does not wait for it.
    let _ = sync().await;
}
