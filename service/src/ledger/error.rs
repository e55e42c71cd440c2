//! Why a command has no outcome. No money was moved, except perhaps after `OutcomeUnknown`.

use crate::db::Fault;

/// Why a command has no outcome. The caller may try again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full, or as much of it as one user may have waiting; nothing happened.
    #[error("too many commands are waiting")]
    Overloaded,
    /// The bank is shutting down, or its committer has died.
    #[error("the committer takes no more commands")]
    Stopped,
    /// In every attempt another session had changed or locked what the command needs, or its wallet had more expired
    /// holds than could be released; or too many commands are set aside.
    #[error("the wallets are contended")]
    Contended,
    /// The connection was lost around a commit, and the database did not say in time whether it happened. Also after
    /// the longest wait of a caller, and when the committer died with the command.
    #[error("the outcome of a commit is unknown")]
    OutcomeUnknown,
    /// A fault of the database, or clocks that contradict each other (`FaultKind::Skew`); nothing was written.
    #[error(transparent)]
    Fault(#[from] Fault),
}
