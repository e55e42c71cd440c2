//! Redeliveries: the pending deliveries of an endpoint that its mark has passed, and tests that were asked for again. Each is
//! attempted when its row says. Pure.

use std::collections::HashMap;

use crate::values::{DeliveryId, Timestamp};
use crate::webhooks::progress::AttemptCounts;

/// Which redeliveries are in hand, and when the database is asked for the next ones.
pub(super) struct RedeliveryState {
    look_at: Option<Timestamp>,
    in_hand: HashMap<DeliveryId, AttemptCounts>,
    /// Outcomes that are not written yet. Until then their rows would be read as they were.
    unwritten: usize,
    being_written: usize,
}

impl RedeliveryState {
    /// None in hand; the database is asked for some at a time.
    pub fn looking_at(at: Timestamp) -> Self {
        Self {
            look_at: Some(at),
            in_hand: HashMap::new(),
            unwritten: 0,
            being_written: 0,
        }
    }

    /// When the database is asked for some; `None` while there are none.
    pub fn look_at(&self) -> Option<Timestamp> {
        self.look_at
    }

    /// The database is asked at this time, or before it.
    pub fn look_at_latest(&mut self, at: Timestamp) {
        self.look_at = Some(self.look_at.map_or(at, |look_at| look_at.min(at)));
    }

    /// True if the database is asked now.
    pub fn begin_look(&mut self, now: Timestamp) -> bool {
        let is_settled = self.in_hand.is_empty() && self.unwritten == 0 && self.being_written == 0;
        let begins = is_settled && self.look_at.is_some_and(|at| at <= now);
        if begins {
            self.look_at = None;
        }
        begins
    }

    /// True while one is being attempted.
    pub fn has_in_hand(&self) -> bool {
        !self.in_hand.is_empty()
    }

    pub fn take_in_hand(&mut self, id: DeliveryId, counts: AttemptCounts) {
        self.in_hand.insert(id, counts);
    }

    /// One that was in hand was attempted, and its outcome has to be written.
    pub fn attempted(&mut self, id: DeliveryId) -> Option<AttemptCounts> {
        let counts = self.in_hand.remove(&id)?;
        self.unwritten += 1;
        Some(counts)
    }

    /// One that was in hand was not attempted.
    pub fn put_back(&mut self, id: DeliveryId, look_at: Timestamp) {
        self.in_hand.remove(&id);
        self.look_at_latest(look_at);
    }

    /// All outcomes so far are being written.
    pub fn begin_write(&mut self) {
        self.being_written = std::mem::take(&mut self.unwritten);
    }

    /// They are written.
    pub fn written(&mut self) {
        self.being_written = 0;
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    const NOW: Timestamp = DateTime::UNIX_EPOCH;
    const ID: DeliveryId = DeliveryId(Uuid::from_u128(1));

    #[test]
    fn rows_are_looked_at_when_all_outcomes_are_written() {
        let mut redeliveries = RedeliveryState::looking_at(NOW);
        assert!(redeliveries.begin_look(NOW) && !redeliveries.begin_look(NOW));
        redeliveries.take_in_hand(ID, AttemptCounts::default());
        redeliveries.look_at_latest(NOW);
        assert!(!redeliveries.begin_look(NOW), "one is in hand");
        assert_eq!(redeliveries.attempted(ID), Some(AttemptCounts::default()));
        assert!(!redeliveries.begin_look(NOW), "its outcome is not written");
        redeliveries.begin_write();
        assert!(!redeliveries.begin_look(NOW), "its outcome is being written");
        redeliveries.written();
        assert!(redeliveries.begin_look(NOW));
        assert_eq!(redeliveries.attempted(ID), None);
    }
}
