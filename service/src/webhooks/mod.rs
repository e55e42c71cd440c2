//! Webhooks: endpoints to which the bank sends the events that their owners may see, each signed, in order, at least once.
//!
//! Invariants: an event that waits has no row: what an endpoint has not got is in the journal behind its mark. At one time
//! one process sends to an endpoint. What became of an event and the mark behind it are written together. A secret is shown
//! once, and never in a list, a log, an export or the audit log.

mod addresses;
mod audit_lines;
mod changes;
mod cleanup;
mod counts;
mod delivery;
mod delivery_requests;
mod endpoint;
mod erasure;
mod error;
mod export;
mod forwarding;
mod leases;
mod outbound;
mod progress;
mod repo;
mod retry;
mod rules;
mod runner;
mod runner_list;
mod secret;
mod sender;
mod server_limits;
mod signature;
mod source;
mod url;
mod worker;

pub use changes::SECRET_OVERLAP_MAX;
pub use counts::WebhookCounts;
pub use delivery::{Delivery, TEST_KIND};
pub use endpoint::{NewWebhook, Webhook, WebhookPatch};
pub use error::{WebhookFault, WebhooksError};
pub use forwarding::{Forwarder, ForwarderError};
pub use rules::{DESCRIPTION_MAX, HOOK_WALLETS_MAX, WEBHOOKS_MAX};
pub use sender::{AttemptOutcome, SendError, WebhookAttempt};
pub use url::UrlRefusal;

pub(crate) use erasure::WebhookErasure;

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::DatabaseTransaction;
use secrecy::SecretString;
use tokio::sync::Semaphore;

use self::addresses::AddressPolicy;
use self::cleanup::WebhookCleanup;
use self::counts::WebhookMetrics;
use self::leases::Leases;
use self::outbound::Outbound;
use self::repo::HookReach;
use self::runner::RunnerParts;
use self::runner_list::RunnerList;
use self::secret::SigningSecret;
use self::source::HookSource;
use self::worker::RunnerSupervisor;
use crate::actor::{Actor, Permission};
use crate::audit;
use crate::clock::{Clock, id_at, random_bytes};
use crate::db::{Db, SqlDialect};
use crate::events::{Event, EventScope, Events, LedgerTag};
use crate::identity;
use crate::page::{Page, PageRequest};
use crate::values::{SigningScheme, Timestamp, UserId, WalletId, WebhookId, WebhookStatus};
use crate::wallets::{Holder, Wallets};
use crate::workers::Workers;

/// How many transactions of endpoints are under way at a time on PostgreSQL. On SQLite it is one, since the file has one
/// writer, which the committer needs too.
const WRITES_MAX: usize = 4;

/// The webhooks of the bank. Cloning clones a handle.
#[derive(Clone)]
pub struct Webhooks {
    db: Db,
    clock: Arc<dyn Clock>,
    wallets: Wallets,
    policy: AddressPolicy,
    source: Arc<HookSource>,
    outbound: Arc<Outbound>,
    runners: Arc<RunnerList>,
    metrics: Arc<WebhookMetrics>,
    workers: Workers,
}

/// What webhooks need of the rest of the bank.
pub(crate) struct WebhooksParts {
    /// Says which wallets there are, and whose.
    pub wallets: Wallets,
    /// Where the events come from.
    pub events: Events,
    /// Whether they may go to private addresses.
    pub allows_private: bool,
    /// Where the workers belong.
    pub workers: Workers,
}

impl Webhooks {
    pub(crate) fn new(db: Db, clock: Arc<dyn Clock>, parts: WebhooksParts) -> Self {
        let policy = if parts.allows_private {
            AddressPolicy::PrivateToo
        } else {
            AddressPolicy::PublicOnly
        };
        Self {
            source: Arc::new(HookSource::new(db.clone(), parts.events)),
            outbound: Arc::new(Outbound::new(policy, clock.clone())),
            db,
            clock,
            wallets: parts.wallets,
            policy,
            runners: Arc::default(),
            metrics: Arc::default(),
            workers: parts.workers,
        }
    }

