//! Every error of events as a problem document.

use service::events::EventsError;
use service::ledger::Refusal;

use super::refused;
use crate::problem::{Code, Problem};
use crate::wire::EVENT_CURSOR_EXPECTED;

impl From<EventsError> for Problem {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::UnknownCursor => unknown_cursor(),
            EventsError::WalletNotFound => refused(Refusal::WalletNotFound),
            EventsError::TooManyStreams => Self::new(
                Code::TooManyStreams,
                "you have as many streams open at this server as a user may; end one first",
            ),
            EventsError::Overloaded => {
                Self::new(Code::Overloaded, "too many streams are open; nothing happened").retry_after(1)
            }
            EventsError::WentBack => Self::new(
                Code::Unavailable,
                "the database went back to an earlier state; begin anew with what it has",
            )
            .retry_after(1),
            EventsError::Stopping => Self::new(Code::Unavailable, "the server is stopping").retry_after(1),
            EventsError::Fault(fault) => fault.into(),
        }
    }
}

/// A cursor of the right form that is not of this bank's journal.
pub(super) fn unknown_cursor() -> Problem {
    Problem::invalid_field("after", EVENT_CURSOR_EXPECTED)
}
