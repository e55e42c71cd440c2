//! Why a transfer was not made, or cannot be seen.

use crate::db::Fault;
use crate::ledger::{Refusal, SubmitError};
use crate::values::TransferId;
use crate::wallets::WalletError;

/// Refusals and faults of transfers.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A rule said no, for good. `transfer` is the FAILED transfer that records it.
    #[error("refused: {}", refusal.code())]
    Refused {
        refusal: Refusal,
        transfer: Option<TransferId>,
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
