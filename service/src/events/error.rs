//! Why events cannot be given.

use crate::db::Fault;

/// Refusals and faults of events.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// Answered when the cursor is of another ledger.
    #[error("the cursor is not from this journal")]
    UnknownCursor,
    /// Answered when the filter names a wallet that does not exist, or that the caller may not see.
    #[error("there is no such wallet")]
    WalletNotFound,
    /// Answered when the user has as many subscriptions in this process as one may have.
    #[error("a user has at most {max} streams open", max = super::STREAMS_OF_USER_MAX)]
    TooManyStreams,
    /// Answered when clients have as many subscriptions in this process as they may have together.
    #[error("too many streams are open")]
    Overloaded,
    /// Answered to a subscription when the journal no longer has what was published: the database went back to an earlier
    /// state. Its reader must begin anew.
    #[error("the journal went back to an earlier state")]
    WentBack,
    /// Answered to a subscription when the process is stopping.
    #[error("the process is stopping")]
    Stopping,
    /// Answered when the database fails. A subscription may be asked again.
    #[error(transparent)]
    Fault(#[from] Fault),
}
