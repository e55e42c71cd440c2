//! Submits transfers of every kind, and callers' batches, to the ledger, which decides and writes them; reads them back
//! and lists them.

mod batch;
mod canonical_json;
mod command;
mod digest;
mod error;
mod expiry;
mod misses;
mod payees;
mod person;
mod repo;
mod request;
mod shown;

pub use crate::ledger::{AskedAmount, Failure, Hold, HoldTerms, LimitKind, Refusal, Transfer};
pub use batch::BatchAnswer;
pub use error::TransferError;
pub use request::{
    Asking, BATCH_MAX, IdempotencyKey, Metadata, NewBatch, NewCapture, NewDestination, NewPayment, NewReversal,
    NewTransfer,
};
pub use shown::ShownTransfer;

pub(crate) use shown::Viewer;

use std::slice;
use std::sync::Arc;

use self::payees::{PayeeLookup, Payees};
use self::shown::Showing;
use crate::actor::{Actor, Permission};
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::ledger::{Command, Direction, Outcome, Queue};
use crate::page::{Page, PageRequest};
use crate::values::{BatchId, Currency, Method, Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};
use crate::wallets::{Holder, WalletError, Wallets};
use crate::workers::Workers;

/// Submits and lists transfers.
#[derive(Clone)]
pub struct Transfers {
    db: Db,
    clock: Arc<dyn Clock>,
    queue: Queue,
    wallets: Wallets,
    payees: Payees,
    workers: Workers,
}

/// Which transfers a list shows. Customers see only those of their own wallets.
#[derive(Clone, Copy, Debug, Default)]
pub struct TransferFilter {
    /// Only transfers of this wallet; `None` for every wallet that the actor may see.
    pub wallet: Option<WalletId>,
    /// Only those shown with this status; `None` for all.
    pub status: Option<TransferStatus>,
    /// Only this kind; `None` for all.
    pub kind: Option<TransferKind>,
    /// Only those of this batch; `None` for all.
    pub batch: Option<BatchId>,
    /// Only the captures, releases and reversals of this transfer; `None` for all.
    pub parent: Option<TransferId>,
    /// Created at this time or later.
    pub from: Option<Timestamp>,
    /// Created before this time.
    pub to: Option<Timestamp>,
}

/// The outcome of a request that moved or held money.
#[derive(Clone, Debug)]
pub struct TransferOutcome {
    /// The transfer as it was decided.
    pub transfer: ShownTransfer,
    /// True when this is the stored outcome of an earlier request with the same key.
    pub replayed: bool,
    /// Of a dry run: the id that stands for the wallet of a payment method that is not open yet.
    pub unopened: Option<WalletId>,
}

