//! Counters of the commit path, cheap enough to be always on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::latency::{CommitTimes, RecentTimes};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Live counters; each only grows.
        #[derive(Default)]
        pub struct Metrics {
            $($(#[$doc])* pub(super) $name: AtomicU64,)*
            pub(super) batch_size: Histogram,
            pub(super) wait_us: Histogram,
            last_loss: Mutex<Option<JournalLoss>>,
            batch_since: Mutex<Option<Instant>>,
            recent: Mutex<RecentTimes>,
            clock: StopWatch,
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct MetricsSnapshot {
            $($(#[$doc])* pub $name: u64,)*
            /// Commands in a batch.
            pub batch_size: HistogramSnapshot,
            /// Microseconds between a command's arrival in the queue and the moment at which a batch takes it.
            pub wait_us: HistogramSnapshot,
        }

        impl Metrics {
            /// Reads every counter.
            #[must_use]
            pub fn snapshot(&self) -> MetricsSnapshot {
                MetricsSnapshot {
                    $($name: self.$name.load(Ordering::Relaxed),)*
                    batch_size: self.batch_size.snapshot(),
                    wait_us: self.wait_us.snapshot(),
                }
            }
        }
    };
}

counters! {
    /// Batches committed.
    batches,
    /// Commands in them.
    commands,
    /// Attempts that found the head moved, or a wallet changed, by another writer.
    stale_retries,
    /// Attempts that ended with a deadlock, a serialization failure, a lock time-out or a busy file.
    conflict_retries,
    /// Times that a command was set aside: another session had locked a wallet or an owner that it needs, its wallet had
    /// more expired holds than one batch releases, or openings had used up their share of the batch.
    set_aside,
    /// Times that a batch was divided because one of its rows was refused by the schema.
    splits,
    /// Times that the database was found without commits that were answered.
    database_went_back,
    /// Attempts that were refused because this process' clock and the database's contradict each other.
    clock_refusals,
    /// Times that the connection was lost around a commit and the outcome had to be looked up.
    unknown_commits,
    /// Statements that the commit path sent to the database, with BEGIN, COMMIT and ROLLBACK.
    statements,
}

/// Counts whole seconds from its making on.
struct StopWatch(Instant);

impl Default for StopWatch {
    fn default() -> Self {
        Self(Instant::now())
    }
}

/// Values counted by powers of four, from 1 to 4^11 and above.
#[derive(Default)]
pub(super) struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// How many values fell into each bucket: above the bound of the bucket before, up to 4^n in bucket `n`. The last
    /// one has no bound.
    pub counts: [u64; BUCKETS],
    /// The sum of all values.
    pub sum: u64,
}

/// Buckets of a histogram.
pub const BUCKETS: usize = 13;

impl Histogram {
    pub fn record(&self, value: u64) {
        let bucket = (0..BUCKETS - 1)
            .find(|bucket| value <= 4_u64.pow(*bucket as u32))
            .unwrap_or(BUCKETS - 1);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Ordering::Relaxed)),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// Rows of the journal that the database has lost, as far as this process can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalLoss {
    /// No row after this number is known to be kept; earlier ones may be lost too.
    pub kept_through: i64,
    /// The number of the newest row that this process had seen; it is lost.
    pub lost_through: i64,
}

impl Metrics {
    /// The rows that were missing when the database last turned out to lack commits; `None` if it never did.
    #[must_use]
    pub fn last_loss(&self) -> Option<JournalLoss> {
        *self.last_loss.lock()
    }

    pub(super) fn note_loss(&self, loss: JournalLoss) {
        Self::add(&self.database_went_back, 1);
        *self.last_loss.lock() = Some(loss);
    }

    /// Commands that were committed so far.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// How long the current batch has been worked on; `None` while there is none.
    #[must_use]
    pub fn batch_age(&self) -> Option<Duration> {
        let since = *self.batch_since.lock();
        since.map(|since| since.elapsed())
    }

    /// Notes when the current batch began; `None` when it has ended.
    pub(super) fn note_batch(&self, since: Option<Instant>) {
        *self.batch_since.lock() = since;
    }

    /// How long callers waited for their commits in the last minute.
    #[must_use]
    pub fn last_minute(&self) -> CommitTimes {
        let second = self.clock.0.elapsed().as_secs();
        self.recent.lock().last_minute(second)
    }

    /// Counts how long callers, who are answered now, have waited.
    pub(super) fn note_answers(&self, waited: impl IntoIterator<Item = Duration>) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // Read with the lock held, so that seconds do not go back.
        let mut recent = self.recent.lock();
        recent.add(self.clock.0.elapsed().as_secs(), waited.into_iter().map(micros));
    }

    /// Counts how long a command was in the queue.
    pub(super) fn note_wait(&self, waited: Duration) {
        self.wait_us
            .record(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}
