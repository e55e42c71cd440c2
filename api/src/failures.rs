//! Every error of the services as a problem document. The one place that chooses a status; no `_` arm, so that a new
//! error is a compile error here.

mod api_keys;
mod events;
mod identity;
mod receipts;
mod webhooks;

use std::io::ErrorKind;

use service::aggregates::{AggregatesError, RangeError};
use service::db::{Fault, FaultKind};
use service::imports::ImportError;
use service::ledger::{Failure, LimitKind, Refusal, SubmitError};
use service::merchants::MerchantError;
use service::ops::NotReady;
use service::transfers::TransferError;
use service::values::Money;
use service::wallets::{TimeRefusal, WalletError};

use crate::problem::{Code, Problem};

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Unreachable => Self::new(Code::Unavailable, "the database is out of reach; nothing happened")
                .retry_after(1)
                .caused_by(fault),
            FaultKind::OutcomeUnknown => Self::new(
                Code::OutcomeUnknown,
                "the database went away around a commit, which may have happened: look before you ask again",
            )
            .retry_after(1)
            .caused_by(fault),
            FaultKind::Conflict | FaultKind::Stale | FaultKind::WalletChanged | FaultKind::Locked => {
                Self::new(Code::Contended, "other writers were in the way; nothing happened").retry_after(1)
            }
            FaultKind::Skew => Self::new(
                Code::ClockSkew,
                "this server's clock and the database's contradict each other; nothing happened",
            )
            .retry_after(1)
            .caused_by(fault),
            FaultKind::Unique(_) | FaultKind::ForeignKey | FaultKind::Constraint | FaultKind::Broken => {
                Self::internal(fault)
            }
        }
    }
}

impl From<NotReady> for Problem {
    fn from(reason: NotReady) -> Self {
        match reason {
            NotReady::Fault(fault) => fault.into(),
            NotReady::ClockSkew { .. } => Self::new(Code::ClockSkew, reason.to_string()).retry_after(1),
            NotReady::NoCommitter | NotReady::Late | NotReady::Stuck | NotReady::Unsafe(_) => {
                Self::new(Code::Unavailable, reason.to_string()).retry_after(1)
            }
        }
    }
}

impl From<WalletError> for Problem {
    fn from(error: WalletError) -> Self {
        match error {
            WalletError::NotFound => refused(Refusal::WalletNotFound),
            WalletError::Exists => Self::new(Code::WalletExists, "there is a wallet in this currency"),
            WalletError::NoOwner => Self::new(
                Code::Unauthenticated,
                "the user of this access token is not known any more; register again",
            ),
            WalletError::NotEmpty => Self::new(
                Code::WalletNotEmpty,
                "only a wallet with balance and held 0.0000 can be closed",
            ),
            WalletError::Closed => Self::new(Code::WalletClosed, "the wallet is closed for good"),
            WalletError::System => Self::new(
                Code::SystemWallet,
                "this is the bank's own wallet of a payment method; its status and limits cannot be changed",
            ),
            WalletError::Unexpected => Self::new(
                Code::PreconditionFailed,
                "the wallet is not what If-Match names; nothing changed: look at it again",
            ),
            WalletError::Time(refusal) => refusal.into(),
            WalletError::Submit(error) => error.into(),
            WalletError::Fault(fault) => fault.into(),
        }
    }
}

impl From<TimeRefusal> for Problem {
    fn from(refusal: TimeRefusal) -> Self {
        let (field, message) = match refusal {
            TimeRefusal::AtInFuture => ("at", "must not be in the future"),
            TimeRefusal::AtBeforeOpening => ("at", "must not be before the wallet's opening"),
            TimeRefusal::Reversed => ("from", "must not be after `to`"),
            TimeRefusal::FromInFuture => ("from", "must not be in the future"),
            TimeRefusal::ToBeforeOpening => ("to", "must not be before the wallet's opening"),
        };
        Self::unprocessable_field(field, message)
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Overloaded => {
                Self::new(Code::Overloaded, "too many commands are waiting; nothing happened").retry_after(1)
            }
            SubmitError::Stopped => {
                Self::new(Code::Unavailable, "the bank takes no more commands; nothing happened").retry_after(1)
            }
            SubmitError::OutcomeUnknown => Self::new(
                Code::OutcomeUnknown,
                "the database went away around a commit, which may have happened: ask again with the same \
                 Idempotency-Key, or look at the wallet",
            )
            .retry_after(1),
            SubmitError::Contended => Self::new(
                Code::Contended,
                "other writers kept changing these wallets; nothing happened",
            )
            .retry_after(1),
            SubmitError::Fault(fault) => fault.into(),
        }
    }
}