    /// Starts the workers that send. `render` says how an event looks in a request. Must be called inside a tokio runtime.
    pub fn serve(&self, render: fn(&Event) -> String) {
        let is_postgres = SqlDialect::new(self.db.backend()).is_postgres();
        let (leases, list) = (Arc::new(Leases::new(self.db.clone())), self.runners.clone());
        let supervisor = Arc::new(RunnerSupervisor {
            parts: Arc::new(RunnerParts {
                db: self.db.clone(),
                clock: self.clock.clone(),
                source: self.source.clone(),
                outbound: self.outbound.clone(),
                render,
                leases: leases.clone(),
                metrics: self.metrics.clone(),
                writes: Arc::new(Semaphore::new(if is_postgres { WRITES_MAX } else { 1 })),
            }),
            list: list.clone(),
        });
        let cleanup = Arc::new(WebhookCleanup {
            db: self.db.clone(),
            clock: self.clock.clone(),
        });
        self.workers
            .start("webhooks", move |worker| supervisor.clone().run(worker));
        self.workers.start("webhook_leases", move |worker| {
            leases.clone().keep(list.clone(), worker)
        });
        self.workers
            .start("webhooks_cleanup", move |worker| cleanup.clone().run(worker));
    }

    /// Lets the requests in hand end, and gives the endpoints back to other processes.
    pub(crate) async fn stop(&self) {
        self.workers.stop().await;
    }

    /// What became of webhooks since the start of this process.
    #[must_use]
    pub fn counts(&self) -> WebhookCounts {
        self.metrics.counts()
    }

