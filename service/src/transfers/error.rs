//! Why a transfer was not made, or cannot be seen.

use crate::db::Fault;
use crate::ledger::{Failure, Refusal, SubmitError};
use crate::values::TransferId;
use crate::wallets::WalletError;

/// Refusals and faults of transfers.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A rule said no, and nothing is recorded.
    #[error("refused: {}", .0.code())]
    Refused(Refusal),
    /// A rule said no, and a FAILED transfer records it.
    #[error("failed: {}", failure.code())]
    Failed {
        failure: Failure,
        transfer: TransferId,
        replayed: bool,
    },
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    #[error("there is no such transfer")]
    NotFound,
    #[error(transparent)]
    Wallet(#[from] WalletError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error(transparent)]
    Fault(#[from] Fault),
}
