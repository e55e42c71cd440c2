//! The journal: one row for every group commit, numbered 0, 1, 2, … without a gap, each proving all rows before it.
//!
//! Invariants: the newest row is the head, and a commit is written only onto the head that it was decided on; ids grow along
//! the journal; rows are written once. How rows are digested stands in `digests`, which is pure; who writes them is the ledger.

mod chain;
mod digests;

pub use chain::{Head, Identity, Row};
pub use digests::{Leaf, Salt, digest_of_row, merkle_root};
