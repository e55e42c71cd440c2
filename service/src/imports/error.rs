//! Why an import is refused, is not found or does not continue.

use std::io;

use crate::db::Fault;

/// The first line of a file is not the header of its kind; a sentence that names what is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HeaderProblem(pub String);

/// Refusals and faults of imports. Rows that were applied stay, and the next run continues behind them.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No import has this id.
    #[error("there is no such import")]
    NotFound,
    /// As many uploads arrive or wait as may at one time.
    #[error("too many uploads are waiting")]
    Overloaded,
    /// The upload would leave less free space than is reserved.
    #[error("the disk has no room for the upload")]
    StorageFull,
    #[error("the file is larger than {max_bytes} bytes")]
    /// The file has more bytes than an upload may have.
    TooLarge {
        /// The most bytes that an upload may have.
        max_bytes: u64,
    },
    /// The connection ended before the whole file had arrived.
    #[error("the upload broke off")]
    BrokenOff(#[source] io::Error),
    /// The disk failed while an upload was written.
    #[error("the upload cannot be kept")]
    Unwritable(#[source] io::Error),
    /// The file is gone, or the disk failed.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// The file changed while it was read. Its import stays at its checkpoint: with the old content the same command
    /// continues it, with the new content it begins another one. An upload's import fails.
    #[error("the file changed while it was read")]
    Changed,
    /// The file of rejected lines cannot be written.
    #[error("the rejected lines cannot be written")]
    RejectsUnwritable(#[source] io::Error),
    /// A fault of the database.
    #[error(transparent)]
    Fault(#[from] Fault),
}
