//! API keys: with one a program signs in as the person who made it, as far as the key's scopes and the owner's role both
//! allow.
//!
//! Invariants: the secret is shown once and stored nowhere; a key makes and manages no keys; a text that is not a whole key
//! never reaches the database; a revoked key, and one of a suspended user, is refused at once by the process that did it, and
//! within a second by every other one.

mod audit_lines;
mod cache;
mod error;
mod export;
mod grant;
mod places;
mod repo;
mod rules;
mod text;
mod uses;

pub use error::{ApiKeyError, KeyRefusal};
pub use rules::{
    KEY_ADDRESSES_MAX, KEY_DAYS_MAX, KEY_NAME_MAX, KEY_WALLETS_MAX, NewApiKey, NewKeyFault, RollOverlap, network_text,
};

pub(super) use repo::erase_keys;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use sea_orm::DatabaseTransaction;
use secrecy::{ExposeSecret, SecretString};

use self::cache::KeyCache;
use self::repo::{Reach, RolledDigests};
use self::uses::PendingUses;
use super::asker;
use super::detached::detached;
use crate::actor::{Actor, Permission, Permissions};
use crate::audit;
use crate::backoff::Backoff;
use crate::clock::{Clock, id_at, random_bytes};
use crate::db::{Db, Fault};
use crate::page::{Page, PageRequest};
use crate::values::{ApiKeyId, Sha256Digest, Timestamp, UserId, WalletId};
use crate::wallets::{Holder, Wallets};
use crate::workers::{Step, Worker, Workers};

/// The most keys of one user that are neither revoked nor expired.
pub const LIVE_KEYS_MAX: u64 = 50;
/// How often the last uses are written.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// The longest pause between attempts while nothing can be written.
const WRITE_EVERY_MAX: Duration = Duration::from_secs(15);

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id, which is no secret.
    pub id: ApiKeyId,
    /// The person who made it, and as whom it acts.
    pub owner: UserId,
    /// What it is for, in the owner's words.
    pub name: String,
    /// What it may do as long as its owner may do it too.
    pub scopes: Permissions,
    /// The only wallets that it may use, in the order of their ids; `None` for every wallet that its owner may use.
    pub wallets: Option<Arc<[WalletId]>>,
    /// The only networks that it may be used from; `None` for any.
    pub networks: Option<Arc<[IpNet]>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// Until when the secret before the last roll is valid too; `None` when it is not.
    pub former_ends_at: Option<Timestamp>,
    /// When it was last used, to the minute; `None` for never.
    pub last_used_at: Option<Timestamp>,
}

/// The API keys of the bank.
#[derive(Clone)]
pub struct ApiKeys {
    db: Db,
    clock: Arc<dyn Clock>,
    wallets: Wallets,
    cache: Arc<KeyCache>,
    uses: Arc<PendingUses>,
    workers: Workers,
}