impl From<TransferError> for Problem {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Refused(refusal) => refused(refusal),
            TransferError::Failed {
                failure,
                transfer,
                replayed,
            } => {
                let mut problem = failed(failure);
                if let Some(transfer) = transfer {
                    problem = problem.with("transfer_id", transfer.to_string());
                }
                if replayed { problem.replayed() } else { problem }
            }
            TransferError::BatchRefused {
                index,
                id,
                error,
                replayed,
            } => {
                let mut problem = Self::from(*error).with("index", index);
                if let Some(id) = id {
                    problem = problem.with("batch_id", id.to_string());
                }
                if replayed { problem.replayed() } else { problem }
            }
            TransferError::TooManyLookups { retry_after_s } => Self::new(
                Code::RateLimited,
                "too many e-mail addresses without a wallet in the source's currency; wait before you name another one",
            )
            .retry_after(retry_after_s),
            TransferError::KeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "this Idempotency-Key was used for another request",
            ),
            TransferError::NotFound => Self::new(Code::TransferNotFound, "there is no such transfer"),
            TransferError::Wallet(error) => error.into(),
            TransferError::Submit(error) => error.into(),
            TransferError::Fault(fault) => fault.into(),
        }
    }
}

impl From<MerchantError> for Problem {
    fn from(error: MerchantError) -> Self {
        match error {
            MerchantError::NotFound => Self::new(Code::MerchantNotFound, "no activity of this merchant is known"),
            MerchantError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ImportError> for Problem {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::NotFound => Self::new(Code::NotFound, "there is no such import"),
            ImportError::Overloaded => Self::new(Code::Overloaded, "too many uploads are waiting; nothing was kept")
                .retry_after(UPLOAD_RETRY_S),
            ImportError::TooLarge { max_bytes } => {
                Self::new(Code::BodyTooLarge, format!("a file may hold at most {max_bytes} bytes"))
                    .with("max_bytes", max_bytes)
            }
            ImportError::StorageFull => Self::new(Code::StorageFull, NO_ROOM).caused_by(error),
            ImportError::Unwritable(cause)
                if matches!(cause.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) =>
            {
                Self::new(Code::StorageFull, NO_ROOM).caused_by(cause)
            }
            // A malformed body is such a problem already.
            ImportError::BrokenOff(cause) => cause
                .downcast::<Self>()
                .unwrap_or_else(|_| Self::invalid_field("file", "the upload broke off; nothing was kept")),
            ImportError::Unwritable(cause) | ImportError::Unreadable(cause) | ImportError::RejectsUnwritable(cause) => {
                Self::internal(cause)
            }
            ImportError::Changed => Self::internal(error),
            ImportError::Fault(fault) => fault.into(),
        }
    }
}

const NO_ROOM: &str = "the disk has no room for this file; nothing was kept";

/// Longer than after a transfer, since an upload takes longer.
const UPLOAD_RETRY_S: u32 = 10;

impl From<RangeError> for Problem {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::EndsBeforeItBegins => Self::invalid_field("from_date", "must not be after to_date"),
            RangeError::TooLong => Self::unprocessable_field("to_date", "must be at most 10 years after from_date"),
        }
    }
}

