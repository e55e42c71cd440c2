//! What an endpoint may be, who may see it, and what a change makes of it. Pure.
//!
//! An endpoint reads events for its owner without a request, so a key must not make or change one that reads more than the key
//! itself may.

use super::addresses::AddressPolicy;
use super::endpoint::{NewWebhook, Webhook, WebhookPatch};
use super::error::{WebhookFault, WebhooksError};
use super::url::HookUrl;
use crate::actor::{Actor, Permission, Permissions};
use crate::characters::plain_name;
use crate::events::{EventScope, EventType, EventTypes};
use crate::values::{Role, SigningScheme, UserId, WalletId, WebhookStatus};

/// The most endpoints of one user.
pub const WEBHOOKS_MAX: u64 = 16;
/// The most wallets that an endpoint may be limited to.
pub const HOOK_WALLETS_MAX: usize = 100;
/// The most characters of a description.
pub const DESCRIPTION_MAX: usize = 200;

/// A new endpoint whose fields are good, but for its wallets: only the database knows them.
#[derive(Debug)]
pub(super) struct CheckedWebhook {
    pub url: HookUrl,
    pub types: Option<EventTypes>,
    pub wallet_ids: Option<Vec<WalletId>>,
    pub description: Option<String>,
    pub is_ordered: bool,
    pub is_bank_wide: bool,
    pub scheme: SigningScheme,
}

/// The fields of a change, each of which is good, but for its wallets.
#[derive(Debug, Default)]
pub(super) struct CheckedPatch {
    url: Option<HookUrl>,
    types: Option<Option<EventTypes>>,
    pub wallet_ids: Option<Option<Vec<WalletId>>>,
    description: Option<Option<String>>,
    is_ordered: Option<bool>,
    status: Option<WebhookStatus>,
}

/// Checks in this order: whether the actor may have endpoints; URL, types, wallets and description, of which all that are
/// refused are named; whether the actor may use the wallets.
pub(super) fn check_new(
    new: NewWebhook,
    actor: &Actor,
    policy: AddressPolicy,
) -> Result<CheckedWebhook, WebhooksError> {
    check_writer(actor)?;
    let mut faults = Vec::new();
    let url = url_of(&new.url, policy, &mut faults);
    let types = new.types.map(|words| types_of(&words, &mut faults));
    let wallet_ids = wallets_for(actor, new.wallet_ids, &mut faults);
    let description = new.description.and_then(|text| description_of(&text, &mut faults));
    let url = match url {
        Some(url) if faults.is_empty() => url,
        Some(_) | None => return Err(WebhooksError::Invalid(faults)),
    };
    check_usable(actor, wallet_ids.as_deref())?;
    Ok(CheckedWebhook {
        url,
        types,
        wallet_ids,
        description,
        is_ordered: new.is_ordered,
        is_bank_wide: actor.may(Permission::EventsRead),
        scheme: new.scheme,
    })
}

/// The same for the fields of a change, and last the status.
pub(super) fn check_patch(
    patch: WebhookPatch,
    actor: &Actor,
    policy: AddressPolicy,
) -> Result<CheckedPatch, WebhooksError> {
    check_writer(actor)?;
    let mut faults = Vec::new();
    let url = patch.url.and_then(|url| url_of(&url, policy, &mut faults));
    let types = patch
        .types
        .map(|words| words.map(|words| types_of(&words, &mut faults)));
    let wallet_ids = patch.wallet_ids.map(|wallets| wallets_for(actor, wallets, &mut faults));
    let description = patch
        .description
        .map(|text| text.and_then(|text| description_of(&text, &mut faults)));
    if patch.status == Some(WebhookStatus::Disabled) {
        faults.push(WebhookFault::Status);
    }
    if !faults.is_empty() {
        return Err(WebhooksError::Invalid(faults));
    }
    check_usable(actor, wallet_ids.as_ref().and_then(Option::as_deref))?;
    Ok(CheckedPatch {
        url,
        types,
        wallet_ids,
        description,
        is_ordered: patch.is_ordered,
        status: patch.status,
    })
}

/// Refuses an actor without `webhooks:write`, and an API key that may send events but not read them.
pub(super) fn check_writer(actor: &Actor) -> Result<(), WebhooksError> {
    let may = actor.may(Permission::WebhooksManage)
        || (actor.may(Permission::WebhooksWrite) && actor.may(Permission::TransfersRead));
    if may { Ok(()) } else { Err(WebhooksError::Forbidden) }
}

