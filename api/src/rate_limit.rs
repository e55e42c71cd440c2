//! Whose requests the general limit counts: those of a user, with any token and any API key, else of an address.

use std::sync::Arc;

use service::Services;
use service::identity::ThrottleKey;
use service::identity::api_keys::ApiKeys;

use crate::edge::{Asker, RequestLimit, RequestsLeft};

/// The general limit; `None` when it is off.
pub fn request_limit(services: &Arc<Services>) -> Option<RequestLimit> {
    if !services.identity.throttles().callers.is_on() {
        return None;
    }
    let services = services.clone();
    Some(RequestLimit::new(move |asker| {
        let services = services.clone();
        Box::pin(async move { count(&services, asker).await })
    }))
}

async fn count(services: &Services, asker: Asker) -> Option<RequestsLeft> {
    let caller = caller(services, &asker).await?;
    let budget = services.identity.throttles().callers.count(caller).await?;
    Some(RequestsLeft {
        per_minute: budget.per_minute,
        left: budget.left,
        more_in_s: budget.more_in_s,
        retry_after_s: budget.refused.map(|refused| refused.retry_after_s),
    })
}

/// Requests with a forged or expired token count for their address.
async fn caller(services: &Services, asker: &Asker) -> Option<ThrottleKey> {
    let address = asker.address.map(ThrottleKey::address);
    let Some(token) = &asker.token else {
        return address;
    };
    if is_refused_unread(services, token, address).await {
        return address;
    }
    match crate::auth::actor_of(services, token, asker.address, false).await {
        // A user's API keys count for the user: a new key must not bring new requests.
        Ok(actor) => Some(ThrottleKey::user(actor.user.0)),
        Err(_) => address,
    }
}

/// True for an API key that would have to be looked up, from an address whose requests are used up. It may not exist, and
/// looking it up costs a read of the database.
async fn is_refused_unread(services: &Services, token: &str, address: Option<ThrottleKey>) -> bool {
    let Some(address) = address else {
        return false;
    };
    let identity = &services.identity;
    ApiKeys::is_api_key(token)
        && !identity.api_keys.remembers(token)
        && identity.throttles().callers.refuses(address).await
}
