//! Why a follower cannot read on in the journal. Its mark stays where it is.

use super::Mark;
use crate::db::Fault;

/// Faults of reading the journal.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Answered when the journal does not have the row of the mark: the database went back to an earlier state, or is
    /// another one. Everything has to be counted again.
    #[error("the journal does not have row {} as it was counted", .0.number)]
    Lost(Mark),
    /// Answered when several reads find another number of transfers and changes than the rows count.
    #[error("the rows after {} of the journal count {counted} transfers and changes, and {found} are there", after.number)]
    Incomplete {
        /// The mark before these rows.
        after: Mark,
        /// How many the rows count.
        counted: u64,
        /// How many were found.
        found: u64,
    },
    /// Answered when the row with this number is missing, and later rows are there.
    #[error("row {0} of the journal is missing")]
    Gap(i64),
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}
