//! What the ledger is asked for.

use super::tag::Expected;
use crate::actor::Actor;
use crate::values::{Currency, Digest, Method, Money, TransferKind, UserId, WalletId, WalletStatus};

/// What a caller asks the ledger to do.
#[derive(Clone, Debug)]
pub struct Command {
    /// The user who asks.
    pub actor: Actor,
    /// `None` if the caller sent no Idempotency-Key.
    pub idempotency: Option<Idempotency>,
    /// What is to be done.
    pub action: Action,
}

impl Command {
    /// A command without a key.
    #[must_use]
    pub fn new(actor: Actor, action: Action) -> Self {
        Self {
            actor,
            idempotency: None,
            action,
        }
    }

    /// The same command with the digests of the caller's key, if there is one.
    #[must_use]
    pub fn keyed(self, idempotency: Option<Idempotency>) -> Self {
        Self { idempotency, ..self }
    }
}

/// What the ledger can be asked to do.
#[derive(Clone, Debug)]
pub enum Action {
    /// A transfer between two customers' wallets.
    Move(Movement),
    /// A deposit or a withdrawal.
    Pay(Payment),
    /// Opens a wallet.
    Open(Opening),
    /// Freezes, unfreezes or closes a wallet.
    SetStatus(StatusRequest),
}

/// A transfer between two customers' wallets. The source must be the actor's own.
#[derive(Clone, Debug)]
pub struct Movement {
    /// The wallet that pays.
    pub source: WalletId,
    /// The wallet that receives.
    pub destination: WalletId,
    /// `None` when the caller's text was not an amount: the book refuses it in the order of its rules.
    pub amount: Option<Money>,
    /// The caller's text; not stored if the transfer fails.
    pub description: Option<String>,
    /// The caller's JSON object, as it was sent; not stored if the transfer fails.
    pub metadata: Option<String>,
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
    /// The states in which the wallet may be changed.
    pub expected: Expected,
}

impl Action {
    /// The wallets that it names: none for an opening, only the customer's for a payment whose method is not open.
    pub fn wallets(&self) -> impl Iterator<Item = WalletId> + use<> {
        let (one, other) = match self {
            Self::Move(movement) => (Some(movement.source), Some(movement.destination)),
            Self::Pay(payment) => (Some(payment.wallet), payment.system),
            Self::Open(_) => (None, None),
            Self::SetStatus(request) => (Some(request.wallet), None),
        };
        one.into_iter().chain(other)
    }

    /// The wallet to open, if it opens one.
    #[must_use]
    pub fn opening(&self) -> Option<&Opening> {
        match self {
            Self::Open(opening) => Some(opening),
            Self::Move(_) | Self::Pay(_) | Self::SetStatus(_) => None,
        }
    }

    /// True for an action that changes a wallet and moves no money.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Open(_) | Self::SetStatus(_))
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
