//! What API keys tell the audit log: all of a key but its secrets and their digests.

use serde_json::{Value, json};

use super::{ApiKey, network_text};
use crate::actor::{Actor, Permission};
use crate::audit::{AuditAction, AuditLine, AuditSubject};
use crate::values::{Timestamp, time_text};

/// A key was made.
pub(super) fn created(actor: &Actor, key: &ApiKey, now: Timestamp) -> AuditLine {
    about(AuditAction::ApiKeyCreated, actor, key, now).after(&shown(key))
}

/// A key has a new secret.
pub(super) fn rolled(actor: &Actor, key: &ApiKey, now: Timestamp) -> AuditLine {
    let mut after = shown(key);
    after["old_secret_until"] = json!(key.former_ends_at.map(time_text));
    about(AuditAction::ApiKeyRolled, actor, key, now).after(&after)
}

/// A key was revoked; the line tells what it was until then.
pub(super) fn revoked(actor: &Actor, key: &ApiKey, now: Timestamp) -> AuditLine {
    about(AuditAction::ApiKeyRevoked, actor, key, now).before(&shown(key))
}

fn about(action: AuditAction, actor: &Actor, key: &ApiKey, now: Timestamp) -> AuditLine {
    AuditLine::at(action, now)
        .by(actor)
        .to(AuditSubject::ApiKey(key.id), Some(key.owner))
}

fn shown(key: &ApiKey) -> Value {
    let scopes: Vec<&str> = key.scopes.iter().map(Permission::as_str).collect();
    let addresses = key.networks.as_deref();
    let addresses = addresses.map(|networks| networks.iter().map(network_text).collect::<Vec<String>>());
    json!({
        "name": key.name,
        "scopes": scopes,
        "wallet_ids": key.wallets.as_deref(),
        "addresses": addresses,
        "expires_at": key.expires_at.map(time_text),
    })
}
