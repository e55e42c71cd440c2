//! A clock that a test moves by hand.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta};
use service::clock::Clock;
use service::values::Timestamp;

/// Stands still until it is told otherwise.
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Starts on 2026-01-05 at 03:33:58 UTC.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(
            DateTime::from_timestamp(1_767_584_038, 0).expect("this is a time"),
        ))
    }

    /// Moves the clock, back when negative.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().expect("no test panics while it holds the clock") += by;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no test panics while it holds the clock")
    }
}
