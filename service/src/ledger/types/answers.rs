//! What the ledger answers.

use std::sync::Arc;

use super::records::{Transfer, Wallet};
use crate::values::Money;

/// Why a movement of money was refused, with nothing recorded. The variants are in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The amount is malformed, or not above zero.
    InvalidAmount,
    /// A wallet is unknown, is a system wallet, or, where the money must come from the actor's own wallet, is
    /// another's.
    WalletNotFound,
    /// The payment method is not open in the wallet's currency.
    UnknownMethod,
    /// Source and destination are the same wallet.
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

/// Why a transfer is recorded as FAILED, though its amount is valid and both wallets are known. The variants are in the
/// order of the checks, which come after those of a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// One of the two wallets is frozen.
    WalletFrozen,
    /// One of the two wallets is closed.
    WalletClosed,
    /// The two wallets have different currencies.
    CurrencyMismatch,
    /// The source, a customer's wallet, has less available than the amount.
    InsufficientFunds {
        /// What the source had available: its balance less what was held.
        available: Money,
    },
    /// One of the new balances would be outside the range of `Money`.
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

    /// Reads a stored failure reason back; `None` if the code is unknown, or `insufficient_funds` comes without
    /// `available`.
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

    /// What the source had available; `None` unless the failure is `InsufficientFunds`.
    #[must_use]
    pub const fn available(self) -> Option<Money> {
        match self {
            Self::InsufficientFunds { available } => Some(available),
            Self::WalletFrozen | Self::WalletClosed | Self::CurrencyMismatch | Self::BalanceOutOfRange => None,
        }
    }
}

/// The final answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transfer is stored: COMPLETED, or FAILED with its reason.
    Recorded {
        /// The transfer as it is stored.
        transfer: Arc<Transfer>,
        /// True if an earlier request with the same idempotency key made it.
        replayed: bool,
    },
    /// It was refused, and nothing is recorded.
    Refused(Refusal),
    /// Its idempotency key was used for another request, or for one whose digest was erased.
    KeyReused,
    /// The wallet as it is now: opened, changed, or already as requested.
    Wallet(Box<Wallet>),
    /// The wallet was not opened or changed, and nothing is recorded.
    WalletRefused(WalletRefusal),
}

/// Why a wallet is not opened, or its status not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletRefusal {
    /// The customer already has a wallet in this currency.
    Exists,
    /// There is no such customer: the database has lost their row.
    NoOwner,
    /// No wallet has this id.
    NotFound,
    /// It is a system wallet, which stays active.
    System,
    /// It is closed for good.
    Closed,
    /// Only an empty wallet without holds can be closed.
    NotEmpty,
    /// Its state is not one that the caller expects.
    Unexpected,
}
