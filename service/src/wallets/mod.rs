//! Wallets: open, look at, freeze, close. What is in them is the ledger's business.
//!
//! Invariants: one wallet per user and currency; a closed wallet is empty and stays closed; a stranger's wallet is not
//! there; a system wallet is opened by an operator's first use of its method, and stays active.

mod error;
mod repo;
mod rules;
mod tag;

pub use error::WalletError;
pub use tag::{Expected, WalletTag};

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::actor::Actor;
use crate::clock::{Clock, id_in};
use crate::db::{Db, Fault, wait_briefly_for_locks};
use crate::ledger::{EntryPage, entries_of};
use crate::page::{Page, PageRequest};
use crate::values::{Currency, Method, Money, Timestamp, TransferId, UserId, Version, WalletId, WalletStatus};
use rules::StatusChange;

/// A wallet as its owner and operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    pub id: WalletId,
    /// `None` on a system wallet.
    pub user_id: Option<UserId>,
    pub currency: Currency,
    pub balance: Money,
    pub held: Money,
    pub status: WalletStatus,
    pub version: Version,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Wallet {
    /// What may still be spent.
    #[must_use]
    pub fn available(&self) -> Money {
        self.balance.checked_sub(self.held).unwrap_or(self.balance)
    }

    /// What tells this state of the wallet from every other.
    #[must_use]
    pub fn tag(&self) -> WalletTag {
        WalletTag::of(self)
    }
}

/// Whose wallets a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    User(UserId),
    Anyone,
}

/// The wallets of the bank.
#[derive(Clone)]
pub struct Wallets {
    db: Db,
    clock: Arc<dyn Clock>,
    system: Arc<Mutex<HashMap<(Method, Currency), WalletId>>>,
    /// Turns of status changes.
    turns: Arc<Semaphore>,
}

/// System wallets whose ids are remembered; beyond it they are looked up.
const REMEMBERED_MAX: usize = 10_000;
/// Status changes at a time. Each may wait for another session's lock, and on PostgreSQL keeps one of ten connections meanwhile.
const STATUS_CHANGES_MAX: usize = 4;
/// Tries of one status change to lock its wallet.
const TRIES_MAX: u32 = 3;
/// No try begins later than this after the request; then the caller is told that the wallet is contended.
const TRIES_FOR: Duration = Duration::from_secs(2);

