//! Asking for movements of money and looking at them. The deciding and writing is the ledger's.

mod command;
mod digest;
mod error;
mod repo;
mod request;

pub use crate::ledger::{Failure, Refusal, Transfer};
pub use error::TransferError;
pub use request::{IdempotencyKey, Metadata, NewPayment, NewTransfer, Receipt};

use crate::actor::Actor;
use crate::db::Db;
use crate::ledger::{Direction, Outcome, Payment, Queue};
use crate::page::{Page, PageRequest};
use crate::values::{Currency, Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};
use crate::wallets::{WalletError, Wallets};

/// Submits and lists transfers.
#[derive(Clone)]
pub struct Transfers {
    db: Db,
    queue: Queue,
    wallets: Wallets,
}

/// Which transfers a list shows. Customers only ever see those of their own wallets.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransferFilter {
    pub wallet: Option<WalletId>,
    pub status: Option<TransferStatus>,
    pub kind: Option<TransferKind>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
}

impl Transfers {
    pub(crate) fn new(db: Db, queue: Queue, wallets: Wallets) -> Self {
        Self { db, queue, wallets }
    }

    /// Moves money between two customers' wallets; the source must be the actor's own.
    pub async fn submit(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        new: NewTransfer,
    ) -> Result<Receipt, TransferError> {
        receipt(
            self.queue
                .submit(command::of_transfer(actor, key.as_ref(), new))
                .await?,
        )
    }

    /// Brings money into the bank. For operators.
    pub async fn deposit(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        payment: NewPayment,
    ) -> Result<Receipt, TransferError> {
        self.pay(actor, key, Direction::In, payment).await
    }

    /// Pays money out of the bank, from a wallet that is the actor's own, or any when the actor is an operator.
    pub async fn withdraw(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        payment: NewPayment,
    ) -> Result<Receipt, TransferError> {
        self.pay(actor, key, Direction::Out, payment).await
    }

    /// A transfer that the actor may see: either side's owner, or an operator. A refused one only concerns its source, so
    /// it is not there for the destination's owner.
    pub async fn get(&self, actor: Actor, id: TransferId) -> Result<Transfer, TransferError> {
        let found = if actor.is_operator() {
            repo::find(&self.db.read, id).await?
        } else {
            // Read first: what is another customer's costs as much as what is not there.
            let own = repo::wallets_of(&self.db.read, actor.user).await?;
            repo::find_of(&self.db.read, &own, id).await?
        };
        found.ok_or(TransferError::NotFound)
    }

    /// Transfers, newest first: every one for operators, those of their own wallets for customers. A refused one is listed
    /// under its source only.
    pub async fn list(
        &self,
        actor: Actor,
        filter: TransferFilter,
        request: PageRequest<TransferId>,
    ) -> Result<Page<Transfer, TransferId>, TransferError> {
        if let Some(wallet) = filter.wallet {
            self.wallets.get(actor, wallet).await?;
        }
        let scope = match filter.wallet {
            Some(wallet) => repo::Scope::Wallets(vec![wallet]),
            None if actor.is_operator() => repo::Scope::Bank,
            None => repo::Scope::Wallets(repo::wallets_of(&self.db.read, actor.user).await?),
        };
        Ok(repo::list(&self.db.read, &scope, &filter, &request).await?)
    }

    /// Commits a deposit or withdrawal, on the bank's side the wallet of its method, which an operator's first use opens.
    ///
    /// The ledger refuses a method that is not open after it has looked the idempotency key up and checked amount and wallet.
    /// Only then is the method opened and the payment submitted again, so that neither a replay nor a payment that this first
    /// submission refuses opens one. The second submission may still be refused, as when the wallet was frozen in between; the
    /// method stays open then. A remembered wallet may have gone with the newest commits of the database; it is looked up anew
    /// at that point.
    async fn pay(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        direction: Direction,
        new: NewPayment,
    ) -> Result<Receipt, TransferError> {
        let currency = self.currency_of(actor, &new).await?;
        let system = match currency {
            Some(currency) => self.wallets.find_method(&new.method, currency).await?,
            None => None,
        };
        let payment = |system| Payment {
            direction,
            wallet: new.wallet,
            method: new.method.clone(),
            system,
            amount: new.amount,
        };
        let ask = async |system| {
            let command = command::of_payment(actor, key.as_ref(), payment(system));
            self.queue.submit(command).await
        };
        let outcome = ask(system).await?;
        if matches!(outcome, Outcome::Refused(Refusal::UnknownMethod))
            && let Some(currency) = currency
            && let Some(other) = self.other_side(actor, &new.method, currency, system).await?
        {
            return receipt(ask(Some(other)).await?);
        }
        receipt(outcome)
    }

    /// The currency of a payment's wallet. `None` where the amount is missing or not above zero, and where the wallet
    /// is hidden from the actor or the bank's own: the ledger refuses these in their place in the order.
    async fn currency_of(&self, actor: Actor, payment: &NewPayment) -> Result<Option<Currency>, TransferError> {
        if payment.amount.is_none_or(|amount| amount <= Money::ZERO) {
            return Ok(None);
        }
        match self.wallets.get(actor, payment.wallet).await {
            Ok(wallet) => Ok(wallet.owner.map(|_| wallet.currency)),
            Err(WalletError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A method's wallet where it is another than the one that the ledger did not find. For operators it is opened.
    async fn other_side(
        &self,
        actor: Actor,
        method: &Method,
        currency: Currency,
        missing: Option<WalletId>,
    ) -> Result<Option<WalletId>, TransferError> {
        if missing.is_some() {
            self.wallets.forget_method(method, currency);
        }
        let found = if actor.is_operator() {
            Some(self.wallets.open_method(actor, method, currency).await?)
        } else if missing.is_some() {
            self.wallets.find_method(method, currency).await?
        } else {
            None
        };
        Ok(found.filter(|found| Some(*found) != missing))
    }
}

fn receipt(outcome: Outcome) -> Result<Receipt, TransferError> {
    match outcome {
        Outcome::Recorded { transfer, replayed } => match transfer.failure {
            None => Ok(Receipt { transfer, replayed }),
            Some(failure) => Err(TransferError::Failed {
                failure,
                transfer: transfer.id,
                replayed,
            }),
        },
        Outcome::Refused(refusal) => Err(TransferError::Refused(refusal)),
        Outcome::KeyReused => Err(TransferError::KeyReused),
        Outcome::Wallet(_) | Outcome::WalletRefused(_) => unreachable!("what moves money is answered with a transfer"),
    }
}
