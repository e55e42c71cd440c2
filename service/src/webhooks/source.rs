//! Where the events of an endpoint come from: pages after its mark until the journal's head, then a subscription.
//!
//! Invariant: whose events go to an endpoint is looked up for each page, and again before live events are sent, so the events
//! of an owner who was suspended, or has another role, wait.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use super::endpoint::Webhook;
use super::rules::scope_of;
use super::server_limits::{KeyedLimits, KeyedPermit};
use crate::db::{Db, Fault};
use crate::events::{
    Event, EventCursor, EventFilter, EventScope, Events, EventsError, LedgerTag, READS_MAX, Subscription,
};
use crate::identity;
use crate::values::{RecordId, UserId};

/// The most events of a page.
const PAGE: usize = 100;
/// How many endpoints of a process have events in memory at a time, and how many of one owner; the others wait.
const BUSY_MAX: usize = 2_000;
const BUSY_OF_OWNER_MAX: usize = 16;
/// How long an endpoint keeps its events in memory while others wait for that.
const BUSY_FOR: Duration = Duration::from_secs(5);
/// How long a subscription is waited for before the mark is moved to where it has looked.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// Gives the events of endpoints.
pub(super) struct HookSource {
    db: Db,
    events: Events,
    reads: Arc<Semaphore>,
    busy: Arc<Semaphore>,
    busy_of_owner: Arc<KeyedLimits<UserId>>,
}

/// An endpoint's permit to have events in memory.
pub(super) struct MemoryPermit {
    since: Instant,
    _of_owner: KeyedPermit<UserId>,
    _of_process: OwnedSemaphorePermit,
}

/// Events that go on from a subscription, and for whom it was made.
pub(super) struct LiveEvents {
    subscription: Subscription,
    scope: EventScope,
}

/// What was read.
pub(super) enum HookReading {
    /// The next events, and everything through a record was looked at.
    Events {
        events: Vec<Arc<Event>>,
        through: RecordId,
        /// What goes on from there; `None` while there are more pages.
        live: Option<Box<LiveEvents>>,
        /// The endpoint's permit to have events in memory.
        memory: Option<MemoryPermit>,
    },
    /// The owner may have no events now.
    Waits,
}

impl MemoryPermit {
    /// Counts from now on: a page that was read slowly is not given back before anything of it was sent.
    fn counted_anew(self) -> Self {
        Self {
            since: Instant::now(),
            ..self
        }
    }
}

impl HookSource {
    pub fn new(db: Db, events: Events) -> Self {
        Self {
            db,
            events,
            reads: Arc::new(Semaphore::new(READS_MAX)),
            busy: Arc::new(Semaphore::new(BUSY_MAX)),
            busy_of_owner: Arc::new(KeyedLimits::new(BUSY_OF_OWNER_MAX)),
        }
    }

    /// The right to have events of an endpoint in memory.
    async fn memory(&self, webhook: &Webhook) -> Option<MemoryPermit> {
        let of_owner = self.busy_of_owner.take(webhook.user_id).await;
        // Fails when the semaphore is closed, which does not happen.
        let of_process = self.busy.clone().acquire_owned().await.ok()?;
        Some(MemoryPermit {
            since: Instant::now(),
            _of_owner: of_owner,
            _of_process: of_process,
        })
    }

    /// True if an endpoint has had its permit for so long that it gives it back to others.
    pub fn must_give_back(&self, memory: &MemoryPermit) -> bool {
        self.busy.available_permits() == 0 && memory.since.elapsed() > BUSY_FOR
    }

    /// The right to read something of an endpoint now.
    pub async fn reading(&self) -> Option<OwnedSemaphorePermit> {
        // Fails when the semaphore is closed, which does not happen.
        self.reads.clone().acquire_owned().await.ok()
    }

    /// The next events after a record. With a subscription it waits for them.
    pub async fn read(
        &self,
        webhook: &Webhook,
        after: RecordId,
        live: Option<Box<LiveEvents>>,
    ) -> Result<HookReading, EventsError> {
        match live {
            Some(live) => self.read_live(webhook, after, live).await,
            None => self.read_page(webhook, after).await,
        }
    }

