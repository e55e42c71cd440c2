//! What the ledger is asked for.

use super::holds::{CaptureRequest, HoldTerms, ReversalRequest, VoidRequest};
use super::limits::WalletLimits;
use super::tag::Expected;
use super::texts::Texts;
use crate::actor::Actor;
use crate::values::{Currency, Digest, Method, Money, TransferId, UserId, WalletId, WalletStatus};

/// What a caller asks the ledger to do.
#[derive(Clone, Debug)]
pub struct Command {
    /// The user who asks.
    pub actor: Actor,
    /// `None` if the caller sent no Idempotency-Key.
    pub idempotency: Option<Idempotency>,
    /// What is to be done.
    pub action: Action,
    /// True if the caller only asks what would happen: it is decided like any other, and nothing is written.
    pub is_dry_run: bool,
}

impl Command {
    /// A command without a key.
    #[must_use]
    pub fn new(actor: Actor, action: Action) -> Self {
        Self {
            actor,
            idempotency: None,
            action,
            is_dry_run: false,
        }
    }

    /// The same command with the digests of the caller's key, if there is one.
    #[must_use]
    pub fn keyed(self, idempotency: Option<Idempotency>) -> Self {
        Self { idempotency, ..self }
    }

    /// The same command, which only asks what would happen if `is_dry_run`.
    #[must_use]
    pub fn dry(self, is_dry_run: bool) -> Self {
        Self { is_dry_run, ..self }
    }
}

/// What the ledger can be asked to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// A transfer between two customers' wallets.
    Move(Movement),
    /// A deposit or a withdrawal.
    Pay(Payment),
    /// Takes the money of a hold, or a part of it.
    Capture(CaptureRequest),
    /// Gives back what remains of a hold.
    Void(VoidRequest),
    /// Takes back a transfer, or a part of it.
    Reverse(ReversalRequest),
    /// Transfers that one request asks for together.
    Batch(BatchRequest),
    /// Gives back what remains of these wallets' expired holds.
    Expire(Vec<WalletId>),
    /// Opens a wallet.
    Open(Opening),
    /// Freezes, unfreezes or closes a wallet.
    SetStatus(StatusRequest),
    /// Sets the limits of a wallet.
    SetLimits(LimitsRequest),
}

/// A transfer between two customers' wallets. The source must be the actor's own.
#[derive(Clone, Debug)]
pub struct Movement {
    /// The wallet that pays.
    pub source: WalletId,
    /// The wallet that receives.
    pub destination: Destination,
    /// `None` when the caller's text was not an amount: the book refuses it in the order of its rules.
    pub amount: Option<Money>,
    /// The texts of the caller.
    pub texts: Texts,
    /// Set if the money is only to be held, for the destination to capture.
    pub hold: Option<HoldTerms>,
}

/// The wallet that a movement goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The wallet with this id.
    Wallet(WalletId),
    /// The wallet of the person whom the caller named by an e-mail address; `None` when there is none in the source's
    /// currency.
    Payee(Option<WalletId>),
}

impl Destination {
    /// The wallet's id, unless there is no such payee.
    #[must_use]
    pub fn wallet(self) -> Option<WalletId> {
        match self {
            Self::Wallet(id) => Some(id),
            Self::Payee(id) => id,
        }
    }
}

/// Money that enters or leaves the bank by a payment method. An operator may pay out of any customer's wallet, a
/// customer only out of their own.
#[derive(Clone, Debug)]
pub struct Payment {
    /// Whether the money enters or leaves the bank.
    pub direction: Direction,
    /// The customer's wallet.
    pub wallet: WalletId,
    /// The payment method, such as `visa`.
    pub method: Method,
    /// The system wallet of the method in the wallet's currency; `None` when the method is not open in it.
    pub system: Option<WalletId>,
    /// `None` when the caller's text was not an amount.
    pub amount: Option<Money>,
    /// The texts of the caller.
    pub texts: Texts,
    /// Set if a withdrawal is only to be held, for an operator to capture once it is paid out.
    pub hold: Option<HoldTerms>,
    /// True if the method is to count as open although `system` is `None`: an operator's dry run, which opens nothing.
    pub is_to_open: bool,
}

/// Transfers that one request asks for together, at least one.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// True if all are to be made or none: the first that is refused takes all others back.
    pub is_atomic: bool,
    /// The transfers, decided in this order.
    pub movements: Vec<Movement>,
}

