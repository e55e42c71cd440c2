//! Bringing the rows of files in: which file, how far, what became of each row. What a row means is its kind's business.
//!
//! Invariants: a block's rows and the checkpoint behind it are written in one transaction, and only where the checkpoint
//! is still the block's beginning; so a crash anywhere loses no row and counts none twice.

mod error;
mod kind;
pub mod repo;

pub use error::{HeaderProblem, ImportError};
pub use kind::{Block, Counts, Parsed, Rows, SkipReason, Skips, Stored, columns};
