//! Why the ledger gave no outcome. In every case nothing was moved.

use crate::db::Fault;

/// Nothing happened; the caller may try again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full, or the bank is shutting down.
    #[error("too many transfers are waiting")]
    Overloaded,
    /// Other writers changed the same wallets in every try.
    #[error("the wallets are contended")]
    Contended,
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}