/// Which way a payment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A deposit.
    In,
    /// A withdrawal.
    Out,
}

/// A wallet to open. A customer has at most one in each currency, and so has a payment method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The customer or the payment method that the wallet is for.
    pub owner: Owner,
    /// The currency of the new wallet.
    pub currency: Currency,
}

/// The owner of a wallet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A customer, by user id.
    Customer(UserId),
    /// The bank's own side of a payment method: a system wallet.
    Method(Method),
}

/// A request to set the status of a wallet.
#[derive(Clone, Debug)]
pub struct StatusRequest {
    /// The wallet, which must be a customer's.
    pub wallet: WalletId,
    /// The status to set.
    pub status: WalletStatus,
    /// Why, in the words of the user who asks. Only the audit log keeps it.
    pub reason: Option<String>,
    /// The states in which the wallet may be changed.
    pub expected: Expected,
}

/// A request to set the limits of a wallet.
#[derive(Clone, Debug)]
pub struct LimitsRequest {
    /// The wallet, which must be a customer's.
    pub wallet: WalletId,
    /// The limits, which replace the ones before.
    pub limits: WalletLimits,
    /// The states in which the wallet may be changed.
    pub expected: Expected,
}

impl Action {
    /// The wallets that it names: none for an opening, only the customer's for a payment whose method is not open. A
    /// capture, a void and a reversal name a transfer instead, whose wallets are not among these.
    pub fn wallets(&self) -> impl Iterator<Item = WalletId> {
        let (one, other) = match self {
            Self::Move(movement) => (Some(movement.source), movement.destination.wallet()),
            Self::Pay(payment) => (Some(payment.wallet), payment.system),
            Self::SetStatus(request) => (Some(request.wallet), None),
            Self::SetLimits(request) => (Some(request.wallet), None),
            Self::Open(_) | Self::Capture(_) | Self::Void(_) | Self::Reverse(_) | Self::Batch(_) | Self::Expire(_) => {
                (None, None)
            }
        };
        let movements = match self {
            Self::Batch(batch) => batch.movements.as_slice(),
            _ => &[],
        };
        let expiring = match self {
            Self::Expire(wallets) => wallets.as_slice(),
            _ => &[],
        };
        let sides = |movement: &Movement| [Some(movement.source), movement.destination.wallet()];
        one.into_iter()
            .chain(other)
            .chain(movements.iter().flat_map(sides).flatten())
            .chain(expiring.iter().copied())
    }

    /// The transfer that it captures, voids or reverses.
    #[must_use]
    pub fn original(&self) -> Option<TransferId> {
        match self {
            Self::Capture(request) => Some(request.hold),
            Self::Void(request) => Some(request.hold),
            Self::Reverse(request) => Some(request.original),
            Self::Move(_)
            | Self::Pay(_)
            | Self::Batch(_)
            | Self::Expire(_)
            | Self::Open(_)
            | Self::SetStatus(_)
            | Self::SetLimits(_) => None,
        }
    }

    /// How much room it takes in the queue and in a batch: one row, but as many as a batch has transfers, or an expiry
    /// wallets.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Batch(batch) => batch.movements.len().max(1),
            Self::Expire(wallets) => wallets.len().max(1),
            Self::Move(_)
            | Self::Pay(_)
            | Self::Capture(_)
            | Self::Void(_)
            | Self::Reverse(_)
            | Self::Open(_)
            | Self::SetStatus(_)
            | Self::SetLimits(_) => 1,
        }
    }

    /// The wallet to open, if it opens one.
    #[must_use]
    pub fn opening(&self) -> Option<&Opening> {
        match self {
            Self::Open(opening) => Some(opening),
            Self::Move(_)
            | Self::Pay(_)
            | Self::Capture(_)
            | Self::Void(_)
            | Self::Reverse(_)
            | Self::Batch(_)
            | Self::Expire(_)
            | Self::SetStatus(_)
            | Self::SetLimits(_) => None,
        }
    }

    /// True for an action that changes a wallet and moves no money.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Open(_) | Self::SetStatus(_) | Self::SetLimits(_))
    }
}

/// The digests by which a repeated request is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Of the caller and the Idempotency-Key.
    pub key: Digest,
    /// Of the operation and its parsed values.
    pub request: Digest,
}
