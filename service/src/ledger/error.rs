//! Why the ledger gave no outcome. Nothing was moved, but for `OutcomeUnknown`.

use crate::db::Fault;

/// The caller may try again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The bank is shutting down, or its committer has died.
    #[error("the committer takes no more commands")]
    Stopped,
    /// Other writers changed or held the same wallets in every try.
    #[error("the wallets are contended")]
    Contended,
    /// The connection was lost around a commit, and the database did not say in time whether it happened.
    #[error("the outcome of a commit is unknown")]
    OutcomeUnknown,
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}
