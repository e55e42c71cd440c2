//! What the ledger is asked for.

use super::tag::Expected;
use crate::actor::Actor;
use crate::values::{Currency, Digest, Method, Money, TransferKind, UserId, WalletId, WalletStatus};

/// What a caller asks the ledger to do.
#[derive(Clone, Debug)]
pub struct Command {
    pub actor: Actor,
    pub idempotency: Option<Idempotency>,
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

    /// The same with the digests of a caller's key, if there is one.
    #[must_use]
    pub fn keyed(self, idempotency: Option<Idempotency>) -> Self {
        Self { idempotency, ..self }
    }
}

/// What the ledger can be asked to do.
#[derive(Clone, Debug)]
pub enum Action {
    Move(Movement),
    Pay(Payment),
    Open(Opening),
    SetStatus(StatusRequest),
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

/// A wallet to open. A customer has one in each currency, and a payment method has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub owner: Owner,
    pub currency: Currency,
}

/// Whose a wallet is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    Customer(UserId),
    /// The bank's own side of a payment method: a system wallet.
    Method(Method),
}

/// A status that a wallet shall have.
#[derive(Clone, Debug)]
pub struct StatusRequest {
    pub wallet: WalletId,
    pub status: WalletStatus,
    /// What the wallet must be for it.
    pub expected: Expected,
}

impl Action {
    /// The wallets that it names; of a payment whose method is not open, the customer's alone, and of an opening none.
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

    /// True for what changes wallets and moves no money.
    #[must_use]
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Open(_) | Self::SetStatus(_))
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
