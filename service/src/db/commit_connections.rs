//! Shared by the committer and the pool of its connections: how many were opened, and which must not be used again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The state of the committer's connections.
#[derive(Default)]
pub struct CommitConnections {
    opened: AtomicU64,
    /// Connections that were opened before this are not used again.
    closed_before: Mutex<Option<Instant>>,
}

impl CommitConnections {
    /// How many connections have been opened. A new one may lead to another database, or to an earlier state of it.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.opened.load(Ordering::Acquire)
    }

    /// Marks every connection that is open now: the pool closes it instead of giving it out.
    pub fn close_open_connections(&self) {
        *self.closed_before.lock() = Some(Instant::now());
    }

    pub(super) fn note_opened(&self) {
        self.opened.fetch_add(1, Ordering::Release);
    }

    /// True for a connection of this age, unless it was open when `close_open_connections` was last called.
    pub(super) fn may_be_used(&self, age: Duration) -> bool {
        let closed_before = *self.closed_before.lock();
        closed_before.is_none_or(|closed_before| age < closed_before.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connections_that_were_opened_later_are_used() {
        let link = CommitConnections::default();
        assert!(link.may_be_used(Duration::from_secs(60)));
        link.close_open_connections();
        assert!(!link.may_be_used(Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(2));
        assert!(link.may_be_used(Duration::from_millis(1)));
    }
}
