//! Why a transfer was not made, or cannot be seen.

use crate::db::Fault;
use crate::ledger::{Failure, Refusal, SubmitError};
use crate::values::{BatchId, TransferId};
use crate::wallets::WalletError;

/// Refusals and faults of transfers.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// Answered when a rule refuses the request; nothing is recorded.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// Answered when a rule refuses the request, and a FAILED transfer records the refusal.
    #[error("failed: {}", failure.code())]
    Failed {
        /// The rule that refused it.
        failure: Failure,
        /// The FAILED transfer; `None` for a dry run, which records none.
        transfer: Option<TransferId>,
        /// True when this is the stored outcome of an earlier request with the same key.
        replayed: bool,
    },
    /// Answered when a transfer of an atomic batch is refused, and so none is made.
    #[error("the transfer {index} of the batch was refused")]
    BatchRefused {
        /// Which transfer of the batch was at fault, from 0.
        index: usize,
        /// The `batch_id` of the FAILED transfer that records the refusal; `None` where none does, as for a dry run.
        id: Option<BatchId>,
        /// Why: `Refused` or `Failed`.
        #[source]
        error: Box<Self>,
        /// True when this is the stored outcome of an earlier request with the same key.
        replayed: bool,
    },
    /// Answered to every e-mail address while the caller has named too many unknown ones in a short time.
    #[error("too many unknown e-mail addresses")]
    TooManyLookups {
        /// After how many seconds the caller may ask again.
        retry_after_s: u32,
    },
    /// Answered when the key was used for a request with other values, or for one whose texts are erased.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// Answered when there is no transfer with the id, or the actor may not see it.
    #[error("there is no such transfer")]
    NotFound,
    /// Answered when the wallet of the request, or of the filter, cannot be read or opened.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// Answered when the ledger gave no outcome.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}
