//! Whether a wallet may take a status.

use super::{Expected, Wallet, WalletError};
use crate::values::{Money, WalletStatus};

/// What a request for a status comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatusChange {
    Change,
    /// The wallet has the status already, which is fine.
    Keep,
}

/// Refuses in this order: a system wallet, a closed one, one with money in it that is to be closed, and last one that is not
/// as the caller expects (RFC 9110, 13.2.1: a precondition counts only where the change would else be made).
pub(super) fn status_change(
    wallet: &Wallet,
    status: WalletStatus,
    expected: &Expected,
) -> Result<StatusChange, WalletError> {
    let changes = wallet.status != status;
    if wallet.user_id.is_none() {
        return Err(WalletError::System);
    }
    if changes && wallet.status == WalletStatus::Closed {
        return Err(WalletError::Closed);
    }
    let is_empty = wallet.balance == Money::ZERO && wallet.held == Money::ZERO;
    if changes && status == WalletStatus::Closed && !is_empty {
        return Err(WalletError::NotEmpty);
    }
    if !expected.admits(&wallet.tag()) {
        return Err(WalletError::Unexpected);
    }
    Ok(if changes {
        StatusChange::Change
    } else {
        StatusChange::Keep
    })
}
