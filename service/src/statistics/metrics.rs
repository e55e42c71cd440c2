//! Counters of the sharing between replicas.

use std::sync::atomic::{AtomicU64, Ordering};

/// Live counters; all but `replicas` only grow.
#[derive(Default)]
pub(super) struct StatisticsMetrics {
    pub syncs: AtomicU64,
    pub sync_failures: AtomicU64,
    pub blocks_published: AtomicU64,
    pub blocks_taken: AtomicU64,
    pub blocks_ignored: AtomicU64,
    pub replicas: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatisticsSnapshot {
    /// Steps in which everything was published and read.
    pub syncs: u64,
    /// Steps that failed because of Redis.
    pub sync_failures: u64,
    /// Blocks of our own that were published.
    pub blocks_published: u64,
    /// Blocks of other replicas that were taken.
    pub blocks_taken: u64,
    /// Blocks of other replicas that were not taken: too old, dated too far ahead of our clock, damaged, or beyond the
    /// limits.
    pub blocks_ignored: u64,
    /// Other replicas that were present in the last step.
    pub replicas: u64,
}

impl StatisticsMetrics {
    pub fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub fn snapshot(&self) -> StatisticsSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StatisticsSnapshot {
            syncs: read(&self.syncs),
            sync_failures: read(&self.sync_failures),
            blocks_published: read(&self.blocks_published),
            blocks_taken: read(&self.blocks_taken),
            blocks_ignored: read(&self.blocks_ignored),
            replicas: read(&self.replicas),
        }
    }
}
