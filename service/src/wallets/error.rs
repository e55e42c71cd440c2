//! Why a wallet cannot be opened, seen or changed.

use crate::db::Fault;
use crate::ledger::{SubmitError, WalletRefusal};

/// Refusals and faults of wallets.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    #[error("there is no such wallet")]
    NotFound,
    #[error("the user has a wallet in this currency")]
    Exists,
    #[error("the user who is to have the wallet is not there")]
    NoOwner,
    #[error("only an empty wallet without holds can be closed")]
    NotEmpty,
    #[error("the wallet is closed for good")]
    Closed,
    #[error("the wallet is the bank's own")]
    System,
    #[error("the wallet is not as the caller expects")]
    Unexpected,
    #[error(transparent)]
    Submit(#[from] SubmitError),
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
