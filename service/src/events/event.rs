//! An event: one record of the journal, as one caller sees it. Pure.

use super::cursor::EventCursor;
use super::kinds::EventType;
use crate::transfers::ShownTransfer;
use crate::values::{RequestId, Timestamp, UserId};
use crate::wallets::Wallet;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the journal. It is the same for all who see the event, and each time.
    pub id: EventCursor,
    /// What happened.
    pub kind: EventType,
    /// When it was decided, in the bank's time.
    pub at: Timestamp,
    /// What it happened to.
    pub subject: EventSubject,
    /// The user who asked for it; `None` where the bank did it by itself, and where the viewer may not know.
    pub actor: Option<UserId>,
    /// The id of the request that asked for it; `None` where there is none, and where the viewer may not know.
    pub request_id: Option<RequestId>,
}

/// The object of an event, as it was then.
#[derive(Clone, Debug, PartialEq)]
pub enum EventSubject {
    /// The transfer as it was decided, with a hold as it began.
    Transfer(ShownTransfer),
    /// The wallet just after the change.
    Wallet(Box<Wallet>),
}
