//! What goes into an endpoint's progress, and what comes out of it. Pure.

use std::time::Duration;

use crate::values::{DeliveryId, DeliveryStatus, RecordId, Timestamp};
use crate::webhooks::retry::DisabledReason;

/// How often a delivery was attempted so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::webhooks) struct AttemptCounts {
    /// All attempts.
    pub attempts: u32,
    /// How many have failed since `first_at`.
    pub failures: u32,
    /// When the first one ended; `None` before it, and once another attempt was asked for.
    pub first_at: Option<Timestamp>,
}

/// What came of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::webhooks) struct AttemptResult {
    /// When it ended.
    pub at: Timestamp,
    /// The receiver has taken the event.
    pub is_delivered: bool,
    /// The receiver is gone for good.
    pub is_gone: bool,
    /// The pause that the receiver asked for.
    pub retry_after: Option<Duration>,
    /// The HTTP status; `None` without an answer.
    pub response_status: Option<u16>,
    /// The beginning of the answer, or why none came.
    pub response_excerpt: Option<String>,
}

/// An event that was read.
pub(in crate::webhooks) struct IncomingEvent<E> {
    pub id: RecordId,
    pub kind: &'static str,
    pub event: E,
    /// What its row says, if it has failed before.
    pub counts: AttemptCounts,
    /// When it is attempted; `None` for at once.
    pub due: Option<Timestamp>,
}

/// An event that was read and that the mark has not passed.
pub(super) struct Unsettled<E> {
    pub id: RecordId,
    pub kind: &'static str,
    pub counts: AttemptCounts,
    pub state: EventState<E>,
}

/// Where it is.
pub(super) enum EventState<E> {
    /// Not before a time, if there is one.
    Waiting(E, Option<Timestamp>),
    InHand(E),
    Settled(Box<DeliveryChange>),
}

/// An event that is to be sent.
pub(in crate::webhooks) struct NextEvent<E> {
    pub id: RecordId,
    pub event: E,
    /// An attempt of it has failed, so some time may have passed since it was read.
    pub has_failed: bool,
}

/// Which row is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::webhooks) enum ChangedRow {
    /// That of an event, which may have none yet.
    Event(RecordId, &'static str),
    /// One that is there.
    Delivery(DeliveryId),
}

/// What a row says after an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::webhooks) struct DeliveryChange {
    pub row: ChangedRow,
    pub status: DeliveryStatus,
    pub counts: AttemptCounts,
    /// Set exactly while it is pending.
    pub next_attempt_at: Option<Timestamp>,
    pub result: AttemptResult,
}

/// What is written in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::webhooks) struct ProgressWrites {
    pub mark: RecordId,
    pub failing_since: Option<Timestamp>,
    pub rows: Vec<DeliveryChange>,
    /// Set when the endpoint is to be disabled.
    pub disabled: Option<DisabledReason>,
}

impl ProgressWrites {
    /// When the first of these events is attempted again that the mark has passed; `None` if none is.
    pub fn next_redelivery(&self) -> Option<Timestamp> {
        let passed = self.rows.iter().filter(|row| match row.row {
            ChangedRow::Event(id, _) => id <= self.mark,
            ChangedRow::Delivery(_) => true,
        });
        passed.filter_map(|row| row.next_attempt_at).min()
    }
}
