//! Wallets: open, read, freeze, close, limit; balances at a time, and statements. The ledger opens and changes wallets,
//! in one order with the movements of their money.
//!
//! Invariants: one wallet per user and currency; a closed wallet is empty and stays closed; for a customer, another
//! customer's wallet does not exist; a system wallet is opened by an operator's first use of its method, and stays
//! active.

mod erasure;
mod error;
mod filter;
mod reason;
mod repo;
mod statement;
mod times;

pub use crate::ledger::{BalanceAt, Expected, LimitState, Wallet, WalletLimits, WalletTag};
pub use error::WalletError;
pub use filter::{Holder, WalletFilter, WalletSearch};
pub use reason::StatusReason;
pub use statement::{Movements, Statement};
pub use times::{TimeRange, TimeRefusal};

pub(crate) use erasure::TextsRange;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::actor::Actor;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::ledger::{
    Action, Command, EntryPage, LimitsRequest, Opening, Outcome, Owner, Queue, QueuePlace, StatusRequest, entries_of,
};
use crate::page::{Page, PageRequest};
use crate::values::{Currency, Method, Money, TransferId, UserId, WalletId, WalletStatus};

/// The wallets of the bank.
#[derive(Clone)]
pub struct Wallets {
    db: Db,
    clock: Arc<dyn Clock>,
    queue: Queue,
    system: Arc<Mutex<HashMap<(Method, Currency), WalletId>>>,
}

/// A place in the ledger's queue for a wallet that is opened later.
pub(crate) struct OpeningPlace(QueuePlace);

/// How many ids of system wallets are remembered; further ones are looked up each time.
const REMEMBERED_MAX: usize = 10_000;

