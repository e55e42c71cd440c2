//! What a round waits for at the database.

use std::collections::HashMap;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::RunnerParts;
use crate::audit;
use crate::db::Fault;
use crate::events::{Event, EventsError};
use crate::values::{RecordId, Timestamp, WebhookId, WebhookWorkerId};
use crate::webhooks::audit_lines;
use crate::webhooks::delivery::{test_body, test_id};
use crate::webhooks::endpoint::Webhook;
use crate::webhooks::outbound::HookTarget;
use crate::webhooks::progress::{AT_ONCE_MAX, AttemptResult, ProgressWrites};
use crate::webhooks::repo::{self, PendingAhead, ProgressStep, Redelivery, StoredSecret, StoredWebhook, WriteOutcome};
use crate::webhooks::source::{HookReading, LiveEvents};

/// Something that is waited for.
pub(super) type Awaited<T, E = Fault> = Option<Pin<Box<dyn Future<Output = Result<T, E>> + Send>>>;

/// An endpoint as it is stored now.
pub(super) struct Reloaded {
    pub stored: StoredWebhook,
    pub secrets: Vec<StoredSecret>,
    pub pending_ahead: HashMap<RecordId, PendingAhead>,
}

/// Whether a runner may send what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendPermit {
    /// It may.
    Granted,
    /// The owner may have no events now: suspended, erased, or with a role that has no webhooks.
    OwnerInactive,
    /// The endpoint has changed since the runner has read it.
    WebhookChanged,
}

/// The next events.
pub(super) struct ReadStep {
    pub reading: HookReading,
    /// The endpoint has changed, or another process holds it.
    pub has_changed: bool,
}

/// The redeliveries that are attempted next.
pub(super) enum RedeliveryLook {
    /// Nothing may be sent.
    Not(SendPermit),
    /// Those that are due, each with what is sent (`None` for an event that the owner may not see), and when the next
    /// one is.
    Found {
        due: Vec<(Redelivery, Option<Outgoing>)>,
        next_at: Option<Timestamp>,
    },
}

/// What is sent: an id and a body.
pub(super) struct Outgoing {
    pub id: String,
    pub body: String,
}

/// A runner's view of its endpoint.
#[derive(Clone)]
pub(super) struct KnownWebhook {
    pub hook: Arc<HookTarget>,
    pub holder: WebhookWorkerId,
    pub revision: i64,
}

impl KnownWebhook {
    fn webhook(&self) -> &Webhook {
        &self.hook.webhook
    }

    /// Whether another process holds the endpoint, or it has changed.
    async fn has_changed(&self, parts: &RunnerParts) -> Result<bool, Fault> {
        let found = repo::revision_of(&parts.db.read, self.webhook().id, self.holder).await?;
        Ok(found != Some(self.revision))
    }

    /// Looked at before anything is sent that was read some time ago.
    pub async fn send_permit(&self, parts: &RunnerParts) -> Result<SendPermit, Fault> {
        let _reading = parts.source.reading().await;
        if self.has_changed(parts).await? {
            return Ok(SendPermit::WebhookChanged);
        }
        Ok(if parts.source.waits(self.webhook()).await? {
            SendPermit::OwnerInactive
        } else {
            SendPermit::Granted
        })
    }
}

/// Reads the next events, and looks after that whether the endpoint is still as it was: a change that was answered before an
/// event happened counts for this event.
pub(super) async fn read(
    parts: Arc<RunnerParts>,
    known: KnownWebhook,
    after: RecordId,
    live: Option<Box<LiveEvents>>,
) -> Result<ReadStep, EventsError> {
    let reading = parts.source.read(known.webhook(), after, live).await?;
    let has_events = match &reading {
        HookReading::Events { events, .. } => !events.is_empty(),
        HookReading::Waits => false,
    };
    Ok(ReadStep {
        has_changed: has_events && known.has_changed(&parts).await?,
        reading,
    })
}

/// Waits for a step, if there is one. A wait that is given up loses nothing.
pub(super) async fn waited<T, E>(step: &mut Awaited<T, E>) -> Result<T, E> {
    match step {
        Some(under_way) => {
            let done = under_way.await;
            *step = None;
            done
        }
        None => pending().await,
    }
}

