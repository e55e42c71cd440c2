//! How far one endpoint has come: what is sent next, and which rows and which mark are written. Pure.
//!
//! Events are settled in the order of their ids. One is settled when it is delivered or parked, and at an endpoint whose order
//! does not matter also when a row says that it is attempted later. The mark is the record up to which all are settled. A row
//! of an event is written together with the mark that has passed it, so a crash between two writes loses neither an event nor
//! the order. Only the first event of an ordered endpoint has a row before that, while it fails.

mod rows;

pub(super) use rows::{
    AttemptCounts, AttemptResult, ChangedRow, DeliveryChange, IncomingEvent, NextEvent, ProgressWrites,
};

use std::collections::VecDeque;

use self::rows::{EventState, Unsettled};
use super::retry::{AfterFailure, DisabledReason, FailedAttempt, after_failure};
use crate::values::{DeliveryId, DeliveryStatus, RecordId, Timestamp};

/// The most requests at once to an endpoint whose order does not matter.
pub(super) const AT_ONCE_MAX: usize = 8;
/// The most deliveries of an endpoint that wait for their next attempt. Beyond it no new events are read.
pub(super) const PENDING_MAX: u64 = 1_000;
/// The most events that are kept behind one that is still being sent.
const KEPT_MAX: usize = 1_000;

/// How far an endpoint has come.
pub(super) struct Progress<E> {
    is_ordered: bool,
    mark: RecordId,
    written_mark: RecordId,
    /// Everything up to it was read.
    read: RecordId,
    unsettled: VecDeque<Unsettled<E>>,
    in_hand: usize,
    failing_since: Option<Timestamp>,
    disabled: Option<DisabledReason>,
    /// Deliveries that the mark has passed and that are attempted again.
    pending: u64,
    rows: Vec<DeliveryChange>,
}

impl<E: Clone> Progress<E> {
    /// An endpoint at its mark, with so many deliveries that wait for their next attempt.
    pub fn new(is_ordered: bool, mark: RecordId, failing_since: Option<Timestamp>, pending: u64) -> Self {
        Self {
            is_ordered,
            mark,
            written_mark: mark,
            read: mark,
            unsettled: VecDeque::new(),
            in_hand: 0,
            failing_since,
            disabled: None,
            pending,
            rows: Vec::new(),
        }
    }

    /// The record after which the next events are read.
    pub fn read_through(&self) -> RecordId {
        self.read
    }

    /// Why the endpoint takes no more events.
    pub fn disabled(&self) -> Option<DisabledReason> {
        self.disabled
    }

    /// Leaves it to the next failure whether the endpoint takes no more events: it has changed since the last one.
    pub fn forget_disabling(&mut self) {
        self.disabled = None;
    }

    /// Forgets since when attempts fail: the endpoint has another receiver.
    pub fn forget_failures(&mut self) {
        self.failing_since = None;
    }

    /// True when each event that was read is settled.
    pub fn is_at_rest(&self) -> bool {
        self.unsettled.is_empty()
    }

    /// True while a request of an event that comes after the mark is under way.
    pub fn has_in_hand(&self) -> bool {
        self.in_hand > 0
    }

    /// True while as many deliveries wait for their next attempt as may, so that nothing else is sent.
    pub fn is_full(&self) -> bool {
        !self.is_ordered && self.pending >= PENDING_MAX
    }

    /// Forgets the last events that were read and not sent, which are read again later. False if there are none. Not while
    /// others are being read: these would come before them.
    pub fn cut_waiting(&mut self) -> bool {
        // What its row says of a failed event was read with it, so that one stays.
        let is_kept = |one: &Unsettled<E>| {
            !matches!(one.state, EventState::Waiting(..)) || one.counts != AttemptCounts::default()
        };
        let kept = self.unsettled.iter().rposition(is_kept).map_or(0, |last| last + 1);
        let is_cut = kept < self.unsettled.len();
        if is_cut {
            self.unsettled.truncate(kept);
            self.read = self.unsettled.back().map_or(self.mark, |last| last.id);
        }
        is_cut
    }