impl Wallets {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            clock,
            system: Arc::default(),
            turns: Arc::new(Semaphore::new(STATUS_CHANGES_MAX)),
        }
    }

    /// Opens a wallet for a customer.
    pub async fn open(&self, user: UserId, currency: Currency) -> Result<Wallet, WalletError> {
        let now = self.clock.now();
        self.db
            .transaction(move |tx| Box::pin(async move { open_for(tx, user, currency, now).await }))
            .await
    }

    /// A wallet that the actor may see.
    pub async fn get(&self, actor: Actor, id: WalletId) -> Result<Wallet, WalletError> {
        let holder = if actor.is_operator() {
            Holder::Anyone
        } else {
            Holder::User(actor.user)
        };
        let wallet = repo::find_of(&self.db.read, holder, id).await?;
        wallet.ok_or(WalletError::NotFound)
    }

    /// Wallets, newest first.
    pub async fn list(&self, holder: Holder, request: PageRequest<WalletId>) -> Result<Page<Wallet, WalletId>, Fault> {
        let found = repo::list(&self.db.read, holder, &request).await?;
        Ok(Page::of(found, &request, |wallet| wallet.id))
    }

    /// The entries of a wallet that the actor may see, newest first.
    pub async fn entries(
        &self,
        actor: Actor,
        id: WalletId,
        request: PageRequest<TransferId>,
    ) -> Result<EntryPage, WalletError> {
        self.get(actor, id).await?;
        Ok(entries_of(&self.db, id, request).await?)
    }

    /// Stops every movement in or out.
    pub async fn freeze(&self, id: WalletId, expected: Expected) -> Result<Wallet, WalletError> {
        self.change_status(id, WalletStatus::Frozen, expected).await
    }

    /// Lets money move again.
    pub async fn unfreeze(&self, id: WalletId, expected: Expected) -> Result<Wallet, WalletError> {
        self.change_status(id, WalletStatus::Active, expected).await
    }

    /// Closes an empty wallet for good.
    pub async fn close(&self, id: WalletId, expected: Expected) -> Result<Wallet, WalletError> {
        self.change_status(id, WalletStatus::Closed, expected).await
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

    /// The bank's own wallet for a payment method, opened unless it is there. For operators.
    pub async fn open_method(&self, method: &Method, currency: Currency) -> Result<WalletId, Fault> {
        if let Some(id) = self.find_method(method, currency).await? {
            return Ok(id);
        }
        let opened = repo::open_system(&self.db.write, method, currency, self.clock.now()).await;
        let id = opened.map_err(Fault::of_commit)?;
        self.remember((method.clone(), currency), id);
        Ok(id)
    }

    /// Forgets the wallet of a payment method: the database does not have it, or another process opened it anew.
    pub(crate) fn forget_method(&self, method: &Method, currency: Currency) {
        self.remembered().remove(&(method.clone(), currency));
    }

    fn remember(&self, key: (Method, Currency), id: WalletId) {
        let mut remembered = self.remembered();
        if remembered.len() < REMEMBERED_MAX {
            remembered.insert(key, id);
        }
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<(Method, Currency), WalletId>> {
        // A panic while it was held left a map of true ids all the same.
        self.system.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asking for the status that a wallet has already changes nothing and is fine.
    async fn change_status(
        &self,
        id: WalletId,
        status: WalletStatus,
        expected: Expected,
    ) -> Result<Wallet, WalletError> {
        let deadline = Instant::now() + TRIES_FOR;
        let mut tried = 0;
        loop {
            let turn = self.turn(deadline).await?;
            let (now, expected) = (self.clock.now(), expected.clone());
            let work = self.db.transaction(move |tx| {
                Box::pin(async move {
                    // The transaction keeps its turn where the caller hangs up.
                    let _turn = turn;
                    change_status(tx, id, status, &expected, now).await
                })
            });
            tried += 1;
            match work.await {
                Err(WalletError::Fault(fault))
                    if fault.is_conflict() && tried < TRIES_MAX && Instant::now() < deadline => {}
                changed => return changed,
            }
        }
    }

    /// Waits until fewer than `STATUS_CHANGES_MAX` run.
    async fn turn(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Fault> {
        let turn = timeout_at(deadline, self.turns.clone().acquire_owned()).await;
        turn.map_err(Fault::conflict)?.map_err(Fault::broken)
    }
}

/// The wallet stays locked from the look to the change, so that what was decided on it is still so.
async fn change_status(
    tx: &DatabaseTransaction,
    id: WalletId,
    status: WalletStatus,
    expected: &Expected,
    now: Timestamp,
) -> Result<Wallet, WalletError> {
    wait_briefly_for_locks(tx).await?;
    let wallet = repo::find_locked(tx, id).await?.ok_or(WalletError::NotFound)?;
    match rules::status_change(&wallet, status, expected)? {
        StatusChange::Keep => Ok(wallet),
        StatusChange::Change => {
            // Never earlier than the last entry, which another replica's clock may have stamped: the next one has to come
            // later.
            let updated_at = wallet.updated_at.max(now);
            repo::set_status(tx, id, status, updated_at).await?;
            Ok(Wallet {
                status,
                updated_at,
                ..wallet
            })
        }
    }
}

/// Opens a wallet, on a connection or in the caller's transaction.
pub(crate) async fn open_for(
    db: &impl ConnectionTrait,
    user: UserId,
    currency: Currency,
    now: Timestamp,
) -> Result<Wallet, WalletError> {
    let wallet = Wallet {
        id: WalletId(id_in(user.bucket(), now)),
        user_id: Some(user),
        currency,
        balance: Money::ZERO,
        held: Money::ZERO,
        status: WalletStatus::Active,
        version: Version::default(),
        created_at: now,
        updated_at: now,
    };
    repo::insert(db, &wallet).await?;
    Ok(wallet)
}