impl Wallets {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, queue: Queue) -> Self {
        Self {
            db,
            clock,
            queue,
            system: Arc::default(),
        }
    }

    /// Opens a wallet of the actor's own.
    pub async fn open(&self, actor: &Actor, currency: Currency) -> Result<Wallet, WalletError> {
        answer(self.queue.submit(opening(actor, currency)).await?)
    }

    /// Reserves a place in the queue for an opening, so that a full queue cannot refuse it later.
    pub(crate) fn reserve_opening(&self) -> Result<OpeningPlace, WalletError> {
        Ok(OpeningPlace(self.queue.reserve()?))
    }

    /// Whether a user has a wallet in a currency.
    pub(crate) async fn has(&self, user: UserId, currency: Currency) -> Result<bool, Fault> {
        repo::exists(&self.db.read, user, currency).await
    }

    /// The currencies of a user's wallets.
    pub(crate) async fn currencies_of(&self, user: UserId) -> Result<HashMap<WalletId, Currency>, Fault> {
        repo::currencies_of(&self.db.read, user).await
    }

    /// The wallets that these users have in these currencies. One statement.
    pub(crate) async fn of_users(
        &self,
        owners: &[(UserId, Currency)],
    ) -> Result<HashMap<(UserId, Currency), WalletId>, Fault> {
        repo::find_of_users(&self.db.read, owners).await
    }

    /// The wallets of a user.
    pub(crate) async fn ids_of(&self, user: UserId) -> Result<Vec<WalletId>, Fault> {
        repo::ids_of(&self.db.read, user).await
    }

    /// The owners of these wallets; system wallets have none. One statement.
    pub(crate) async fn owners_of(&self, ids: &[WalletId]) -> Result<HashMap<WalletId, UserId>, Fault> {
        repo::owners_of(&self.db.read, ids).await
    }

    /// Those of these wallets that do not exist, or are not the holder's.
    pub(crate) async fn missing(&self, holder: Holder, ids: &[WalletId]) -> Result<Vec<WalletId>, Fault> {
        let found = repo::found_of(&self.db.read, holder, ids).await?;
        Ok(ids.iter().copied().filter(|id| !found.contains(id)).collect())
    }

    /// A wallet that the actor may see: their own, or any with `wallets:read_all`. Without the holds that have run out.
    pub async fn get(&self, actor: &Actor, id: WalletId) -> Result<Wallet, WalletError> {
        let mut shown = vec![self.find(actor, id).await?];
        self.leave_out_expired(&mut shown).await?;
        shown.pop().ok_or(WalletError::NotFound)
    }

    /// The same as it is stored, for callers that do not look at what is held.
    async fn find(&self, actor: &Actor, id: WalletId) -> Result<Wallet, WalletError> {
        self.find_of(actor, Holder::readable_by(actor), id).await
    }

    /// A wallet of a holder that the actor may use, as it is stored. The caller answers for the holder.
    pub(crate) async fn find_of(&self, actor: &Actor, holder: Holder, id: WalletId) -> Result<Wallet, WalletError> {
        let found = repo::find_of(&self.db.read, holder, id).await?;
        found.filter(|_| actor.may_use(id)).ok_or(WalletError::NotFound)
    }

    /// The wallets of a filter, or of a holder, that the actor may use, newest first. Without the holds that have run out.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: impl Into<WalletFilter>,
        request: PageRequest<WalletId>,
    ) -> Result<Page<Wallet, WalletId>, Fault> {
        let (filter, within): (WalletFilter, _) = (filter.into(), actor.wallets.as_deref());
        let mut found = repo::list(&self.db.read, (&filter, within), &request).await?;
        self.leave_out_expired(&mut found).await?;
        Ok(Page::of(found, &request, |wallet| wallet.id))
    }

    /// Takes holds that have run out from what is held, whether or not their releases are written yet.
    async fn leave_out_expired(&self, wallets: &mut [Wallet]) -> Result<(), Fault> {
        let holding = wallets.iter().filter(|wallet| wallet.held > Money::ZERO);
        let holding: Vec<WalletId> = holding.map(|wallet| wallet.id).collect();
        if holding.is_empty() {
            return Ok(());
        }
        for (id, remaining) in repo::expired_on(&self.db.read, &holding, self.clock.now()).await? {
            for wallet in wallets.iter_mut().filter(|wallet| wallet.id == id) {
                wallet.held = wallet.held.checked_sub(remaining).unwrap_or_default().max(Money::ZERO);
            }
        }
        Ok(())
    }

    /// The entries of a wallet that the actor may see, newest first.
    pub async fn entries(
        &self,
        actor: &Actor,
        id: WalletId,
        request: PageRequest<TransferId>,
    ) -> Result<EntryPage, WalletError> {
        self.find(actor, id).await?;
        Ok(entries_of(&self.db, id, request).await?)
    }

    /// Freezes a wallet: no money moves in or out. The audit log keeps the reason.
    pub async fn freeze(
        &self,
        actor: &Actor,
        id: WalletId,
        reason: Option<StatusReason>,
        expected: Expected,
    ) -> Result<Wallet, WalletError> {
        let request = StatusRequest {
            wallet: id,
            status: WalletStatus::Frozen,
            reason: reason.map(StatusReason::into_inner),
            expected,
        };
        self.set_status(actor, request).await
    }

    /// Unfreezes a wallet: money may move again. The audit log keeps the reason.
    pub async fn unfreeze(
        &self,
        actor: &Actor,
        id: WalletId,
        reason: Option<StatusReason>,
        expected: Expected,
    ) -> Result<Wallet, WalletError> {
        let request = StatusRequest {
            wallet: id,
            status: WalletStatus::Active,
            reason: reason.map(StatusReason::into_inner),
            expected,
        };
        self.set_status(actor, request).await
    }

    /// Closes an empty wallet for good.
    pub async fn close(&self, actor: &Actor, id: WalletId, expected: Expected) -> Result<Wallet, WalletError> {
        let request = StatusRequest {
            wallet: id,
            status: WalletStatus::Closed,
            reason: None,
            expected,
        };
        self.set_status(actor, request).await
    }

    /// Sets the limits of a wallet, which replace the ones before.
    pub async fn set_limits(
        &self,
        actor: &Actor,
        wallet: WalletId,
        limits: WalletLimits,
        expected: Expected,
    ) -> Result<Wallet, WalletError> {
        check_reach(actor, wallet)?;
        let request = LimitsRequest {
            wallet,
            limits,
            expected,
        };
        let command = Command::new(actor.clone(), Action::SetLimits(request));
        answer(self.queue.submit(command).await?)
    }

    /// The bank's own wallet for a payment method; `None` when the method is not open in this currency.
    pub(crate) async fn find_method(&self, method: &Method, currency: Currency) -> Result<Option<WalletId>, Fault> {
        let key = (method.clone(), currency);
        if let Some(id) = self.remembered().get(&key) {
            return Ok(Some(*id));
        }
        let found = repo::find_system(&self.db.read, method, currency).await?;
        if let Some(id) = found {
            self.remember(key, id);
        }
        Ok(found)
    }

    /// The bank's own wallet for a payment method, opened if it does not exist yet. For operators.
    pub async fn open_method(
        &self,
        actor: &Actor,
        method: &Method,
        currency: Currency,
    ) -> Result<WalletId, WalletError> {
        if let Some(id) = self.find_method(method, currency).await? {
            return Ok(id);
        }
        let opening = Opening {
            owner: Owner::Method(method.clone()),
            currency,
        };
        let opened = self
            .queue
            .submit(Command::new(actor.clone(), Action::Open(opening)))
            .await?;
        let id = answer(opened)?.id;
        self.remember((method.clone(), currency), id);
        Ok(id)
    }

    /// Forgets the remembered wallet of a payment method, when the database does not have it or another process opened
    /// a new one.
    pub(crate) fn forget_method(&self, method: &Method, currency: Currency) {
        self.remembered().remove(&(method.clone(), currency));
    }

    fn remember(&self, key: (Method, Currency), id: WalletId) {
        let mut remembered = self.remembered();
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(key, id);
        }
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<(Method, Currency), WalletId>> {
        // The map holds only right ids, even after a panic.
        self.system.lock()
    }

    /// A request for the status that the wallet already has succeeds and changes nothing.
    async fn set_status(&self, actor: &Actor, request: StatusRequest) -> Result<Wallet, WalletError> {
        check_reach(actor, request.wallet)?;
        let changed = self
            .queue
            .submit(Command::new(actor.clone(), Action::SetStatus(request)))
            .await?;
        answer(changed)
    }
}

impl OpeningPlace {
    /// Opens a wallet of the actor's own.
    pub async fn open(self, actor: &Actor, currency: Currency) -> Result<Wallet, WalletError> {
        answer(self.0.submit(opening(actor, currency)).await?)
    }
}

/// An API key that is limited to other wallets may not change this one.
fn check_reach(actor: &Actor, wallet: WalletId) -> Result<(), WalletError> {
    if actor.may_use(wallet) {
        Ok(())
    } else {
        Err(WalletError::NotFound)
    }
}

fn opening(actor: &Actor, currency: Currency) -> Command {
    let opening = Opening {
        owner: Owner::Customer(actor.user),
        currency,
    };
    Command::new(actor.clone(), Action::Open(opening))
}

fn answer(outcome: Outcome) -> Result<Wallet, WalletError> {
    match outcome {
        Outcome::Wallet(wallet) => Ok(*wallet),
        Outcome::WalletRefused(refusal) => Err(refusal.into()),
        Outcome::Recorded { .. } | Outcome::Refused(_) | Outcome::KeyReused | Outcome::Batch(_) | Outcome::Expired => {
            unreachable!("what opens or changes a wallet is answered with a wallet")
        }
    }
}
