//! What the ledger answers.

use std::sync::Arc;

use super::limits::LimitKind;
use super::records::{Transfer, Wallet};
use crate::values::{BatchId, Money};

/// Why a movement of money was refused, with nothing recorded. The variants are in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The amount is malformed, or not above zero.
    InvalidAmount,
    /// A wallet is unknown, is a system wallet, or, where the money must come from the actor's own wallet, is
    /// another's.
    WalletNotFound,
    /// No wallet in the source's currency belongs to the e-mail address.
    PayeeNotFound,
    /// The hold or the original is unknown, or the actor may not see it.
    TransferNotFound,
    /// The actor sees the hold, and may not end it: only its destination's owner or an operator may.
    Forbidden,
    /// The payment method is not open in the wallet's currency.
    UnknownMethod,
    /// The transfer to capture or void is not a hold.
    NotAHold,
    /// The transfer to reverse is of a kind that cannot be, or moved no money.
    NotReversible,
    /// Nothing remains of the hold.
    HoldClosed {
        /// True if its time ran out.
        has_expired: bool,
    },
    /// Less remains of the hold.
    AmountExceedsHold {
        /// What remains.
        remaining: Money,
    },
    /// Less of the transfer is left to reverse.
    AmountExceedsOriginal {
        /// What is left.
        remaining: Money,
    },
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
            Self::PayeeNotFound => "payee_not_found",
            Self::TransferNotFound => "transfer_not_found",
            Self::Forbidden => "forbidden",
            Self::UnknownMethod => "unknown_method",
            Self::NotAHold => "not_a_hold",
            Self::NotReversible => "not_reversible",
            Self::HoldClosed { .. } => "hold_closed",
            Self::AmountExceedsHold { .. } => "amount_exceeds_hold",
            Self::AmountExceedsOriginal { .. } => "amount_exceeds_original",
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
    /// A limit of the source would be passed.
    LimitExceeded {
        /// The limit.
        limit: LimitKind,
        /// How much is left of it; zero for a limit on the number of transfers.
        remaining: Money,
    },
    /// The source, a customer's wallet, has less available than the amount.
    InsufficientFunds {
        /// What the source had available: its balance less what was held.
        available: Money,
    },
    /// One of the new balances would be outside the range of `Money`.
    BalanceOutOfRange,
}

impl Failure {
    /// The stable code that clients read.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::WalletFrozen => "wallet_frozen",
            Self::WalletClosed => "wallet_closed",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::LimitExceeded { .. } => "limit_exceeded",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::BalanceOutOfRange => "balance_out_of_range",
        }
    }

    /// The stored failure reason: the code, and the limit if there is one.
    #[must_use]
    pub const fn stored(self) -> &'static str {
        match self {
            Self::LimitExceeded {
                limit: LimitKind::PerTransfer,
                ..
            } => "limit_exceeded/per_transfer",
            Self::LimitExceeded {
                limit: LimitKind::PerDayAmount,
                ..
            } => "limit_exceeded/per_day_amount",
            Self::LimitExceeded {
                limit: LimitKind::PerDayCount,
                ..
            } => "limit_exceeded/per_day_count",
            other => other.code(),
        }
    }

    /// Reads a stored failure reason back; `None` if it is unknown, or comes without an amount that it needs.
    #[must_use]
    pub fn from_stored(reason: &str, available: Option<Money>) -> Option<Self> {
        let limit = |limit| available.map(|remaining| Self::LimitExceeded { limit, remaining });
        match reason {
            "limit_exceeded/per_transfer" => limit(LimitKind::PerTransfer),
            "limit_exceeded/per_day_amount" => limit(LimitKind::PerDayAmount),
            "limit_exceeded/per_day_count" => limit(LimitKind::PerDayCount),
            "wallet_frozen" => Some(Self::WalletFrozen),
            "wallet_closed" => Some(Self::WalletClosed),
            "currency_mismatch" => Some(Self::CurrencyMismatch),
            "insufficient_funds" => available.map(|available| Self::InsufficientFunds { available }),
            "balance_out_of_range" => Some(Self::BalanceOutOfRange),
            _ => None,
        }
    }

    /// What the source had available, or what was left of the limit; `None` for the other failures.
    #[must_use]
    pub const fn available(self) -> Option<Money> {
        match self {
            Self::InsufficientFunds { available } => Some(available),
            Self::LimitExceeded { remaining, .. } => Some(remaining),
            Self::WalletFrozen | Self::WalletClosed | Self::CurrencyMismatch | Self::BalanceOutOfRange => None,
        }
    }
}

/// The final answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The transfer is stored: COMPLETED, PENDING, or FAILED with its reason. A dry run stores none.
    Recorded {
        /// The transfer as it was decided.
        transfer: Arc<Transfer>,
        /// True if an earlier request with the same idempotency key made it.
        replayed: bool,
    },
    /// It was refused, and nothing is recorded.
    Refused(Refusal),
    /// Its idempotency key was used for another request, or for one whose digest was erased.
    KeyReused,
    /// What became of a batch.
    Batch(Box<BatchOutcome>),
    /// The expired holds are released.
    Expired,
    /// The wallet as it is now: opened, changed, or already as requested.
    Wallet(Box<Wallet>),
    /// The wallet was not opened or changed, and nothing is recorded.
    WalletRefused(WalletRefusal),
}

/// What became of a batch of transfers. A repeated batch is answered with `Outcome::Recorded`, whose transfer has the
/// batch's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchOutcome {
    /// Each transfer has its own outcome.
    Done {
        /// The `batch_id` of those that are recorded.
        id: BatchId,
        /// In the order of the request.
        items: Vec<ItemOutcome>,
    },
    /// An atomic batch was refused as a whole.
    Refused {
        /// Which transfer was at fault, from 0.
        index: usize,
        /// Its outcome; recorded as the only one if it is a failure.
        item: ItemOutcome,
    },
}

/// What became of one transfer of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemOutcome {
    /// It is stored: COMPLETED, PENDING, or FAILED with its reason.
    Recorded(Arc<Transfer>),
    /// It was refused, and nothing is recorded.
    Refused(Refusal),
}

impl BatchOutcome {
    /// True if any of its transfers is recorded. Only then its outcome is kept, and its key used up.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        match self {
            Self::Done { items, .. } => items.iter().any(ItemOutcome::is_recorded),
            Self::Refused { item, .. } => item.is_recorded(),
        }
    }
}

impl ItemOutcome {
    /// True if the transfer is stored, made or FAILED.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        match self {
            Self::Recorded(_) => true,
            Self::Refused(_) => false,
        }
    }

    /// True unless the transfer was made.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Recorded(transfer) => transfer.failure.is_some(),
            Self::Refused(_) => true,
        }
    }
}

/// Why a wallet is not opened, or its status or limits not changed.
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
