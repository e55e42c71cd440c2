//! Tags that identify the states of a wallet, and the states that a caller expects before a change.

use std::fmt;

use super::records::Wallet;

/// An opaque text that identifies a state of a wallet: it changes whenever what callers see of the wallet changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletTag(String);

/// The states in which a wallet may be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Every state.
    Anything,
    /// The states with these tags.
    OneOf(Vec<String>),
}

impl WalletTag {
    pub(super) fn of(wallet: &Wallet) -> Self {
        // The time is included: a wallet that was frozen and unfrozen differs from before only in its time.
        let changed = wallet.updated_at.timestamp_micros();
        let (version, status, held) = (wallet.version, wallet.status, wallet.held.units());
        Self(format!("{version}-{status}-{held}-{changed}"))
    }
}

impl fmt::Display for WalletTag {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Expected {
    pub(in crate::ledger) fn admits(&self, tag: &WalletTag) -> bool {
        match self {
            Self::Anything => true,
            Self::OneOf(tags) => tags.contains(&tag.0),
        }
    }
}
