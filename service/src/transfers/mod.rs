//! Asking for movements of money and looking at them. The deciding and writing is the ledger's.

mod digest;
mod error;
mod repo;
mod request;

pub use crate::ledger::{Refusal, Transfer};
pub use error::TransferError;
pub use request::{Deposit, IdempotencyKey, Metadata, NewTransfer, Receipt, Withdrawal};

use crate::actor::Actor;
use crate::db::Db;
use crate::ledger::{Authority, Command, Idempotency, Outcome, Queue};
use crate::page::{Page, PageRequest};
use crate::values::{Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};
use crate::wallets::Wallets;

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
        let request = digest::of_payment(TransferKind::Deposit, deposit.wallet, deposit.amount, &deposit.method);
        let source = self
            .system_side(actor, deposit.wallet, deposit.amount, &deposit.method)
            .await?;
        self.commit(Command {
            kind: TransferKind::Deposit,
            source,
            destination: deposit.wallet,
            amount: deposit.amount,
            authority: Authority::Bank,
            method: Some(deposit.method),
            description: None,
            metadata: None,
            idempotency: key.map(|key| Idempotency {
                key: key.digest(actor.user),
                request,
            }),
        })
        .await
    }

    /// Pays money out of the bank, from a wallet that is the actor's own, or any when the actor is an operator.
    pub async fn withdraw(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
        withdrawal: Withdrawal,
    ) -> Result<Receipt, TransferError> {
        let Withdrawal { wallet, amount, method } = withdrawal;
        let request = digest::of_payment(TransferKind::Withdrawal, wallet, amount, &method);
        let destination = self.system_side(actor, wallet, amount, &method).await?;
        self.commit(Command {
            kind: TransferKind::Withdrawal,
            source: wallet,
            destination,
            amount,
            authority: if actor.is_operator() {
                Authority::Bank
            } else {
                Authority::Owner(actor.user)
            },
            method: Some(method),
            description: None,
            metadata: None,
            idempotency: key.map(|key| Idempotency {
                key: key.digest(actor.user),
                request,
            }),
        })
        .await
    }

    /// A transfer that the actor may see: either side's owner, or an operator.
    pub async fn get(&self, actor: Actor, id: TransferId) -> Result<Transfer, TransferError> {
        let transfer = repo::find(&self.db.read, id).await?.ok_or(TransferError::NotFound)?;
        let sides = [transfer.source, transfer.destination];
        if actor.is_operator() || repo::owns_any(&self.db.read, actor.user, sides).await? {
            Ok(transfer)
        } else {
            Err(TransferError::NotFound)
        }
    }

    /// Transfers, newest first: every one for operators, those of their own wallets for customers.
    pub async fn list(
        &self,
        actor: Actor,
        filter: TransferFilter,
        request: PageRequest<TransferId>,
    ) -> Result<Page<Transfer, TransferId>, TransferError> {
        if let Some(wallet) = filter.wallet {
            self.wallets.get(actor, wallet).await?;
        }
        let wallets = match filter.wallet {
            Some(wallet) => Some(vec![wallet]),
            None if actor.is_operator() => None,
            None => Some(repo::wallets_of(&self.db.read, actor.user).await?),
        };
        let found = match wallets {
            Some(wallets) => repo::list_of_wallets(&self.db.read, &wallets, &filter, &request).await?,
            None => repo::list_all(&self.db.read, &filter, &request).await?,
        };
        Ok(Page::of(found, &request, |transfer| transfer.id))
    }

    /// The bank's side of a deposit or withdrawal.
    ///
    /// For an amount that is none or a wallet that the actor cannot see no system wallet is opened: the nil id stands for
    /// it, and the ledger gives the refusal in its place in the order, after it has looked the idempotency key up.
    async fn system_side(
        &self,
        actor: Actor,
        wallet: WalletId,
        amount: Option<Money>,
        method: &Method,
    ) -> Result<WalletId, TransferError> {
        if amount.is_none_or(|amount| amount <= Money::ZERO) {
            return Ok(WalletId(uuid::Uuid::nil()));
        }
        match self.wallets.get(actor, wallet).await {
            Ok(wallet) if wallet.user_id.is_some() => Ok(self.wallets.system(method, wallet.currency).await?),
            Ok(_) | Err(crate::wallets::WalletError::NotFound) => Ok(WalletId(uuid::Uuid::nil())),
            Err(error) => Err(error.into()),
        }
    }

    async fn commit(&self, command: Command) -> Result<Receipt, TransferError> {
        match self.queue.submit(command).await? {
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
}
