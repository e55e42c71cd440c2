//! Following the journal: consumers that count what was committed read it here, completely and in order.
//!
//! Invariants: a consumer keeps a mark, the number and the digest of the last row that it has counted, and what it reads next
//! begins there; nothing is passed over and nothing comes twice; a mark that the journal does not have is an error. Commits of
//! this process are handed over in memory, which is only quicker: what was not handed over is read.

mod error;
mod handover;
mod mark;
mod reader;
mod repo;

pub use error::ReadError;
pub use handover::{Completed, Handover};
pub use mark::Mark;
pub use reader::{FeedPiece, Followed, LOOK_EVERY, Reader};

pub(crate) use repo::{birth, last_id_of, newest};
