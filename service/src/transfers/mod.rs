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
        let request = digest::of_payment(TransferKind::Deposit, deposit.wallet, deposit.amount, &deposit.method);
        let source = self
            .method_side(actor, deposit.wallet, deposit.amount, &deposit.method)
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
        let destination = self.method_side(actor, wallet, amount, &method).await?;
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

    /// A transfer that the actor may see: either side's owner, or an operator. A refused one only concerns its source, so
    /// it is not there for the destination's owner.
    pub async fn get(&self, actor: Actor, id: TransferId) -> Result<Transfer, TransferError> {
        let found = if actor.is_operator() {
            repo::find(&self.db.read, id).await?
        } else {
            repo::find_of(&self.db.read, actor.user, id).await?
        };
        found.ok_or(TransferError::NotFound)
    }

    /// Transfers, newest first: every one for operators, those of their own wallets for customers, but for refused ones of
    /// which they only have the destination.
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
        let refused = if actor.is_operator() {
            repo::Refused::OfEitherSide
        } else {
            repo::Refused::OfSource
        };
        let found = match wallets {
            Some(wallets) => repo::list_of_wallets(&self.db.read, &wallets, refused, &filter, &request).await?,
            None => repo::list_all(&self.db.read, &filter, &request).await?,
        };
        Ok(Page::of(found, &request, |transfer| transfer.id))
    }

    /// The bank's side of a deposit or withdrawal: the wallet of its method, which an operator's first use opens.
    ///
    /// [`NO_WALLET`] where there is none to be had, and nothing is opened: for an amount that is none, for a wallet that the
    /// actor cannot see, and for a method that is not open to a customer. The ledger gives the refusal in its place in the
    /// order, after it has looked the idempotency key up.
    async fn method_side(
        &self,
        actor: Actor,
        wallet: WalletId,
        amount: Option<Money>,
        method: &Method,
    ) -> Result<WalletId, TransferError> {
        if amount.is_none_or(|amount| amount <= Money::ZERO) {
            return Ok(NO_WALLET);
        }
        let currency = match self.wallets.get(actor, wallet).await {
            Ok(wallet) if wallet.user_id.is_some() => wallet.currency,
            Ok(_) | Err(WalletError::NotFound) => return Ok(NO_WALLET),
            Err(error) => return Err(error.into()),
        };
        if actor.is_operator() {
            return Ok(self.wallets.open_method(method, currency).await?);
        }
        let open = self.wallets.find_method(method, currency).await?;
        Ok(open.unwrap_or(NO_WALLET))
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