    /// Makes an endpoint of the actor's own, which gets what happens from now on. Gives its secret, which cannot be read again;
    /// `None` for Ed25519, where the receiver verifies with the public key.
    pub async fn create(
        &self,
        actor: &Actor,
        new: NewWebhook,
    ) -> Result<(Webhook, Option<SecretString>), WebhooksError> {
        let checked = rules::check_new(new, actor, self.policy)?;
        self.check_wallets(actor.user, checked.is_bank_wide, checked.wallet_ids.as_deref())
            .await?;
        let (sent_through, now) = (self.source.newest(&EventScope::of(actor)).await?, self.clock.now());
        let secret = SigningSecret::new(checked.scheme, random_bytes());
        let (shared, public_key) = (secret.shared_text(), secret.public_text());
        let webhook = Webhook {
            id: WebhookId(id_at(now)),
            user_id: actor.user,
            url: checked.url.as_str().to_owned(),
            types: checked.types,
            wallet_ids: checked.wallet_ids,
            description: checked.description,
            is_ordered: checked.is_ordered,
            is_bank_wide: checked.is_bank_wide,
            scheme: checked.scheme,
            public_key,
            status: WebhookStatus::Active,
            disabled_reason: None,
            sent_through,
            failing_since: None,
            created_at: now,
            updated_at: now,
        };
        let asker = actor.clone();
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                // The lock also lets one transaction at a time count and add the user's endpoints.
                check_asker(tx, &asker, now).await?;
                if repo::count_of(tx, webhook.user_id).await? >= WEBHOOKS_MAX {
                    return Err(WebhooksError::TooManyWebhooks);
                }
                repo::insert(tx, &webhook).await?;
                repo::insert_secret(tx, webhook.id, &secret).await?;
                audit::record(tx, &[audit_lines::created(&asker, &webhook, now)]).await?;
                Ok(webhook)
            })
        });
        let webhook: Webhook = work.await?;
        self.runners.changed(webhook.id);
        Ok((webhook, shared))
    }

    /// Endpoints, of any status or of one, newest first: those of the actor's own that the actor may see. An actor who manages
    /// webhooks sees those of every user, or of the one who is named.
    pub async fn list(
        &self,
        actor: &Actor,
        owner: Option<UserId>,
        status: Option<WebhookStatus>,
        request: PageRequest<WebhookId>,
    ) -> Result<Page<Webhook, WebhookId>, WebhooksError> {
        rules::check_writer(actor)?;
        let reach = match (actor.may(Permission::WebhooksManage), owner) {
            (true, Some(owner)) => HookReach::One(owner),
            (true, None) => HookReach::All,
            (false, Some(owner)) if owner != actor.user => return Err(WebhooksError::Forbidden),
            (false, _) => HookReach::One(actor.user),
        };
        let ledger = self.source.ledger().await?;
        let found = repo::list(&self.db.read, (reach, status), &request, ledger).await?;
        let page = Page::of(found, &request, |webhook| webhook.id);
        // A user has few, so a page that is short by those that a key may not see is no loss.
        let seen = page.items.into_iter().filter(|webhook| rules::may_see(actor, webhook));
        Ok(Page {
            items: self.with_public_keys(seen.collect()).await?,
            next: page.next,
        })
    }

    /// An endpoint of the actor's own, or any for an actor who manages webhooks.
    pub async fn get(&self, actor: &Actor, id: WebhookId) -> Result<Webhook, WebhooksError> {
        rules::check_writer(actor)?;
        let found = repo::find(&self.db.read, id, self.source.ledger().await?).await?;
        let found = found.filter(|webhook| rules::may_see(actor, webhook));
        self.with_public_key(found.ok_or(WebhooksError::NotFound)?).await
    }

    /// Refuses wallets that do not exist, or are not the endpoint's owner's where it does not get the events of all users.
    async fn check_wallets(
        &self,
        owner: UserId,
        is_bank_wide: bool,
        wallets: Option<&[WalletId]>,
    ) -> Result<(), WebhooksError> {
        let Some(wallets) = wallets else { return Ok(()) };
        let holder = if is_bank_wide {
            Holder::Anyone
        } else {
            Holder::User(owner)
        };
        let missing = self.wallets.missing(holder, wallets).await?;
        missing
            .first()
            .map_or(Ok(()), |wallet| Err(WebhooksError::WalletNotFound(*wallet)))
    }

    async fn with_public_key(&self, webhook: Webhook) -> Result<Webhook, WebhooksError> {
        let found = self.with_public_keys(vec![webhook]).await?;
        found.into_iter().next().ok_or(WebhooksError::NotFound)
    }

    async fn with_public_keys(&self, mut webhooks: Vec<Webhook>) -> Result<Vec<Webhook>, WebhooksError> {
        let with_keys = webhooks
            .iter()
            .filter(|webhook| webhook.scheme == SigningScheme::Ed25519);
        let with_keys: Vec<WebhookId> = with_keys.map(|webhook| webhook.id).collect();
        let mut keys: HashMap<WebhookId, String> = repo::public_keys(&self.db.read, &with_keys).await?;
        for webhook in &mut webhooks {
            webhook.public_key = keys.remove(&webhook.id);
        }
        Ok(webhooks)
    }
}

/// Locks the actor, and refuses one who is suspended, has another role or has signed out meanwhile.
async fn check_asker(tx: &DatabaseTransaction, actor: &Actor, now: Timestamp) -> Result<(), WebhooksError> {
    if identity::lock_asker(tx, actor, now).await? {
        Ok(())
    } else {
        Err(WebhooksError::AskerChanged)
    }
}

/// Locks the actor, and then an endpoint that the actor may change.
async fn lock_seen(
    tx: &DatabaseTransaction,
    actor: &Actor,
    (id, ledger): (WebhookId, LedgerTag),
    now: Timestamp,
) -> Result<Webhook, WebhooksError> {
    rules::check_writer(actor)?;
    check_asker(tx, actor, now).await?;
    let found = repo::lock(tx, id, ledger).await?;
    found
        .filter(|webhook| rules::may_see(actor, webhook))
        .ok_or(WebhooksError::NotFound)
}
