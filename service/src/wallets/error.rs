//! Why a wallet cannot be opened, seen or changed.

use super::times::TimeRefusal;
use crate::db::Fault;
use crate::ledger::{SubmitError, WalletRefusal};

/// Refusals and faults of wallets.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// Answered when there is no wallet with the id, or the actor may not see it.
    #[error("there is no such wallet")]
    NotFound,
    /// Answered when a customer opens a second wallet in a currency.
    #[error("the user has a wallet in this currency")]
    Exists,
    /// Answered when the database does not have the user of a valid token, for example after it was restored.
    #[error("the user who is to have the wallet is not there")]
    NoOwner,
    /// Answered when a wallet that is to be closed has a balance or a held amount.
    #[error("only an empty wallet without holds can be closed")]
    NotEmpty,
    /// Answered when a closed wallet is to be frozen, unfrozen or given other limits.
    #[error("the wallet is closed for good")]
    Closed,
    /// Answered when the status or the limits of a system wallet are to be changed.
    #[error("the wallet is the bank's own; its status and limits cannot be changed")]
    System,
    /// Answered when the wallet's tag is not among the expected ones; nothing changed.
    #[error("the wallet is not as the caller expects")]
    Unexpected,
    /// Answered when the time of a balance, or the range of a statement, is not within the wallet's history.
    #[error(transparent)]
    Time(#[from] TimeRefusal),
    /// Answered when the ledger gave no outcome.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<WalletRefusal> for WalletError {
    fn from(refusal: WalletRefusal) -> Self {
        match refusal {
            WalletRefusal::Exists => Self::Exists,
            WalletRefusal::NoOwner => Self::NoOwner,
            WalletRefusal::NotFound => Self::NotFound,
            WalletRefusal::System => Self::System,
            WalletRefusal::Closed => Self::Closed,
            WalletRefusal::NotEmpty => Self::NotEmpty,
            WalletRefusal::Unexpected => Self::Unexpected,
        }
    }
}
