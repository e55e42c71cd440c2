//! Endpoints as callers see them, and as they ask for them. Pure.

use crate::events::{EventCursor, EventTypes};
use crate::values::{SigningScheme, Timestamp, UserId, WalletId, WebhookId, WebhookStatus};

/// An endpoint, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The endpoint's id.
    pub id: WebhookId,
    /// Whose events go there.
    pub user_id: UserId,
    /// Where they go, in the form in which it is kept.
    pub url: String,
    /// The only types of events that it gets; `None` for all.
    pub types: Option<EventTypes>,
    /// The only wallets whose events it gets, in the order of their ids; `None` for every wallet.
    pub wallet_ids: Option<Vec<WalletId>>,
    /// What it is for, in its owner's words.
    pub description: Option<String>,
    /// Whether an event waits until the one before it is delivered or parked.
    pub is_ordered: bool,
    /// Whether it gets the events of all users' wallets, as long as its owner may read them.
    pub is_bank_wide: bool,
    /// How its requests are signed.
    pub scheme: SigningScheme,
    /// The key that verifies the newest signatures; `None` where the receiver verifies with the secret.
    pub public_key: Option<String>,
    /// Whether events go there.
    pub status: WebhookStatus,
    /// Why it is disabled; set exactly when it is.
    pub disabled_reason: Option<String>,
    /// Everything up to this cursor was sent, parked, or waits in a delivery for its next attempt; what comes after it is still
    /// to be sent.
    pub sent_through: EventCursor,
    /// When its first attempt failed after the last success; `None` after a success.
    pub failing_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed, or a delivery was asked for.
    pub updated_at: Timestamp,
}

/// An endpoint as its owner asks for it.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// Where events are to go.
    pub url: String,
    /// Words of types; `None` for all.
    pub types: Option<Vec<String>>,
    /// The only wallets; `None` for every wallet that the caller may use.
    pub wallet_ids: Option<Vec<WalletId>>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether an event waits until the one before it is delivered or parked.
    pub is_ordered: bool,
    /// How its requests are to be signed.
    pub scheme: SigningScheme,
}

/// What is changed of an endpoint. What is `None` stays as it is; an inner `None` takes a limit or a text away.
#[derive(Clone, Debug, Default)]
pub struct WebhookPatch {
    /// Where events go.
    pub url: Option<String>,
    /// Words of types.
    pub types: Option<Option<Vec<String>>>,
    /// The only wallets.
    pub wallet_ids: Option<Option<Vec<WalletId>>>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Whether an event waits until the one before it is delivered or parked.
    pub is_ordered: Option<bool>,
    /// Active or paused.
    pub status: Option<WebhookStatus>,
}