impl Transfers {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, queue: Queue, wallets: Wallets, workers: Workers) -> Self {
        Self {
            payees: Payees::new(db.clone(), wallets.clone()),
            db,
            clock,
            queue,
            wallets,
            workers,
        }
    }

    /// Moves or holds money between two customers' wallets; the source must be the actor's own.
    pub async fn submit(&self, asking: Asking, new: NewTransfer) -> Result<TransferOutcome, TransferError> {
        let found = self.payees.find(&asking.actor, slice::from_ref(&new)).await?;
        let PayeeLookup { destinations, cost } = found;
        let command = command::of_transfer(&asking, new, destinations[0]);
        transfer_outcome(&asking, cost.submit(&self.queue, command).await?)
    }

    /// Brings money into the bank. For operators.
    pub async fn deposit(&self, asking: Asking, new: NewPayment) -> Result<TransferOutcome, TransferError> {
        self.pay(asking, Direction::In, new).await
    }

    /// Pays money out of the bank, or holds it to be paid out, from a wallet that is the actor's own, or any when the
    /// actor is an operator.
    pub async fn withdraw(&self, asking: Asking, new: NewPayment) -> Result<TransferOutcome, TransferError> {
        self.pay(asking, Direction::Out, new).await
    }

    /// Takes the money of a hold, or a part of it: as the owner of the destination, or as an operator.
    pub async fn capture(&self, asking: Asking, new: NewCapture) -> Result<TransferOutcome, TransferError> {
        self.ask(&asking, command::of_capture(&asking, &new)).await
    }

    /// Gives back what remains of a hold: as the owner of the destination, or as an operator.
    pub async fn void(&self, asking: Asking, hold: TransferId) -> Result<TransferOutcome, TransferError> {
        self.ask(&asking, command::of_void(&asking, hold)).await
    }

    /// Takes back a transfer, or a part of it. For operators.
    pub async fn reverse(&self, asking: Asking, new: NewReversal) -> Result<TransferOutcome, TransferError> {
        self.ask(&asking, command::of_reversal(&asking, &new)).await
    }

    async fn ask(&self, asking: &Asking, command: Command) -> Result<TransferOutcome, TransferError> {
        transfer_outcome(asking, self.queue.submit(command).await?)
    }

    /// A transfer that the actor may see: as the owner of either side, or with `transfers:read_all`. A refused one is for the
    /// source's owner, the user who asked, and those who may read all.
    pub async fn get(&self, actor: &Actor, id: TransferId) -> Result<ShownTransfer, TransferError> {
        let (found, own) = self.find(actor, id).await?.ok_or(TransferError::NotFound)?;
        let viewer = Viewer::of(actor, &own);
        let mut shown = repo::shown(&self.db.read, vec![found], self.clock.now(), viewer).await?;
        shown.pop().ok_or(TransferError::NotFound)
    }

    /// The same transfer as it is stored, without what has become of it; `None` where `get` answers that there is none.
    pub(crate) async fn stored(&self, actor: &Actor, id: TransferId) -> Result<Option<Transfer>, Fault> {
        let found = self.find(actor, id).await?;
        Ok(found.map(|(transfer, _)| transfer))
    }

    /// A transfer that the actor may see, and those of the actor's own wallets that they may use. With
    /// `transfers:read_all` the wallets are not read.
    async fn find(&self, actor: &Actor, id: TransferId) -> Result<Option<(Transfer, Vec<WalletId>)>, Fault> {
        let mut own = Vec::new();
        let found = if actor.may(Permission::TransfersReadAll) {
            repo::find(&self.db.read, id).await?
        } else {
            // The wallets are read first, so that another customer's transfer takes as long as one that does not exist.
            own = repo::wallets_of(&self.db.read, actor.user).await?;
            repo::find_of(&self.db.read, (actor.user, &own), id).await?
        };
        own.retain(|wallet| actor.may_use(*wallet));
        let may_use = |transfer: &Transfer| actor.may_use(transfer.source) || actor.may_use(transfer.destination);
        Ok(found.filter(may_use).map(|transfer| (transfer, own)))
    }

    /// Transfers, newest first: all with `transfers:read_all`, otherwise those of the actor's own wallets. A refused one is
    /// listed under its source only, and for the user who asked.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: TransferFilter,
        request: PageRequest<TransferId>,
    ) -> Result<Page<ShownTransfer, TransferId>, TransferError> {
        if let Some(wallet) = filter.wallet {
            let holder = Holder::of_those_who(Permission::TransfersReadAll, actor);
            self.wallets.find_of(actor, holder, wallet).await?;
        }
        let scope = self.scope(actor, filter.wallet).await?;
        let showing = Showing {
            viewer: Viewer::of(actor, scope.wallets()),
            now: self.clock.now(),
        };
        Ok(repo::list(&self.db.read, &scope, &filter, &request, showing).await?)
    }

    /// Whose transfers an actor's list shows, in all or of one wallet that they may use.
    async fn scope(&self, actor: &Actor, wallet: Option<WalletId>) -> Result<repo::Scope, Fault> {
        let sees_all = actor.may(Permission::TransfersReadAll);
        Ok(match (wallet, &actor.wallets) {
            (Some(wallet), _) if sees_all => repo::Scope::Wallets(vec![wallet]),
            (Some(wallet), _) => repo::Scope::Customer {
                user: actor.user,
                wallets: vec![wallet],
                is_one: true,
            },
            (None, None) if sees_all => repo::Scope::Bank,
            (None, None) => repo::Scope::Customer {
                user: actor.user,
                wallets: repo::wallets_of(&self.db.read, actor.user).await?,
                is_one: false,
            },
            (None, Some(only)) => {
                let mut wallets = only.to_vec();
                if !sees_all {
                    let own = repo::wallets_of(&self.db.read, actor.user).await?;
                    wallets.retain(|wallet| own.contains(wallet));
                }
                repo::Scope::Wallets(wallets)
            }
        })
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
        asking: Asking,
        direction: Direction,
        new: NewPayment,
    ) -> Result<TransferOutcome, TransferError> {
        let actor = asking.actor.clone();
        let currency = self.currency_of(&actor, direction, &new).await?;
        let system = match currency {
            Some(currency) => self.wallets.find_method(&new.method, currency).await?,
            None => None,
        };
        let ask = async |system| {
            let command = command::of_payment(&asking, direction, &new, system);
            self.queue.submit(command).await
        };
        let outcome = ask(system).await?;
        if asking.is_dry_run && system.is_none() {
            let mut answer = transfer_outcome(&asking, outcome)?;
            let sides = [answer.transfer.transfer.source, answer.transfer.transfer.destination];
            answer.unopened = sides.into_iter().find(|side| *side != new.wallet);
            return Ok(answer);
        }
        if matches!(outcome, Outcome::Refused(Refusal::UnknownMethod))
            && !asking.is_dry_run
            && let Some(currency) = currency
            && let Some(other) = self.other_side(&actor, &new.method, currency, system).await?
        {
            return transfer_outcome(&asking, ask(Some(other)).await?);
        }
        transfer_outcome(&asking, outcome)
    }

    /// The currency of a payment's wallet. `None` when the amount is missing or not above zero, and when the wallet is
    /// one that the actor may not pay into or out of, or a system wallet: the ledger refuses these in the order of its
    /// rules. To pay needs no permission to read wallets.
    async fn currency_of(
        &self,
        actor: &Actor,
        direction: Direction,
        payment: &NewPayment,
    ) -> Result<Option<Currency>, TransferError> {
        if payment.amount.is_none_or(|amount| amount <= Money::ZERO) {
            return Ok(None);
        }
        let for_all = match direction {
            Direction::In => Permission::DepositsWrite,
            Direction::Out => Permission::TransfersSettle,
        };
        let holder = Holder::of_those_who(for_all, actor);
        match self.wallets.find_of(actor, holder, payment.wallet).await {
            Ok(wallet) => Ok(wallet.owner.map(|_| wallet.currency)),
            Err(WalletError::NotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The method's wallet, if it is not the one that the ledger did not find. It is opened for operators.
    async fn other_side(
        &self,
        actor: &Actor,
        method: &Method,
        currency: Currency,
        missing: Option<WalletId>,
    ) -> Result<Option<WalletId>, TransferError> {
        if missing.is_some() {
            self.wallets.forget_method(method, currency);
        }
        let found = if actor.may(Permission::DepositsWrite) {
            Some(self.wallets.open_method(actor, method, currency).await?)
        } else if missing.is_some() {
            self.wallets.find_method(method, currency).await?
        } else {
            None
        };
        Ok(found.filter(|found| Some(*found) != missing))
    }
}

fn transfer_outcome(asking: &Asking, outcome: Outcome) -> Result<TransferOutcome, TransferError> {
    match outcome {
        Outcome::Recorded { transfer, replayed } => match transfer.failure {
            None => Ok(TransferOutcome {
                transfer: ShownTransfer::as_decided(transfer),
                replayed,
                unopened: None,
            }),
            Some(failure) => Err(TransferError::Failed {
                failure,
                transfer: (!asking.is_dry_run || replayed).then_some(transfer.id),
                replayed,
            }),
        },
        Outcome::Refused(refusal) => Err(TransferError::Refused(refusal)),
        Outcome::KeyReused => Err(TransferError::KeyReused),
        Outcome::Batch(_) | Outcome::Expired | Outcome::Wallet(_) | Outcome::WalletRefused(_) => {
            unreachable!("what moves money is answered with a transfer")
        }
    }
}
