//! Why an endpoint cannot be made, seen or changed, and why a delivery cannot be asked for.

use super::url::UrlRefusal;
use crate::db::Fault;
use crate::events::EventsError;
use crate::values::WalletId;

/// Refusals and faults of webhooks.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// Answered when there is no endpoint with the id, it was deleted, or the actor may not see it.
    #[error("there is no such webhook")]
    NotFound,
    /// Answered when the endpoint has no delivery with the id.
    #[error("there is no such delivery")]
    DeliveryNotFound,
    /// Answered when there is no wallet with the id, or the endpoint's owner or the key may not use it; nothing was changed.
    #[error("there is no wallet {0}")]
    WalletNotFound(WalletId),
    /// Answered when fields are refused, all of which are named; nothing was changed.
    #[error("a field of the webhook is not acceptable")]
    Invalid(Vec<WebhookFault>),
    /// Answered when a delivery is asked for at an endpoint that is paused or disabled.
    #[error("the webhook is not active")]
    NotActive,
    /// Answered when the owner has as many endpoints as one may have.
    #[error("a user has at most {max} webhooks", max = super::WEBHOOKS_MAX)]
    TooManyWebhooks,
    /// Answered when as many deliveries of the endpoint wait as may.
    #[error("too many deliveries of the webhook are waiting")]
    TooManyPending,
    /// Answered when as many tests of the user are in hand as may be, or the server has as many requests as it may have.
    #[error("too many tests of webhooks are in hand")]
    TooManyTests,
    /// Answered to a caller whose role has no webhooks, to a key without `transfers:read`, and to a customer who names another
    /// user.
    #[error("the actor may not manage these webhooks")]
    Forbidden,
    /// Answered when the user who asks is suspended, has another role or has signed out since the token was signed.
    #[error("the user who asks was suspended, has another role, or has signed out")]
    AskerChanged,
    /// Answered when a cursor names no event of this bank.
    #[error("the cursor is not one of this bank")]
    UnknownCursor,
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a field of a new webhook, or of a change of one, is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookFault {
    /// Webhooks may not go to the URL.
    Url(UrlRefusal),
    /// The list of types is empty.
    NoTypes,
    /// A word is not a type of events. The index counts from 0.
    UnknownType {
        /// Its place in the list.
        index: usize,
        /// What the caller named.
        word: String,
    },
    /// The list of wallets is empty, or has more than `HOOK_WALLETS_MAX`.
    WalletCount,
    /// The description has no visible character, another one, or more than `DESCRIPTION_MAX`.
    Description,
    /// The webhook is to be disabled: only the bank does that.
    Status,
}

impl From<EventsError> for WebhooksError {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::UnknownCursor => Self::UnknownCursor,
            EventsError::Fault(fault) => Self::Fault(fault),
            // Answered to subscriptions, and to filters with wallets, which no caller of these functions has.
            EventsError::WalletNotFound
            | EventsError::TooManyStreams
            | EventsError::Overloaded
            | EventsError::WentBack
            | EventsError::Stopping => Self::Fault(Fault::unreachable(error)),
        }
    }
}
