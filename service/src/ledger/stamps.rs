//! The times, ids and random salts of one batch.

use uuid::Uuid;

use super::book::Stamps;
use crate::clock::{Clock, Sequence, id_at, id_in, random_bytes};
use crate::values::{Bucket, TextsSalt, Timestamp};

/// Stamps later than the head that the batch is decided on, so every id is above the ids of all earlier rows. Stamps of
/// a batch that was never written do not count: a clock that was ahead for a moment must not date later commits.
pub(super) struct BatchStamps<'a>(Sequence<'a>);

impl<'a> BatchStamps<'a> {
    pub fn above(clock: &'a dyn Clock, floor: Timestamp) -> Self {
        Self(Sequence::above(clock, floor))
    }

    /// The last stamp's time; before the first, the bank's time or the floor, whichever is later.
    pub fn last_time(&self) -> Timestamp {
        self.0.time()
    }
}

impl Stamps for BatchStamps<'_> {
    fn time(&mut self) -> Timestamp {
        self.0.peek()
    }

    fn next(&mut self, bucket: Option<Bucket>) -> (Timestamp, Uuid) {
        let time = self.0.next_time();
        let id = bucket.map_or_else(|| id_at(time), |bucket| id_in(bucket, time));
        (time, id)
    }

    fn salt(&mut self) -> TextsSalt {
        TextsSalt(random_bytes())
    }
}
