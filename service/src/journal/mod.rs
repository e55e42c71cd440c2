//! The journal: one row for every group commit, numbered 0, 1, 2, … without a gap, each proving all rows before it.
//!
//! Invariants: the newest row is the head, and a commit is written only onto the head that it was decided on; ids grow
//! along the journal; rows are written once. `digests` and `leaves` define what is hashed, and are pure; the ledger
//! writes the rows.

mod chain;
mod digests;
mod leaves;
mod paths;
mod tree;

pub use chain::{ChainRow, CommitContent, Head, LedgerIdentity};
pub use digests::{Salt, digest_of_row, head_bytes, leaf_digest, merkle_root};
pub use leaves::{ChangeLeaf, PublicTransfer, TransferLeaf, digest_of_texts, opening_text};
pub use paths::{MerkleStep, PathSide, path_of, root_along};
pub use tree::MerkleTree;

pub(crate) use leaves::time_of_micros;
