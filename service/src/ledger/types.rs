//! The words of the ledger: what it is asked for, what it keeps, and what it answers.

use std::iter;
use std::sync::Arc;

use crate::actor::Actor;
use crate::values::{
    Currency, Digest, Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, UserId, Version, WalletId,
    WalletStatus,
};

/// What a caller asks the ledger to do.
#[derive(Clone, Debug)]
pub struct Command {
    pub actor: Actor,
    pub idempotency: Option<Idempotency>,
    pub action: Action,
}

/// What the ledger can be asked to do.
#[derive(Clone, Debug)]
pub enum Action {
    Move(Movement),
    Pay(Payment),
}

/// Money from one customer's wallet to another's. The source must be the actor's own.
#[derive(Clone, Debug)]
pub struct Movement {
    pub source: WalletId,
    pub destination: WalletId,
    /// `None` when the caller's text was not an amount: the book refuses it in the order of its rules.
    pub amount: Option<Money>,
    pub description: Option<String>,
    pub metadata: Option<String>,
}

/// Money that enters or leaves the bank by a payment method. Operators pay out of any wallet, customers out of their own.
#[derive(Clone, Debug)]
pub struct Payment {
    pub direction: Direction,
    /// The customer's.
    pub wallet: WalletId,
    pub method: Method,
    /// The system wallet of the method in the wallet's currency; `None` when the method is not open in it.
    pub system: Option<WalletId>,
    /// As in a movement.
    pub amount: Option<Money>,
}

impl Payment {
    /// The kind of transfer that it makes.
    #[must_use]
    pub fn kind(&self) -> TransferKind {
        match self.direction {
            Direction::In => TransferKind::Deposit,
            Direction::Out => TransferKind::Withdrawal,
        }
    }
}

/// Which way a payment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A deposit.
    In,
    /// A withdrawal.
    Out,
}

impl Action {
    /// The kind of transfer that it makes.
    #[must_use]
    pub fn kind(&self) -> TransferKind {
        match self {
            Self::Move(_) => TransferKind::Transfer,
            Self::Pay(payment) => payment.kind(),
        }
    }

    /// What it moves; `None` when the caller's text was not an amount.
    #[must_use]
    pub fn amount(&self) -> Option<Money> {
        match self {
            Self::Move(movement) => movement.amount,
            Self::Pay(payment) => payment.amount,
        }
    }

    /// The wallets that it names; of a payment whose method is not open, the customer's alone.
    pub fn wallets(&self) -> impl Iterator<Item = WalletId> + use<> {
        let (one, other) = match self {
            Self::Move(movement) => (movement.source, Some(movement.destination)),
            Self::Pay(payment) => (payment.wallet, payment.system),
        };
        iter::once(one).chain(other)
    }
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

/// A transfer as it is kept, completed or failed.
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
    pub failure: Option<Failure>,
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
}
