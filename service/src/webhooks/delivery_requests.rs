//! What is asked for of deliveries: a list, a test, another attempt, and events from an earlier place on.

use sea_orm::DatabaseTransaction;
use tokio::time::timeout;

use super::delivery::{test_body, test_id};
use super::outbound::HookTarget;
use super::progress::PENDING_MAX;
use super::sender::ATTEMPT_MAX;
use super::{Delivery, Webhook, Webhooks, WebhooksError, audit_lines, lock_seen, repo};
use crate::actor::Actor;
use crate::audit;
use crate::clock::id_at;
use crate::db::Fault;
use crate::events::{EventCursor, EventScope};
use crate::page::{Page, PageRequest};
use crate::values::{DeliveryId, DeliveryStatus, RecordId, WebhookId, WebhookStatus};

impl Webhooks {
    /// The deliveries of an endpoint, of any status or of one, newest first.
    pub async fn deliveries(
        &self,
        actor: &Actor,
        id: WebhookId,
        status: Option<DeliveryStatus>,
        request: PageRequest<DeliveryId>,
    ) -> Result<Page<Delivery, DeliveryId>, WebhooksError> {
        self.get(actor, id).await?;
        let ledger = self.source.ledger().await?;
        let found = repo::list_deliveries(&self.db.read, (id, status), &request, ledger).await?;
        Ok(Page::of(found, &request, |delivery| delivery.id))
    }

    /// Sends a test to an endpoint at once and once, whatever its status, out of the order of its events. It counts for nothing
    /// else. A caller who goes away does not stop it. A user has few tests in hand at a time.
    pub async fn test(&self, actor: &Actor, id: WebhookId) -> Result<Delivery, WebhooksError> {
        let webhook = self.get(actor, id).await?;
        let permit = self.outbound.test_permit(actor.user);
        let permit = permit.ok_or(WebhooksError::TooManyTests)?;
        let (webhooks, asker) = (self.clone(), actor.clone());
        let task = tokio::spawn(async move {
            let _permit = permit;
            webhooks.send_test(&asker, webhook).await
        });
        task.await.map_err(Fault::broken)?
    }

    async fn send_test(&self, asker: &Actor, webhook: Webhook) -> Result<Delivery, WebhooksError> {
        let (webhook_id, began_at) = (webhook.id, self.clock.now());
        let id = DeliveryId(id_at(began_at));
        let secrets = repo::signing(&self.db.read, (webhook_id, webhook.scheme), began_at).await?;
        let body = test_body(id, webhook_id, began_at);
        let target = HookTarget::new(webhook, secrets, self.policy);
        // The requests before it may all wait for a server that hangs.
        let permit = timeout(ATTEMPT_MAX, self.outbound.permit(&target)).await;
        let permit = permit.map_err(|_| WebhooksError::TooManyTests)?;
        let event_id = test_id(id);
        let what = (event_id.as_str(), body.as_str());
        let result = self.outbound.attempt(&target, what, permit).await;
        let (asker, now, ledger) = (asker.clone(), self.clock.now(), self.source.ledger().await?);
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                lock_seen(tx, &asker, (webhook_id, ledger), now).await?;
                Ok(repo::add_test(tx, webhook_id, id, (began_at, &result)).await?)
            })
        });
        work.await
    }

    /// Has a delivery attempted again at once, whatever became of it. Gives it as it is then.
    pub async fn retry(&self, actor: &Actor, id: WebhookId, delivery: DeliveryId) -> Result<Delivery, WebhooksError> {
        let (asker, now, ledger) = (actor.clone(), self.clock.now(), self.source.ledger().await?);
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                check_room(tx, &lock_seen(tx, &asker, (id, ledger), now).await?).await?;
                let asked = repo::ask_again(tx, (id, delivery), now, ledger).await?;
                let asked = asked.ok_or(WebhooksError::DeliveryNotFound)?;
                repo::restart(tx, id, now).await?;
                Ok(asked)
            })
        });
        let asked: Result<Delivery, WebhooksError> = work.await;
        self.runners.changed(id);
        asked
    }

    /// Sends an endpoint all events after a cursor, or from the first one on, that its owner may see and that it gets; those
    /// that it has had come again, with the same ids.
    pub async fn replay(
        &self,
        actor: &Actor,
        id: WebhookId,
        after: Option<&EventCursor>,
    ) -> Result<Webhook, WebhooksError> {
        self.get(actor, id).await?;
        let mark = match after {
            Some(after) => self.source.record_of(&EventScope::of(actor), after).await?,
            None => RecordId::BELOW_ALL,
        };
        let ledger = self.source.ledger().await?;
        let sent_through = EventCursor::new(ledger, mark);
        let (asker, now, text) = (actor.clone(), self.clock.now(), after.map(EventCursor::to_string));
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                let webhook = lock_seen(tx, &asker, (id, ledger), now).await?;
                repo::replay(tx, id, mark, now).await?;
                audit::record(tx, &[audit_lines::replayed(&asker, &webhook, text.as_deref(), now)]).await?;
                Ok(Webhook {
                    sent_through,
                    updated_at: now,
                    ..webhook
                })
            })
        });
        let replayed: Result<Webhook, WebhooksError> = work.await;
        self.runners.changed(id);
        self.with_public_key(replayed?).await
    }
}

/// Refuses another attempt where none would be made, or too many wait.
async fn check_room(tx: &DatabaseTransaction, webhook: &Webhook) -> Result<(), WebhooksError> {
    if webhook.status != WebhookStatus::Active {
        return Err(WebhooksError::NotActive);
    }
    if repo::count_pending(tx, webhook.id).await? >= PENDING_MAX {
        return Err(WebhooksError::TooManyPending);
    }
    Ok(())
}
