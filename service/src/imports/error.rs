//! Why an import cannot be had or does not go on.

use std::io;

use crate::db::Fault;

/// The first line of a file is not the header of its kind; a sentence that names what is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HeaderProblem(pub String);

/// Refusals and faults of imports. What was applied before stays, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("there is no such import")]
    NotFound,
    #[error("too many uploads are waiting")]
    Overloaded,
    #[error("the disk has no room for the upload")]
    StorageFull,
    #[error("the file is larger than {max_bytes} bytes")]
    TooLarge { max_bytes: u64 },
    /// The client's side of an upload ended before the file did.
    #[error("the upload broke off")]
    BrokenOff(#[source] io::Error),
    #[error("the upload cannot be kept")]
    Unwritable(#[source] io::Error),
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// The import stays as it is: with the old content the same command goes on, with the new one it begins anew.
    #[error("the file changed while it was read")]
    Changed,
    #[error("the rejected lines cannot be written")]
    RejectsUnwritable(#[source] io::Error),
    #[error(transparent)]
    Fault(#[from] Fault),
}
