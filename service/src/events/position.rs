//! Where a subscription stands between the pages that it reads and the queue that the hub fills. Pure.
//!
//! Why nothing is lost and nothing comes twice: pages give every event after `seen` and move it to where they ended. A
//! subscription that follows the hub knows what the hub had published at that moment (`live_from`): all of it is committed,
//! so pages can be read until they have reached it, and all that is published later is in the queue, in order and without a
//! gap, until the queue ends. Events that a page gave already are before `seen`, and are dropped from the queue. Where the
//! queue ends, everything through a known record was in it or was not wanted; from there pages go on.

use crate::values::RecordId;

/// Where a subscription stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct FeedPosition {
    /// Everything through this record was given, or is not wanted.
    seen: RecordId,
    /// What the hub had published when the subscription began to follow it; `None` while it does not.
    live_from: Option<RecordId>,
    /// True once a page has reached the journal's head. Before, it is too early to follow: the queue would only fill.
    is_near_head: bool,
}

/// What a subscription does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeedStep {
    /// Read a page.
    Page,
    /// Begin to follow the hub.
    Follow,
    /// Take what is in the queue, or wait for it.
    Queue,
}

impl FeedPosition {
    pub fn new(after: RecordId) -> Self {
        Self {
            seen: after,
            live_from: None,
            is_near_head: false,
        }
    }

    /// Everything through this record was given, or is not wanted.
    pub fn seen(&self) -> RecordId {
        self.seen
    }

    pub fn next_step(&self) -> FeedStep {
        match self.live_from {
            Some(live_from) if self.seen >= live_from => FeedStep::Queue,
            None if self.is_near_head => FeedStep::Follow,
            Some(_) | None => FeedStep::Page,
        }
    }

    /// A page was read, which has seen everything through a record. That record is an earlier one only where the database
    /// went back to an earlier state, and then the subscription does too.
    pub fn paged(&mut self, through: RecordId, has_more: bool) {
        self.seen = through;
        self.is_near_head = !has_more;
    }

    /// The subscription follows the hub, which has published everything through a record.
    pub fn followed(&mut self, published: RecordId) {
        self.live_from = Some(published);
    }

    /// The hub cannot be followed now.
    pub fn missed(&mut self) {
        self.is_near_head = false;
    }

    /// False if a page has given this event of the queue already.
    pub fn takes(&mut self, id: RecordId) -> bool {
        let is_new = id > self.seen;
        self.seen = self.seen.max(id);
        is_new
    }

    /// The queue is empty and has ended: everything through a record was in it, or was not wanted.
    pub fn left(&mut self, through: RecordId) {
        *self = Self::new(self.seen.max(through));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> RecordId {
        RecordId(Uuid::from_u128(number))
    }

    #[test]
    fn pages_come_before_the_queue_and_give_what_it_does_not_have() {
        let mut position = FeedPosition::new(id(10));
        assert_eq!(position.next_step(), FeedStep::Page);
        position.paged(id(20), true);
        assert_eq!(position.next_step(), FeedStep::Page);
        position.paged(id(30), false);
        assert_eq!(position.next_step(), FeedStep::Follow);
        position.followed(id(32));
        assert_eq!(position.next_step(), FeedStep::Page);
        position.paged(id(35), false);
        assert_eq!(position.next_step(), FeedStep::Queue);
        let taken = [33, 35, 36, 40].map(|number| position.takes(id(number)));
        assert_eq!(taken, [false, false, true, true]);
    }

    #[test]
    fn a_queue_that_ends_is_followed_by_pages_from_its_end() {
        let mut position = FeedPosition::new(id(10));
        position.paged(id(10), false);
        position.followed(id(10));
        assert!(position.takes(id(12)));
        position.left(id(15));
        assert_eq!((position.seen(), position.next_step()), (id(15), FeedStep::Page));
        position.left(id(13));
        assert_eq!(position.seen(), id(15));
    }

    #[test]
    fn without_a_hub_pages_are_read_again_and_again() {
        let mut position = FeedPosition::new(id(10));
        position.paged(id(10), false);
        position.missed();
        assert_eq!(position.next_step(), FeedStep::Page);
    }
}
