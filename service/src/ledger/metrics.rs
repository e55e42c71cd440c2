//! Counters of the commit path, cheap enough to be always on.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Live counters; every one only grows.
        #[derive(Default)]
        pub struct Metrics {
            $($(#[$doc])* pub(super) $name: AtomicU64,)*
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct MetricsSnapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Metrics {
            /// Reads every counter.
            #[must_use]
            pub fn snapshot(&self) -> MetricsSnapshot {
                MetricsSnapshot { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counters! {
    /// Batches committed.
    batches,
    /// Commands in them.
    commands,
    /// Tries that found a wallet changed by another writer.
    stale_retries,
    /// Tries that the database broke off: deadlock, serialization failure, lock time-out, busy file.
    conflict_retries,
    /// Times that a batch was halved because one of its rows was refused by the schema.
    splits,
    /// Times that the connection was lost around a commit and the outcome had to be looked up.
    unknown_commits,
    /// Statements sent to the database by the commit path, BEGIN and COMMIT among them.
    statements,
}

impl Metrics {
    pub(super) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}
