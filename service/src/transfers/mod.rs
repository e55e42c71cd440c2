//! Submits movements of money to the ledger, which decides and writes them, and reads them back.

mod canonical_json;
mod command;
mod digest;
mod error;
mod repo;
mod request;

pub use crate::ledger::{Failure, Refusal, Transfer};
pub use error::TransferError;
pub use request::{IdempotencyKey, Metadata, NewPayment, NewTransfer, TransferOutcome};

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

/// Which transfers a list shows. Customers see only those of their own wallets.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransferFilter {
    /// Only transfers of this wallet; `None` for every wallet that the actor may see.
    pub wallet: Option<WalletId>,
    /// Only this status; `None` for all.
    pub status: Option<TransferStatus>,
    /// Only this kind; `None` for all.
    pub kind: Option<TransferKind>,
    /// Created at this time or later.
    pub from: Option<Timestamp>,
    /// Created before this time.
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
    ) -> Result<TransferOutcome, TransferError> {
        transfer_outcome(
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
    ) -> Result<TransferOutcome, TransferError> {
        self.pay(actor, key, Direction::In, payment).await
    }

    /// Pays money out of the bank, from a wallet that is the actor's own, or any when the actor is an operator.
    pub async fn withdraw(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        payment: NewPayment,
    ) -> Result<TransferOutcome, TransferError> {
        self.pay(actor, key, Direction::Out, payment).await
    }

    /// A transfer that the actor may see: as the owner of either side, or as an operator. Of a refused one, only the
    /// source's owner and operators see it.
    pub async fn get(&self, actor: Actor, id: TransferId) -> Result<Transfer, TransferError> {
        let found = if actor.is_operator() {
            repo::find(&self.db.read, id).await?
        } else {
            // The wallets are read first, so that another customer's transfer takes as long as one that does not exist.
            let own = repo::wallets_of(&self.db.read, actor.user).await?;
            repo::find_of(&self.db.read, &own, id).await?
        };
        found.ok_or(TransferError::NotFound)
    }

    /// Transfers, newest first: all for operators, those of their own wallets for customers. A refused one is listed
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

    /// Commits a deposit or withdrawal. The bank's side is the system wallet of the method, which an operator's first
    /// use opens.
    ///
    /// The ledger looks the idempotency key up and checks amount and wallet before it refuses a method that is not
    /// open. Only after that refusal is the method opened and the payment submitted again, so that a replay, or a
    /// payment that the first submission refuses for another reason, opens no method. The second submission may still
    /// be refused, for example when the wallet was frozen in between; the method stays open then. A remembered system
    /// wallet may be missing in the database after it went back to an earlier state; it is looked up again at that
    /// point.
    async fn pay(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        direction: Direction,
        new: NewPayment,
    ) -> Result<TransferOutcome, TransferError> {
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
            return transfer_outcome(ask(Some(other)).await?);
        }
        transfer_outcome(outcome)
    }

    /// The currency of a payment's wallet. `None` when the amount is missing or not above zero, and when the wallet is
    /// hidden from the actor or is a system wallet: the ledger refuses these in the order of its rules.
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

    /// The method's wallet, if it is not the one that the ledger did not find. It is opened for operators.
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

fn transfer_outcome(outcome: Outcome) -> Result<TransferOutcome, TransferError> {
    match outcome {
        Outcome::Recorded { transfer, replayed } => match transfer.failure {
            None => Ok(TransferOutcome { transfer, replayed }),
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