    /// How many rows wait to be written.
    pub fn unwritten(&self) -> usize {
        self.rows.len()
    }

    /// True when more events can be sent than were read.
    pub fn wants_events(&self) -> bool {
        if self.disabled.is_some() {
            return false;
        }
        if self.is_ordered {
            return self.unsettled.is_empty();
        }
        let has_waiting = self
            .unsettled
            .back()
            .is_some_and(|last| matches!(last.state, EventState::Waiting(..)));
        !has_waiting && self.unsettled.len() < KEPT_MAX && self.pending < PENDING_MAX
    }

    /// Adds the next events, in the order of their ids, and that everything through `through` was read.
    pub fn add(&mut self, events: Vec<IncomingEvent<E>>, through: RecordId) {
        self.unsettled.extend(events.into_iter().map(|incoming| Unsettled {
            id: incoming.id,
            kind: incoming.kind,
            counts: incoming.counts,
            state: EventState::Waiting(incoming.event, incoming.due),
        }));
        self.read = through;
        self.settle();
    }

    /// The next event to be sent now, which is in hand from here on; `None` when there is none, or as many are in hand as may
    /// be.
    pub fn take_next(&mut self, now: Timestamp) -> Option<NextEvent<E>> {
        let places = if self.is_ordered { 1 } else { AT_ONCE_MAX };
        if self.in_hand >= places || self.disabled.is_some() || self.is_full() {
            return None;
        }
        // Of an ordered endpoint only the first event comes next, and only when it is due. Where the order does not matter an event
        // is attempted at once: if it fails, its row says when again.
        let (is_ordered, candidates) = (self.is_ordered, if self.is_ordered { 1 } else { usize::MAX });
        let next = self
            .unsettled
            .iter_mut()
            .take(candidates)
            .find_map(|one| match &one.state {
                EventState::Waiting(event, due) if !is_ordered || due.is_none_or(|due| due <= now) => {
                    let event = event.clone();
                    Some((one, event))
                }
                EventState::Waiting(..) | EventState::InHand(_) | EventState::Settled(_) => None,
            });
        let (one, event) = next?;
        one.state = EventState::InHand(event.clone());
        self.in_hand += 1;
        Some(NextEvent {
            id: one.id,
            has_failed: one.counts.failures > 0,
            event,
        })
    }

    /// When the first event is attempted again; `None` while none waits for a time.
    pub fn due(&self) -> Option<Timestamp> {
        match &self.unsettled.front()?.state {
            EventState::Waiting(_, due) => *due,
            EventState::InHand(_) | EventState::Settled(_) => None,
        }
    }

    /// Takes over what the row of a waiting event says now: its owner may have asked for another attempt.
    pub fn revise(&mut self, id: RecordId, counts: AttemptCounts, next_attempt_at: Option<Timestamp>) {
        let waiting = self.unsettled.iter_mut().find(|one| one.id == id);
        if let Some(one) = waiting
            && let EventState::Waiting(_, due) = &mut one.state
        {
            *due = next_attempt_at;
            one.counts = counts;
        }
    }

    /// Leaves an event that was in hand for later, without an attempt.
    pub fn put_back(&mut self, id: RecordId, due: Timestamp) {
        let in_hand = self.unsettled.iter_mut().find(|one| one.id == id);
        if let Some(one) = in_hand
            && let EventState::InHand(event) = &one.state
        {
            one.state = EventState::Waiting(event.clone(), Some(due));
            self.in_hand -= 1;
        }
    }

