//! Why a follower of the journal cannot go on. Its mark stays where it is.

use super::Mark;
use crate::db::Fault;

/// Faults of reading the journal.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database went back, or is another one. What was counted up to the mark has to be counted anew.
    #[error("the journal does not have row {} as it was counted", .0.number)]
    Lost(Mark),
    /// The rows count transfers that are not there, or there are more.
    #[error("the rows after {} of the journal count {counted} transfers, and {found} are there", after.number)]
    Incomplete { after: Mark, counted: u64, found: u64 },
    /// A row is missing before others.
    #[error("row {0} of the journal is missing")]
    Gap(i64),
    #[error(transparent)]
    Fault(#[from] Fault),
}