pub(super) async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// The endpoint as it is stored; `None` once it is deleted.
pub(super) async fn reload(parts: Arc<RunnerParts>, id: WebhookId) -> Result<Option<Reloaded>, Fault> {
    let _reading = parts.source.reading().await;
    let db = &parts.db.read;
    let Some(stored) = repo::look_at(db, id, parts.source.ledger().await?).await? else {
        return Ok(None);
    };
    let secrets = repo::signing(db, (id, stored.webhook.scheme), parts.clock.now()).await?;
    let pending_ahead = repo::pending_ahead(db, id, stored.mark).await?;
    Ok(Some(Reloaded {
        stored,
        secrets,
        pending_ahead,
    }))
}

/// The redeliveries that are due, with what is sent.
pub(super) async fn look_for_redeliveries(
    parts: Arc<RunnerParts>,
    known: KnownWebhook,
    mark: RecordId,
) -> Result<RedeliveryLook, EventsError> {
    let webhook = known.webhook();
    let reading = parts.source.reading().await;
    let most = if webhook.is_ordered { 1 } else { AT_ONCE_MAX };
    let found = repo::redeliveries(&parts.db.read, (webhook.id, mark), most as u64).await?;
    drop(reading);
    let now = parts.clock.now();
    let may_be_more = found.len() == most;
    let is_due = |delivery: &Redelivery| delivery.next_attempt_at.is_some_and(|at| at <= now);
    let (due, later): (Vec<_>, Vec<_>) = found.into_iter().partition(is_due);
    let next_at = later.first().and_then(|delivery| delivery.next_attempt_at);
    if !due.is_empty() {
        let permit = known.send_permit(&parts).await?;
        if permit != SendPermit::Granted {
            return Ok(RedeliveryLook::Not(permit));
        }
    }
    let mut outgoing = Vec::with_capacity(due.len());
    for delivery in due {
        let sent = match delivery.record {
            Some(record) => {
                let event = parts.source.event(webhook, record).await?;
                event.map(|event| Outgoing::of(&parts, &event))
            }
            None => Some(Outgoing {
                id: test_id(delivery.id),
                body: test_body(delivery.id, webhook.id, delivery.created_at),
            }),
        };
        outgoing.push((delivery, sent));
    }
    Ok(RedeliveryLook::Found {
        due: outgoing,
        next_at: next_at.or(may_be_more.then_some(now)),
    })
}

impl Outgoing {
    pub fn of(parts: &RunnerParts, event: &Event) -> Self {
        Self {
            id: event.id.to_string(),
            body: (parts.render)(event),
        }
    }
}

/// What comes of an event that its owner may not see any more, or that the endpoint does not get any more.
pub(super) fn unseen(now: Timestamp) -> AttemptResult {
    AttemptResult {
        at: now,
        response_excerpt: Some("the webhook does not get the event any more".to_owned()),
        ..AttemptResult::default()
    }
}

/// Writes what came of events, and a line of the audit log where the endpoint is disabled with it.
pub(super) fn write(
    parts: &Arc<RunnerParts>,
    holder: WebhookWorkerId,
    stored: &StoredWebhook,
    writes: ProgressWrites,
) -> impl Future<Output = Result<WriteOutcome, Fault>> + Send + use<> {
    let parts = parts.clone();
    let now = parts.clock.now();
    let (webhook, owner) = (stored.webhook.id, stored.webhook.user_id);
    let step = ProgressStep {
        webhook,
        holder,
        revision: stored.revision,
        writes,
        now,
    };
    async move {
        // Fails when the semaphore is closed, which does not happen.
        let _permit = parts.writes.acquire().await.ok();
        let work = parts.db.transaction(move |tx| {
            Box::pin(async move {
                let outcome = repo::write(tx, &step).await?;
                if let (WriteOutcome::Written, Some(reason)) = (outcome, step.writes.disabled) {
                    let line = audit_lines::disabled(webhook, owner, &reason.to_string(), now);
                    audit::record(tx, &[line]).await?;
                }
                Ok::<_, Fault>(outcome)
            })
        });
        work.await
    }
}