    /// Records an attempt of an event that was in hand. Gives what its row will say.
    pub fn record_attempt(
        &mut self,
        id: RecordId,
        result: AttemptResult,
        chance: u16,
    ) -> Option<(DeliveryStatus, Option<Timestamp>)> {
        let place = self.unsettled.iter().position(|one| one.id == id)?;
        let (counts, kind) = (self.unsettled[place].counts, self.unsettled[place].kind);
        let change = self.change_after(ChangedRow::Event(id, kind), counts, result, chance);
        let answer = (change.status, change.next_attempt_at);
        let one = &mut self.unsettled[place];
        self.in_hand -= 1;
        let stays = change.status == DeliveryStatus::Pending && (self.is_ordered || self.disabled.is_some());
        one.counts = change.counts;
        if !stays {
            self.pending += u64::from(change.status == DeliveryStatus::Pending);
            one.state = EventState::Settled(Box::new(change));
            self.settle();
        } else if let EventState::InHand(event) = &one.state {
            one.state = EventState::Waiting(event.clone(), change.next_attempt_at);
            if self.is_ordered {
                // The others are read again later: an endpoint that fails for days keeps one event in memory.
                self.unsettled.truncate(1);
                self.read = id;
                self.write_row(change);
            }
        }
        Some(answer)
    }

    /// Records an attempt of a delivery that the mark has passed, or of a test. Gives what its row will say.
    pub fn record_redelivery(
        &mut self,
        id: DeliveryId,
        counts: AttemptCounts,
        result: AttemptResult,
        chance: u16,
    ) -> (DeliveryStatus, Option<Timestamp>) {
        let change = self.change_after(ChangedRow::Delivery(id), counts, result, chance);
        let answer = (change.status, change.next_attempt_at);
        if change.status != DeliveryStatus::Pending {
            self.pending = self.pending.saturating_sub(1);
        }
        self.write_row(change);
        answer
    }

    /// What is to be written; `None` if nothing is. A mark that moved alone is left for later unless it is asked for.
    pub fn take_writes(&mut self, with_mark_alone: bool) -> Option<ProgressWrites> {
        let has_moved = with_mark_alone && self.mark != self.written_mark;
        if self.rows.is_empty() && self.disabled.is_none() && !has_moved {
            return None;
        }
        self.written_mark = self.mark;
        Some(ProgressWrites {
            mark: self.mark,
            failing_since: self.failing_since,
            rows: std::mem::take(&mut self.rows),
            disabled: self.disabled,
        })
    }

    fn change_after(
        &mut self,
        row: ChangedRow,
        counts: AttemptCounts,
        result: AttemptResult,
        chance: u16,
    ) -> DeliveryChange {
        let at = result.at;
        let first_at = counts.first_at.unwrap_or(at);
        let mut change = DeliveryChange {
            row,
            status: DeliveryStatus::Delivered,
            counts: AttemptCounts {
                attempts: counts.attempts.saturating_add(1),
                first_at: Some(first_at),
                ..counts
            },
            next_attempt_at: None,
            result,
        };
        if change.result.is_delivered {
            self.failing_since = None;
            return change;
        }
        change.counts.failures = counts.failures.saturating_add(1);
        let failed = FailedAttempt {
            failures: change.counts.failures,
            first_attempt_at: first_at,
            failing_since: *self.failing_since.get_or_insert(at),
            retry_after: change.result.retry_after,
            gone: change.result.is_gone,
        };
        (change.status, change.next_attempt_at) = match after_failure(&failed, at, chance) {
            AfterFailure::TryAgainAt(next) => (DeliveryStatus::Pending, Some(next)),
            AfterFailure::Park => (DeliveryStatus::Parked, None),
            // It is attempted once the endpoint is active again.
            AfterFailure::Disable(reason) => {
                self.disabled = Some(reason);
                (DeliveryStatus::Pending, Some(at))
            }
        };
        change
    }

    /// Moves the mark over the first events that are settled.
    fn settle(&mut self) {
        while let Some(one) = self.unsettled.pop_front() {
            match one.state {
                EventState::Settled(change) => {
                    self.mark = one.id;
                    self.write_row(*change);
                }
                EventState::Waiting(..) | EventState::InHand(_) => {
                    self.unsettled.push_front(one);
                    return;
                }
            }
        }
        self.mark = self.read;
    }

    /// A row is written once in a transaction: the newest state of it replaces the one before.
    fn write_row(&mut self, change: DeliveryChange) {
        self.rows.retain(|row| row.row != change.row);
        self.rows.push(change);
    }
}

#[cfg(test)]
mod tests;
