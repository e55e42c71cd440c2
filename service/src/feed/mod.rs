//! Following the journal: followers that count what was committed read it here, completely and in order.
//!
//! Invariants: a follower keeps a mark, which is the number and the digest of the last row that it has counted, and
//! reads on from there; it gets every commit once; a mark that the journal does not have is an error. Commits of this
//! process arrive through memory, which is faster; whatever did not arrive that way is read from the database.

mod error;
mod handover;
mod mark;
mod nudges;
mod reader;
mod repo;
mod selection;

pub use error::ReadError;
pub use handover::{Completed, Handover, counted_kind};
pub use mark::Mark;
pub use nudges::Nudges;
pub use reader::{FeedPiece, POLL_EVERY, Reader};
pub use selection::{FeedFilter, FoundRecords, Selection};

pub(crate) use repo::{IS_PAYMENT, PAYMENT_KIND, first_mark, has_row, head, last_id_of, ledger_id};
