//! The words of the ledger: what it is asked for, what it keeps, and what it answers.

use std::sync::Arc;

use crate::values::{
    Currency, Digest, Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, UserId, Version, WalletId,
    WalletStatus,
};

/// One movement of money that a caller asks for.
#[derive(Clone, Debug)]
pub struct Command {
    pub kind: TransferKind,
    pub source: WalletId,
    pub destination: WalletId,
    /// `None` when the caller's text was no amount; the refusal has its place in the order of all refusals.
    pub amount: Option<Money>,
    pub authority: Authority,
    pub method: Option<Method>,
    pub description: Option<String>,
    pub metadata: Option<String>,
    pub idempotency: Option<Idempotency>,
}

/// In whose name money is taken out of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A customer, who may only take from wallets of their own.
    Owner(UserId),
    /// The bank, which may take from any.
    Bank,
}

/// The digests that make a repeated request the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Of the caller and the Idempotency-Key.
    pub key: Digest,
    /// Of the operation and its parsed values.
    pub request: Digest,
}

/// A wallet as a batch sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    pub id: WalletId,
    /// `None` on a system wallet.
    pub owner: Option<UserId>,
    pub currency: Currency,
    pub balance: Money,
    pub held: Money,
    pub status: WalletStatus,
    pub version: Version,
    pub updated_at: Timestamp,
}

impl Wallet {
    /// What the owner may still spend.
    #[must_use]
    pub fn available(&self) -> Money {
        // The CHECK constraints keep 0 <= held <= balance on customers' wallets and held at 0 on system wallets.
        self.balance.checked_sub(self.held).unwrap_or(self.balance)
    }

    /// True for the bank's own side of a payment method.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.owner.is_none()
    }
}

/// A transfer as it is kept, recorded refusals among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub id: TransferId,
    pub kind: TransferKind,
    pub status: TransferStatus,
    pub source: WalletId,
    pub destination: WalletId,
    pub amount: Money,
    pub currency: Currency,
    pub method: Option<Method>,
    pub description: Option<String>,
    pub metadata: Option<String>,
    /// Set exactly when the status is FAILED.
    pub refusal: Option<Refusal>,
    pub idempotency: Option<Idempotency>,
    pub created_at: Timestamp,
}

impl Transfer {
    /// When its money moved: `None` unless it is COMPLETED. A transfer is decided and stamped at once.
    #[must_use]
    pub fn completed_at(&self) -> Option<Timestamp> {
        (self.status == TransferStatus::Completed).then_some(self.created_at)
    }
}

/// One wallet's side of a completed transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub wallet: WalletId,
    pub version: Version,
    pub transfer: TransferId,
    pub amount: Money,
    pub balance_after: Money,
}

/// Why a rule said no, in the order in which the rules are asked: the first that applies is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    InvalidAmount,
    WalletNotFound,
    UnknownMethod,
    SameWallet,
    WalletFrozen,
    WalletClosed,
    CurrencyMismatch,
    InsufficientFunds { available: Money },
    BalanceOutOfRange,
}

impl Refusal {
    /// The stable code that clients read and that is stored as the failure reason.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidAmount => "invalid_amount",
            Self::WalletNotFound => "wallet_not_found",
            Self::UnknownMethod => "unknown_method",
            Self::SameWallet => "same_wallet",
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

    /// True for refusals that leave a FAILED transfer behind: both wallets and the amount are known by then.
    #[must_use]
    pub fn is_recorded(self) -> bool {
        self >= Self::WalletFrozen
    }

    /// What the source had when `insufficient_funds` was the answer.
    #[must_use]
    pub const fn available(self) -> Option<Money> {
        match self {
            Self::InsufficientFunds { available } => Some(available),
            _ => None,
        }
    }
}

/// What became of a command, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is kept: COMPLETED, or FAILED with the refusal.
    Recorded { transfer: Arc<Transfer>, replayed: bool },
    /// It was refused before there was anything to record.
    Refused(Refusal),
    /// Its idempotency key belongs to another request.
    KeyReused,
}