/// Whether the actor may see and change an endpoint: staff with `webhooks:manage` any; a signed-in owner their own; an owner's
/// key only endpoints whose events the key itself may read.
pub(super) fn may_see(actor: &Actor, webhook: &Webhook) -> bool {
    if actor.may(Permission::WebhooksManage) {
        return true;
    }
    if webhook.user_id != actor.user || !actor.may(Permission::WebhooksWrite) {
        return false;
    }
    if actor.api_key().is_none() {
        return true;
    }
    let reaches = match (&actor.wallets, &webhook.wallet_ids) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(_), Some(wallets)) => wallets.iter().all(|wallet| actor.may_use(*wallet)),
    };
    reaches && (!webhook.is_bank_wide || actor.may(Permission::EventsRead))
}

/// The endpoint after a change.
pub(super) fn patched(webhook: &Webhook, patch: CheckedPatch) -> Webhook {
    let status = patch.status.unwrap_or(webhook.status);
    Webhook {
        url: patch
            .url
            .map_or_else(|| webhook.url.clone(), |url| url.as_str().to_owned()),
        types: patch.types.unwrap_or(webhook.types),
        wallet_ids: patch.wallet_ids.unwrap_or_else(|| webhook.wallet_ids.clone()),
        description: patch.description.unwrap_or_else(|| webhook.description.clone()),
        is_ordered: patch.is_ordered.unwrap_or(webhook.is_ordered),
        status,
        disabled_reason: webhook
            .disabled_reason
            .clone()
            .filter(|_| status == WebhookStatus::Disabled),
        ..webhook.clone()
    }
}

/// Whose events go to an endpoint now; `None` while its owner may have none, so that its events wait. `role` is that of an
/// owner who is active.
pub(super) fn scope_of(owner: UserId, role: Option<Role>, is_bank_wide: bool) -> Option<EventScope> {
    let permissions = Permissions::of(role?);
    if !permissions.contains(Permission::WebhooksWrite) {
        return None;
    }
    let sees_all = is_bank_wide && permissions.contains(Permission::EventsRead);
    Some(if sees_all {
        EventScope::All
    } else {
        EventScope::Own {
            user: owner,
            only: None,
        }
    })
}

fn url_of(text: &str, policy: AddressPolicy, faults: &mut Vec<WebhookFault>) -> Option<HookUrl> {
    let url = HookUrl::parse(text, policy);
    url.map_err(|refusal| faults.push(WebhookFault::Url(refusal))).ok()
}

fn types_of(words: &[String], faults: &mut Vec<WebhookFault>) -> EventTypes {
    if words.is_empty() {
        faults.push(WebhookFault::NoTypes);
    }
    let types = words.iter().enumerate().filter_map(|(index, word)| {
        let kind = EventType::parse(word);
        if kind.is_none() {
            let word = word.clone();
            faults.push(WebhookFault::UnknownType { index, word });
        }
        kind
    });
    types.collect()
}

/// Without a list of wallets, a key that is limited to some asks for these. In the order of their ids, each once.
fn wallets_for(actor: &Actor, asked: Option<Vec<WalletId>>, faults: &mut Vec<WebhookFault>) -> Option<Vec<WalletId>> {
    let mut wallets = asked.or_else(|| actor.wallets.as_deref().map(<[WalletId]>::to_vec))?;
    if !(1..=HOOK_WALLETS_MAX).contains(&wallets.len()) {
        faults.push(WebhookFault::WalletCount);
    }
    wallets.sort_unstable();
    wallets.dedup();
    Some(wallets)
}

/// Refuses a wallet that the actor, a key, may not use.
fn check_usable(actor: &Actor, wallets: Option<&[WalletId]>) -> Result<(), WebhooksError> {
    let other = wallets
        .unwrap_or_default()
        .iter()
        .find(|wallet| !actor.may_use(**wallet));
    other.map_or(Ok(()), |other| Err(WebhooksError::WalletNotFound(*other)))
}

fn description_of(text: &str, faults: &mut Vec<WebhookFault>) -> Option<String> {
    let description = plain_name(text, DESCRIPTION_MAX);
    if description.is_none() {
        faults.push(WebhookFault::Description);
    }
    description
}

#[cfg(test)]
mod tests;