impl ApiKeys {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, wallets: Wallets, workers: Workers) -> Self {
        Self {
            db,
            clock,
            wallets,
            cache: Arc::new(KeyCache::new()),
            uses: Arc::default(),
            workers,
        }
    }

    /// True for a text that begins as an API key does: it is no access token.
    #[must_use]
    pub fn is_api_key(text: &str) -> bool {
        text.starts_with(text::PREFIX)
    }

    /// Makes a key of the actor's own, and gives its secret, which cannot be read again.
    pub async fn create(&self, actor: &Actor, new: NewApiKey) -> Result<(ApiKey, SecretString), ApiKeyError> {
        own(actor)?;
        let now = self.clock.now();
        let checked = rules::check(new, actor, now).map_err(ApiKeyError::Refused)?;
        let wallets = match checked.wallets {
            Some(wallets) => Some(self.usable(actor, wallets).await?),
            None => None,
        };
        let key = ApiKey {
            id: ApiKeyId(id_at(now)),
            owner: actor.user,
            name: checked.name,
            scopes: checked.scopes,
            wallets,
            networks: checked.networks,
            created_at: now,
            expires_at: checked.expires_at,
            former_ends_at: None,
            last_used_at: None,
        };
        let (secret, digest) = new_secret();
        let asker = actor.clone();
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                // The lock also lets one transaction at a time count and add the user's keys.
                check_asker(tx, &asker, now).await?;
                if repo::count_live(tx, key.owner, now).await? >= LIVE_KEYS_MAX {
                    return Err(ApiKeyError::TooMany);
                }
                repo::insert(tx, &key, digest).await?;
                audit::record(tx, &[audit_lines::created(&asker, &key, now)]).await?;
                Ok(key)
            })
        });
        Ok((work.await?, secret))
    }

    /// Keys that are not revoked, newest first: the actor's own. An actor who manages keys sees those of every user, or of
    /// the one who is named.
    pub async fn list(
        &self,
        actor: &Actor,
        owner: Option<UserId>,
        request: PageRequest<ApiKeyId>,
    ) -> Result<Page<ApiKey, ApiKeyId>, ApiKeyError> {
        let reach = match (reach(actor)?, owner) {
            (Reach::One(user), Some(owner)) if user != owner => return Err(ApiKeyError::Forbidden),
            (Reach::All, Some(owner)) => Reach::One(owner),
            (reach, _) => reach,
        };
        let found = repo::list(&self.db.read, reach, &request, self.clock.now()).await?;
        Ok(Page::of(found, &request, |key| key.id))
    }

    /// A key of the actor's own, or any for an actor who manages keys.
    pub async fn get(&self, actor: &Actor, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let found = repo::find(&self.db.read, reach(actor)?, id, self.clock.now()).await?;
        found.ok_or(ApiKeyError::NotFound)
    }

    /// Ends a key for good, with all its secrets.
    pub async fn revoke(&self, actor: &Actor, id: ApiKeyId) -> Result<(), ApiKeyError> {
        let (reach, now) = (reach(actor)?, self.clock.now());
        let (keys, asker) = (self.clone(), actor.clone());
        let task = detached(async move {
            let work = keys.db.transaction(move |tx| {
                Box::pin(async move {
                    check_asker(tx, &asker, now).await?;
                    let found = repo::lock(tx, reach, id, now).await?;
                    let (key, _) = found.ok_or(ApiKeyError::NotFound)?;
                    repo::revoke(tx, id, now).await?;
                    audit::record(tx, &[audit_lines::revoked(&asker, &key, now)]).await?;
                    Ok::<_, ApiKeyError>(())
                })
            });
            let revoked: Result<(), ApiKeyError> = work.await;
            // After a fault too: it may have been revoked all the same.
            keys.forget();
            revoked
        });
        task.await
    }

    /// Gives a key of the actor's own a new secret. The old one stays valid during the overlap, and the one before it ends at
    /// once. Admins cannot roll the key of another user: with its secret they could act as that user.
    pub async fn roll(
        &self,
        actor: &Actor,
        id: ApiKeyId,
        overlap: RollOverlap,
    ) -> Result<(ApiKey, SecretString), ApiKeyError> {
        let (own, now) = (own(actor)?, self.clock.now());
        let (keys, asker) = (self.clone(), actor.clone());
        let (secret, current) = new_secret();
        let task = detached(async move {
            let work = keys.db.transaction(move |tx| {
                Box::pin(async move {
                    check_asker(tx, &asker, now).await?;
                    let found = repo::lock(tx, own, id, now).await?;
                    let (key, digest) = found.ok_or(ApiKeyError::NotFound)?;
                    if key.expires_at.is_some_and(|end| end <= now) {
                        return Err(ApiKeyError::Expired);
                    }
                    let former_ends_at = overlap.end(now);
                    let former = former_ends_at.map(|end| (digest, end));
                    repo::set_digests(tx, id, &RolledDigests { current, former }).await?;
                    let key = ApiKey { former_ends_at, ..key };
                    audit::record(tx, &[audit_lines::rolled(&asker, &key, now)]).await?;
                    Ok(key)
                })
            });
            let rolled: Result<ApiKey, ApiKeyError> = work.await;
            keys.forget();
            rolled
        });
        Ok((task.await?, secret))
    }

    /// The actor of a request with this text as its bearer token, from a client with this address; `None` where the address
    /// is not known. Only whole keys are looked up, and those that were used within half a second are not.
    pub async fn authenticate(&self, text: &str, address: Option<IpAddr>) -> Result<Actor, KeyRefusal> {
        let digest = text::digest_of(text).ok_or(KeyRefusal::Invalid)?;
        let grant = self.cache.find(&self.db, digest).await?.ok_or(KeyRefusal::Invalid)?;
        let now = self.clock.now();
        let actor = grant.actor(address, now)?;
        self.uses.note(&grant, now);
        Ok(actor)
    }

    /// True for the text of a key that this process has read lately. Other texts may be of no key at all, and `authenticate`
    /// looks them up.
    #[must_use]
    pub fn remembers(&self, text: &str) -> bool {
        text::digest_of(text).is_some_and(|digest| self.cache.has(&digest))
    }

    /// Makes every key be read again before its next use in this process. To be called after the status or the role of a user
    /// has changed.
    pub(crate) fn forget(&self) {
        self.cache.forget();
    }

    /// Writes when keys were last used, and gives how many it wrote, at most 500.
    pub async fn write_uses(&self) -> Result<usize, Fault> {
        let used = self.uses.take();
        if !used.is_empty() {
            repo::note_use(&self.db.write, &used, self.clock.now()).await?;
        }
        Ok(used.len())
    }

    /// Starts the worker that writes when keys were last used. Must be called inside a tokio runtime.
    pub(crate) fn serve(&self) {
        let keys = self.clone();
        self.workers.start("api_keys", move |worker| {
            let keys = keys.clone();
            async move { keys.keep_writing(worker).await }
        });
    }

    pub(crate) async fn stop(&self) {
        self.workers.stop().await;
    }

    async fn keep_writing(&self, worker: Worker) {
        let step = || async {
            let written = self.write_uses().await?;
            // Keys that are in use may be noted again at once, so only a full statement leaves more to do.
            Ok::<_, Fault>(if written < uses::WRITE_MAX {
                Step::Idle
            } else {
                Step::More
            })
        };
        worker.repeat(Backoff::new(WRITE_EVERY, WRITE_EVERY_MAX), step).await;
        worker.note(&self.write_uses().await);
    }

    /// The wallets in the order of their ids, each once; refused where one does not exist or the actor may not use it.
    async fn usable(&self, actor: &Actor, wallets: Vec<WalletId>) -> Result<Arc<[WalletId]>, ApiKeyError> {
        let missing = self.wallets.missing(Holder::readable_by(actor), &wallets).await?;
        let unknown = wallets.iter().enumerate().filter(|(_, id)| missing.contains(id));
        let faults: Vec<NewKeyFault> = unknown.map(|(index, _)| NewKeyFault::UnknownWallet { index }).collect();
        if !faults.is_empty() {
            return Err(ApiKeyError::Refused(faults));
        }
        let mut wallets = wallets;
        wallets.sort_unstable();
        wallets.dedup();
        Ok(wallets.into())
    }
}

/// Whose keys an actor may see and revoke.
fn reach(actor: &Actor) -> Result<Reach, ApiKeyError> {
    if actor.may(Permission::ApiKeysManage) {
        Ok(Reach::All)
    } else {
        own(actor)
    }
}

/// The actor's own keys, which alone the actor may make and roll.
fn own(actor: &Actor) -> Result<Reach, ApiKeyError> {
    if actor.may(Permission::ApiKeysWrite) {
        Ok(Reach::One(actor.user))
    } else {
        Err(ApiKeyError::Forbidden)
    }
}

/// Locks the actor, and refuses one who is suspended, has another role or has signed out meanwhile.
async fn check_asker(tx: &DatabaseTransaction, actor: &Actor, now: Timestamp) -> Result<(), ApiKeyError> {
    if asker::lock(tx, actor, now).await? {
        Ok(())
    } else {
        Err(ApiKeyError::AskerChanged)
    }
}

fn new_secret() -> (SecretString, Sha256Digest) {
    let secret = text::text_of(random_bytes());
    let digest = text::digest_of(secret.expose_secret()).expect("a text that was just made is a whole key");
    (secret, digest)
}