impl From<AggregatesError> for Problem {
    fn from(error: AggregatesError) -> Self {
        let detail = match error {
            AggregatesError::Range(error) => return error.into(),
            AggregatesError::Fault(fault) => return fault.into(),
            AggregatesError::Damaged(_) => return Self::internal(error),
            AggregatesError::Rebuilding => "the totals of recent days are being rebuilt",
            AggregatesError::RedisNotConfigured => {
                "the totals of recent days are in Redis, and this server was started without it"
            }
            AggregatesError::NotApplied | AggregatesError::Journal(_) | AggregatesError::Redis(_) => {
                "the totals of recent days are out of reach"
            }
        };
        Self::new(Code::Unavailable, detail).retry_after(1).caused_by(error)
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::InvalidAmount => Problem::new(
            Code::InvalidAmount,
            "an amount is above zero, with at most 14 digits before the point and 4 after it",
        ),
        Refusal::WalletNotFound => Problem::new(Code::WalletNotFound, "there is no such wallet"),
        Refusal::PayeeNotFound => Problem::new(
            Code::PayeeNotFound,
            "no user with this e-mail address has a wallet in the source's currency",
        ),
        Refusal::TransferNotFound => Problem::new(Code::TransferNotFound, "there is no such transfer"),
        Refusal::Forbidden => Problem::new(
            Code::Forbidden,
            "only the owner of the destination, or an operator, may capture or void a hold",
        ),
        Refusal::NotAHold => Problem::new(Code::NotAHold, "the transfer is not a hold"),
        Refusal::NotReversible => Problem::new(
            Code::NotReversible,
            "only a TRANSFER, DEPOSIT, WITHDRAWAL or CAPTURE that is COMPLETED can be reversed",
        ),
        Refusal::HoldClosed { has_expired: true } => {
            Problem::new(Code::HoldClosed, "the time of the hold has run out").with("reason", "expired")
        }
        Refusal::HoldClosed { has_expired: false } => Problem::new(
            Code::HoldClosed,
            "nothing remains of the hold: it was captured or voided",
        ),
        Refusal::AmountExceedsHold { remaining } => {
            Problem::new(Code::AmountExceedsHold, format!("{remaining} remains of the hold"))
                .with("remaining", remaining.to_string())
        }
        Refusal::AmountExceedsOriginal { remaining } => Problem::new(
            Code::AmountExceedsOriginal,
            format!("{remaining} of the transfer is left to reverse"),
        )
        .with("remaining", remaining.to_string()),
        Refusal::UnknownMethod => Problem::new(
            Code::UnknownMethod,
            "this payment method is not open in the wallet's currency; an operator's first payment by it opens it",
        ),
        Refusal::SameWallet => Problem::new(Code::SameWallet, "source and destination are the same wallet"),
    }
}

fn failed(failure: Failure) -> Problem {
    match failure {
        Failure::WalletFrozen => Problem::new(Code::WalletFrozen, "the source or the destination is frozen"),
        Failure::WalletClosed => Problem::new(Code::WalletClosed, "the source or the destination is closed"),
        Failure::CurrencyMismatch => Problem::new(
            Code::CurrencyMismatch,
            "source and destination are in different currencies",
        ),
        Failure::LimitExceeded { limit, remaining } => limit_exceeded(limit, remaining),
        Failure::InsufficientFunds { available } => {
            Problem::new(Code::InsufficientFunds, format!("the source has {available} available"))
                .with("available", available.to_string())
        }
        Failure::BalanceOutOfRange => Problem::new(
            Code::BalanceOutOfRange,
            "a wallet would leave the range of ±99999999999999.9999",
        ),
    }
}

fn limit_exceeded(limit: LimitKind, remaining: Money) -> Problem {
    let name = limit.as_str();
    let problem = |left: &str| {
        let detail = format!("the limit {name} of the source would be passed: {left} is left of it");
        Problem::new(Code::LimitExceeded, detail).with("limit", name)
    };
    match limit {
        LimitKind::PerTransfer | LimitKind::PerDayAmount => {
            let remaining = remaining.to_string();
            problem(&remaining).with("remaining", remaining)
        }
        LimitKind::PerDayCount => problem("0").with("remaining", 0),
    }
}