    async fn read_page(&self, webhook: &Webhook, after: RecordId) -> Result<HookReading, EventsError> {
        // First of all, so that no page waits in memory for its permit.
        let memory = self.memory(webhook).await;
        let reading = self.reading().await;
        let Some(scope) = self.scope_of(webhook).await? else {
            return Ok(HookReading::Waits);
        };
        let (filter, after) = (filter_of(webhook), self.events.cursor_of(after).await?);
        let page = match self.events.visible_page(&scope, &filter, &after, PAGE).await {
            // The database went back to an earlier state under a running process. A mark in memory did not go back with it; a
            // stored one that did not either is moved to the head.
            Err(EventsError::UnknownCursor) if after == webhook.sent_through => {
                return self.skip_to_head(webhook, &scope).await;
            }
            page => page?,
        };
        drop(reading);
        let live = (!page.has_more).then(|| {
            Box::new(LiveEvents {
                subscription: self.events.follow(scope.clone(), filter, page.next),
                scope,
            })
        });
        Ok(HookReading::Events {
            memory: memory
                .filter(|_| !page.events.is_empty())
                .map(MemoryPermit::counted_anew),
            events: page.events.into_iter().map(Arc::new).collect(),
            through: page.next.record(),
            live,
        })
    }

    async fn skip_to_head(&self, webhook: &Webhook, scope: &EventScope) -> Result<HookReading, EventsError> {
        let through = self.newest(scope).await?.record();
        tracing::warn!(webhook = %webhook.id, "the database went back: the journal does not have the last event that was sent");
        Ok(HookReading::Events {
            events: Vec::new(),
            through,
            live: None,
            memory: None,
        })
    }

    async fn read_live(
        &self,
        webhook: &Webhook,
        after: RecordId,
        mut live: Box<LiveEvents>,
    ) -> Result<HookReading, EventsError> {
        let Ok(events) = timeout(IDLE_MAX, live.subscription.next()).await else {
            let through = live.subscription.position().record();
            return Ok(HookReading::Events {
                events: Vec::new(),
                through,
                live: Some(live),
                memory: None,
            });
        };
        let events = events?;
        let memory = self.memory(webhook).await;
        let scope = self.scope_of(webhook).await?;
        if scope.as_ref() != Some(&live.scope) {
            // They are read again for the owner as the owner is now.
            return Ok(HookReading::Events {
                events: Vec::new(),
                through: after,
                live: None,
                memory: None,
            });
        }
        let through = events.last().map_or(after, |last| last.id.record());
        Ok(HookReading::Events {
            events,
            through,
            live: Some(live),
            memory,
        })
    }

    /// The event of a record, if the endpoint gets it and its owner may see it now.
    pub async fn event(&self, webhook: &Webhook, record: RecordId) -> Result<Option<Arc<Event>>, EventsError> {
        let _reading = self.reading().await;
        let Some(scope) = self.scope_of(webhook).await? else {
            return Ok(None);
        };
        let before = self.events.cursor_of(before(record)).await?;
        let page = self
            .events
            .visible_page(&scope, &filter_of(webhook), &before, 1)
            .await?;
        let found = page.events.into_iter().next().map(Arc::new);
        Ok(found.filter(|event| event.id.record() == record))
    }

    /// Whether the events of an endpoint wait, since its owner may have none now.
    pub async fn waits(&self, webhook: &Webhook) -> Result<bool, Fault> {
        Ok(self.scope_of(webhook).await?.is_none())
    }

    /// The record that a caller's cursor names; refused where it is not one of this journal.
    pub async fn record_of(&self, scope: &EventScope, cursor: &EventCursor) -> Result<RecordId, EventsError> {
        self.events.check(scope, &EventFilter::default(), Some(cursor)).await?;
        Ok(cursor.record())
    }

    /// A caller's cursor of the newest record.
    pub async fn newest(&self, scope: &EventScope) -> Result<EventCursor, EventsError> {
        self.events.newest(scope).await
    }

    /// The tag of this bank's ledger, which all its cursors have.
    pub async fn ledger(&self) -> Result<LedgerTag, Fault> {
        self.events.ledger().await
    }

    async fn scope_of(&self, webhook: &Webhook) -> Result<Option<EventScope>, Fault> {
        let role = identity::active_role(&self.db.read, webhook.user_id).await?;
        Ok(scope_of(webhook.user_id, role, webhook.is_bank_wide))
    }
}

fn filter_of(webhook: &Webhook) -> EventFilter {
    EventFilter {
        types: webhook.types,
        wallets: webhook.wallet_ids.clone(),
        transfer: None,
    }
}

/// The id before an id.
fn before(record: RecordId) -> RecordId {
    RecordId(uuid::Uuid::from_u128(record.0.as_u128().saturating_sub(1)))
}
