//! What tells one state of a wallet from another, and which states a caller expects before a change.

use std::fmt;

use super::records::Wallet;

/// Names what callers see of a wallet: it changes whenever that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletTag(String);

/// What a wallet must be for a change to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    Anything,
    /// The tag is one of these.
    OneOf(Vec<String>),
}

impl WalletTag {
    pub(super) fn of(wallet: &Wallet) -> Self {
        // The time too: a wallet that was frozen and unfrozen is as it was, but for its time.
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
