//! Asking for movements of money and looking at them. The deciding and writing is the ledger's.

mod digest;
mod error;
mod payment;
mod repo;
mod request;

pub use crate::ledger::{Refusal, Transfer};
pub use error::TransferError;
pub use request::{Deposit, IdempotencyKey, Metadata, NewTransfer, Receipt, Withdrawal};

use self::payment::Payment;
use crate::actor::Actor;
use crate::db::Db;
use crate::ledger::{Authority, Command, Idempotency, Outcome, Queue};
use crate::page::{Page, PageRequest};
use crate::values::{Currency, Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};
use crate::wallets::{WalletError, Wallets};

/// Names no wallet: ids carry their time, and this one's would be 1970.
const NO_WALLET: WalletId = WalletId(uuid::Uuid::nil());

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
        let request = digest::of_transfer(&new);
        self.commit(Command {
            kind: TransferKind::Transfer,
            source: new.source,
            destination: new.destination,
            amount: new.amount,
            authority: Authority::Owner(actor.user),
            method: None,
            description: new.description,
            metadata: new.metadata.map(Metadata::into_inner),
            idempotency: key.map(|key| Idempotency {
                key: key.digest(actor.user),
                request,
            }),
        })
        .await
    }

    /// Brings money into the bank. For operators.
    pub async fn deposit(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        deposit: Deposit,
    ) -> Result<Receipt, TransferError> {
        let payment = Payment {
            kind: TransferKind::Deposit,
            wallet: deposit.wallet,
            amount: deposit.amount,
            method: deposit.method,
            authority: Authority::Bank,
            key: key.map(|key| key.digest(actor.user)),
        };
        self.pay(actor, payment).await
    }

    /// Pays money out of the bank, from a wallet that is the actor's own, or any when the actor is an operator.
    pub async fn withdraw(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        withdrawal: Withdrawal,
    ) -> Result<Receipt, TransferError> {
        let payment = Payment {
            kind: TransferKind::Withdrawal,
            wallet: withdrawal.wallet,
            amount: withdrawal.amount,
            method: withdrawal.method,
            authority: if actor.is_operator() {
                Authority::Bank
            } else {
                Authority::Owner(actor.user)
            },
            key: key.map(|key| key.digest(actor.user)),
        };
        self.pay(actor, payment).await
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
    async fn pay(&self, actor: Actor, payment: Payment) -> Result<Receipt, TransferError> {
        let currency = self.currency_of(actor, &payment).await?;
        let side = match currency {
            Some(currency) => self.wallets.find_method(&payment.method, currency).await?,
            None => None,
        };
        let outcome = self.queue.submit(payment.command(side.unwrap_or(NO_WALLET))).await?;
        if matches!(outcome, Outcome::Refused(Refusal::UnknownMethod))
            && let Some(currency) = currency
            && let Some(other) = self.other_side(actor, &payment.method, currency, side).await?
        {
            return self.commit(payment.command(other)).await;
        }
        receipt(outcome)
    }

    /// The currency of a payment's wallet. `None` where the amount is missing or not above zero, and where the wallet
    /// is hidden from the actor or the bank's own: the ledger refuses these in their place in the order.
    async fn currency_of(&self, actor: Actor, payment: &Payment) -> Result<Option<Currency>, TransferError> {
        if payment.amount.is_none_or(|amount| amount <= Money::ZERO) {
            return Ok(None);
        }
        match self.wallets.get(actor, payment.wallet).await {
            Ok(wallet) => Ok(wallet.user_id.map(|_| wallet.currency)),
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
            Some(self.wallets.open_method(method, currency).await?)
        } else if missing.is_some() {
            self.wallets.find_method(method, currency).await?
        } else {
            None
        };
        Ok(found.filter(|found| Some(*found) != missing))
    }

    async fn commit(&self, command: Command) -> Result<Receipt, TransferError> {
        receipt(self.queue.submit(command).await?)
    }
}

fn receipt(outcome: Outcome) -> Result<Receipt, TransferError> {
    match outcome {
        Outcome::Recorded { transfer, replayed } => match transfer.refusal {
            None => Ok(Receipt { transfer, replayed }),
            Some(refusal) => Err(TransferError::Refused {
                refusal,
                transfer: Some(transfer.id),
                replayed,
            }),
        },
        Outcome::Refused(refusal) => Err(TransferError::Refused {
            refusal,
            transfer: None,
            replayed: false,
        }),
        Outcome::KeyReused => Err(TransferError::KeyReused),
    }
}
