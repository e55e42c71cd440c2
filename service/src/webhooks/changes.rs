//! Changes of endpoints, each with its line of the audit log.

use std::time::Duration;

use chrono::TimeDelta;
use secrecy::SecretString;

use super::secret::SigningSecret;
use super::{Webhook, WebhookPatch, Webhooks, WebhooksError, audit_lines, lock_seen, repo, rules};
use crate::actor::Actor;
use crate::audit;
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::values::{WebhookId, WebhookStatus};

/// The longest time for which the old secret of an endpoint signs beside the new one: seven days.
pub const SECRET_OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Webhooks {
    /// Changes an endpoint. One that is made active again goes on behind its mark, and its pending deliveries are attempted
    /// at once.
    pub async fn update(&self, actor: &Actor, id: WebhookId, patch: WebhookPatch) -> Result<Webhook, WebhooksError> {
        let patch = rules::check_patch(patch, actor, self.policy)?;
        let seen = self.get(actor, id).await?;
        let wallets = patch.wallet_ids.as_ref().and_then(Option::as_deref);
        self.check_wallets(seen.user_id, seen.is_bank_wide, wallets).await?;
        let (asker, now, ledger) = (actor.clone(), self.clock.now(), self.source.ledger().await?);
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                let before = lock_seen(tx, &asker, (id, ledger), now).await?;
                let after = rules::patched(&before, patch);
                if after == before {
                    return Ok(before);
                }
                let begins_anew = after.status == WebhookStatus::Active && before.status != WebhookStatus::Active;
                // What another receiver answered counts no more.
                let forgets_failures = begins_anew || after.url != before.url;
                repo::change(tx, &after, forgets_failures, now).await?;
                if begins_anew {
                    repo::restart_pending(tx, id, now).await?;
                }
                audit::record(tx, &[audit_lines::changed(&asker, &before, &after, now)]).await?;
                Ok(Webhook {
                    failing_since: after.failing_since.filter(|_| !forgets_failures),
                    updated_at: now,
                    ..after
                })
            })
        });
        let changed: Result<Webhook, WebhooksError> = work.await;
        self.runners.changed(id);
        self.with_public_key(changed?).await
    }

    /// Deletes an endpoint, and the first of its deliveries. The others, which may be many, are deleted later.
    pub async fn delete(&self, actor: &Actor, id: WebhookId) -> Result<(), WebhooksError> {
        let (asker, now, ledger) = (actor.clone(), self.clock.now(), self.source.ledger().await?);
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                let webhook = lock_seen(tx, &asker, (id, ledger), now).await?;
                repo::delete(tx, id, now).await?;
                audit::record(tx, &[audit_lines::deleted(&asker, &webhook, now)]).await?;
                Ok(())
            })
        });
        let deleted: Result<(), WebhooksError> = work.await;
        self.runners.changed(id);
        deleted?;
        let db = &self.db;
        let some = db.transaction(move |tx| Box::pin(async move { repo::delete_deliveries_of(tx, id).await }));
        let removed: Result<(), Fault> = some.await;
        Ok(removed?)
    }

    /// Gives an endpoint a new secret. The old one signs beside it during the overlap, at most `SECRET_OVERLAP_MAX`; the one
    /// before it signs no more. Gives the new secret, which cannot be read again; `None` for Ed25519.
    pub async fn rotate_secret(
        &self,
        actor: &Actor,
        id: WebhookId,
        overlap: Duration,
    ) -> Result<(Webhook, Option<SecretString>), WebhooksError> {
        let scheme = self.get(actor, id).await?.scheme;
        let (asker, now, ledger) = (actor.clone(), self.clock.now(), self.source.ledger().await?);
        let secret = SigningSecret::new(scheme, random_bytes());
        let (shared, public_key) = (secret.shared_text(), secret.public_text());
        let overlap = TimeDelta::from_std(overlap.min(SECRET_OVERLAP_MAX)).unwrap_or_default();
        let old_until = (overlap > TimeDelta::zero()).then(|| now + overlap);
        let work = self.db.transaction(move |tx| {
            Box::pin(async move {
                let webhook = lock_seen(tx, &asker, (id, ledger), now).await?;
                repo::rotate(tx, id, &secret, old_until).await?;
                repo::restart(tx, id, now).await?;
                audit::record(tx, &[audit_lines::secret_rotated(&asker, &webhook, old_until, now)]).await?;
                Ok(Webhook {
                    public_key,
                    updated_at: now,
                    ..webhook
                })
            })
        });
        let rotated: Result<Webhook, WebhooksError> = work.await;
        self.runners.changed(id);
        Ok((rotated?, shared))
    }
}
