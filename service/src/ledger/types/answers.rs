//! What the ledger answers.

use std::sync::Arc;

use super::records::{Transfer, Wallet};
use crate::values::Money;

/// Why a rule said no and nothing is recorded, in the order in which the rules are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    InvalidAmount,
    WalletNotFound,
    UnknownMethod,
    SameWallet,
}

impl Refusal {
    /// The stable code that clients read.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidAmount => "invalid_amount",
            Self::WalletNotFound => "wallet_not_found",
            Self::UnknownMethod => "unknown_method",
            Self::SameWallet => "same_wallet",
        }
    }
}

/// Why a transfer is recorded as FAILED: its amount is valid and both wallets are known. In the order in which the rules are
/// asked, after those of a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    WalletFrozen,
    WalletClosed,
    CurrencyMismatch,
    InsufficientFunds { available: Money },
    BalanceOutOfRange,
}

impl Failure {
    /// The stable code that clients read and that is stored as the failure reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::WalletFrozen => "wallet_frozen",
            Self::WalletClosed => "wallet_closed",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::BalanceOutOfRange => "balance_out_of_range",
        }
    }

    /// Reads a stored failure reason back; `None` when it is not one.
    #[must_use]
    pub fn from_code(code: &str, available: Option<Money>) -> Option<Self> {
        match code {
            "wallet_frozen" => Some(Self::WalletFrozen),
            "wallet_closed" => Some(Self::WalletClosed),
            "currency_mismatch" => Some(Self::CurrencyMismatch),
            "insufficient_funds" => available.map(|available| Self::InsufficientFunds { available }),
            "balance_out_of_range" => Some(Self::BalanceOutOfRange),
            _ => None,
        }
    }

    /// What the source had when `insufficient_funds` was the answer.
    #[must_use]
    pub const fn available(self) -> Option<Money> {
        match self {
            Self::InsufficientFunds { available } => Some(available),
            Self::WalletFrozen | Self::WalletClosed | Self::CurrencyMismatch | Self::BalanceOutOfRange => None,
        }
    }
}

/// What became of a command, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is kept: COMPLETED, or FAILED with its reason.
    Recorded { transfer: Arc<Transfer>, replayed: bool },
    /// It was refused, and nothing is recorded.
    Refused(Refusal),
    /// Its idempotency key belongs to another request.
    KeyReused,
    /// The wallet as it is now: opened, changed, or already as it was asked to be.
    Wallet(Box<Wallet>),
    /// The wallet was not opened or changed, and nothing is recorded.
    WalletRefused(WalletRefusal),
}

/// Why a wallet is not opened, or its status not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletRefusal {
    /// The customer has a wallet in this currency.
    Exists,
    /// There is no such customer: the database has lost their row.
    NoOwner,
    NotFound,
    /// It is the bank's own.
    System,
    /// It is closed for good.
    Closed,
    /// Only an empty wallet without holds can be closed.
    NotEmpty,
    /// It is not as the caller expects.
    Unexpected,
}
