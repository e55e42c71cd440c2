//! Why a wallet cannot be opened, seen or changed.

use crate::db::Fault;

/// Refusals and faults of wallets.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    #[error("there is no such wallet")]
    NotFound,
    #[error("the user has a wallet in this currency")]
    Exists,
    #[error("only an empty wallet without holds can be closed")]
    NotEmpty,
    #[error("the wallet is closed for good")]
    Closed,
    #[error("the wallet is the bank's own")]
    System,
    #[error("the wallet is not as the caller expects")]
    Unexpected,
    #[error(transparent)]
    Fault(#[from] Fault),
}
