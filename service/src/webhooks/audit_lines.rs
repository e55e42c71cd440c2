//! What webhooks tell the audit log: all of an endpoint but its secrets.

use serde_json::{Value, json};

use super::endpoint::Webhook;
use crate::actor::Actor;
use crate::audit::{AuditAction, AuditLine, AuditSubject};
use crate::events::EventType;
use crate::values::{Timestamp, UserId, WebhookId, WebhookStatus, time_text};

/// An endpoint was made.
pub(super) fn created(actor: &Actor, webhook: &Webhook, now: Timestamp) -> AuditLine {
    about(AuditAction::WebhookCreated, actor, webhook, now).after(&shown(webhook))
}

/// An endpoint was changed.
pub(super) fn changed(actor: &Actor, before: &Webhook, after: &Webhook, now: Timestamp) -> AuditLine {
    let line = about(AuditAction::WebhookChanged, actor, after, now);
    line.before(&shown(before)).after(&shown(after))
}

/// An endpoint was disabled by the bank itself, since it takes nothing.
pub(super) fn disabled(webhook: WebhookId, owner: UserId, reason: &str, now: Timestamp) -> AuditLine {
    let before = json!({ "status": WebhookStatus::Active.as_str() });
    let after = json!({ "status": WebhookStatus::Disabled.as_str(), "disabled_reason": reason });
    let line = AuditLine::at(AuditAction::WebhookChanged, now);
    let line = line.to(AuditSubject::Webhook(webhook), Some(owner));
    line.before(&before).after(&after)
}

/// An endpoint was deleted; the line tells what it was until then.
pub(super) fn deleted(actor: &Actor, webhook: &Webhook, now: Timestamp) -> AuditLine {
    about(AuditAction::WebhookDeleted, actor, webhook, now).before(&shown(webhook))
}

/// An endpoint has a new secret.
pub(super) fn secret_rotated(
    actor: &Actor,
    webhook: &Webhook,
    old_secret_until: Option<Timestamp>,
    now: Timestamp,
) -> AuditLine {
    let after = json!({ "old_secret_until": old_secret_until.map(time_text) });
    about(AuditAction::WebhookSecretRotated, actor, webhook, now).after(&after)
}

/// An endpoint gets events again; `None` from the first one on.
pub(super) fn replayed(actor: &Actor, webhook: &Webhook, after: Option<&str>, now: Timestamp) -> AuditLine {
    about(AuditAction::WebhookReplayed, actor, webhook, now).after(&json!({ "events_after": after }))
}

fn about(action: AuditAction, actor: &Actor, webhook: &Webhook, now: Timestamp) -> AuditLine {
    AuditLine::at(action, now)
        .by(actor)
        .to(AuditSubject::Webhook(webhook.id), Some(webhook.user_id))
}

/// Without the query of the URL, in which receivers often have a secret of their own.
fn shown(webhook: &Webhook) -> Value {
    let url = webhook.url.split('?').next();
    let types = webhook
        .types
        .map(|types| types.iter().map(EventType::as_str).collect::<Vec<_>>());
    json!({
        "url": url,
        "types": types,
        "wallet_ids": webhook.wallet_ids,
        "description": webhook.description,
        "ordered": webhook.is_ordered,
        "signing": webhook.scheme.as_str(),
        "status": webhook.status.as_str(),
        "disabled_reason": webhook.disabled_reason,
    })
}
