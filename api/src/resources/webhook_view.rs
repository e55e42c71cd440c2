//! Webhooks and their deliveries as clients see them. The secret is in one object only.

use poem_openapi::Object;
use poem_openapi::types::Example;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use service::events::EventTypes;
use service::values::WalletId;
use service::webhooks::{Delivery, Webhook};
use uuid::{Uuid, uuid};

use super::event_view::SAMPLE_CURSOR;
use crate::samples;
use crate::wire::{DeliveryStatusWord, Located, SigningWord, Time, WebhookStatusWord};

/// A program that the bank tells of events, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Webhook", example)]
pub struct WebhookView {
    /// Names the webhook.
    pub id: Uuid,
    /// The user who made it. It gets the events that this user may see.
    pub user_id: Uuid,
    /// Where the requests go.
    pub url: String,
    /// The types of the events that it gets; null for all, those of later versions too.
    pub types: Option<Vec<String>>,
    /// The only wallets whose events it gets; null for every wallet whose events its user may see.
    pub wallet_ids: Option<Vec<Uuid>>,
    /// What it is for; null when the user gave no text.
    pub description: Option<String>,
    /// True if each event waits until the one before it is delivered or parked.
    pub ordered: bool,
    /// True if it gets the events of all users, as long as its user may read them.
    pub bank_wide: bool,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub signing: SigningWord,
    /// The key that checks the signatures, `whpk_` and base64; null for `hmac`.
    pub public_key: Option<String>,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: WebhookStatusWord,
    /// Why the bank has disabled it; null unless it is disabled.
    pub disabled_reason: Option<String>,
    /// Everything up to this cursor was sent, or is in the list of deliveries: `GET /v1/events?after=` it shows what waits.
    #[oai(validator(pattern = "^[A-Za-z0-9_-]{30}$"))]
    pub sent_through: String,
    /// When the first attempt failed since its last success (RFC 3339, UTC, microseconds); null while none has. After three days
    /// the bank disables it.
    pub failing_since: Option<Time>,
    /// When it was made (RFC 3339, UTC, microseconds).
    pub created_at: Time,
    /// When it was last changed (RFC 3339, UTC, microseconds).
    pub updated_at: Time,
}

/// A webhook with its new secret, which is shown this once.
#[derive(Object, Serialize)]
#[oai(rename = "IssuedWebhook", example)]
pub struct IssuedWebhookView {
    /// Names the webhook.
    id: Uuid,
    /// The user who made it. It gets the events that this user may see.
    user_id: Uuid,
    /// Where the requests go.
    url: String,
    /// The types of the events that it gets; null for all, those of later versions too.
    types: Option<Vec<String>>,
    /// The only wallets whose events it gets; null for every wallet whose events its user may see.
    wallet_ids: Option<Vec<Uuid>>,
    /// What it is for; null when the user gave no text.
    description: Option<String>,
    /// True if each event waits until the one before it is delivered or parked.
    ordered: bool,
    /// True if it gets the events of all users, as long as its user may read them.
    bank_wide: bool,
    signing: SigningWord,
    /// The key that checks the signatures, `whpk_` and base64; null for `hmac`.
    public_key: Option<String>,
    status: WebhookStatusWord,
    /// Why the bank has disabled it; null unless it is disabled.
    disabled_reason: Option<String>,
    /// Everything up to this cursor was sent, or is in the list of deliveries: `GET /v1/events?after=` it shows what waits.
    #[oai(validator(pattern = "^[A-Za-z0-9_-]{30}$"))]
    sent_through: String,
    /// When the first attempt failed since its last success (RFC 3339, UTC, microseconds); null while none has. After three days
    /// the bank disables it.
    failing_since: Option<Time>,
    /// When it was made (RFC 3339, UTC, microseconds).
    created_at: Time,
    /// When it was last changed (RFC 3339, UTC, microseconds).
    updated_at: Time,
    /// The secret that signs and verifies, `whsec_` and base64; null for `ed25519`, where the receiver verifies with
    /// `public_key` and the key that signs never leaves the bank.
    #[oai(validator(pattern = "^whsec_[0-9A-Za-z+/]+={0,2}$"))]
    secret: Option<String>,
}

/// An event on its way to a webhook, or a test.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Delivery", example)]
pub struct DeliveryView {
    /// Names the delivery.
    pub id: Uuid,
    /// The event's id, which every request has in its header webhook-id; of a test the delivery's own.
    pub event_id: String,
    /// The event's type, or `webhook.test`.
    #[serde(rename = "type")]
    #[oai(rename = "type", validator(pattern = "^[a-z_]+[.][a-z_]+$"))]
    pub kind: String,
    #[expect(missing_docs, reason = "see `resources/mod.rs` on named schemas")]
    pub status: DeliveryStatusWord,
    /// How often it was tried.
    pub attempts: u32,
    /// When the next one is sent (RFC 3339, UTC, microseconds); null when none is.
    pub next_attempt_at: Option<Time>,
    /// The HTTP status of the last answer; null when there was none.
    pub response_status: Option<u16>,
    /// The beginning of the last answer, or why there was none; null when it was empty.
    pub response_excerpt: Option<String>,
    /// When the first attempt ended, or the test began (RFC 3339, UTC, microseconds).
    pub created_at: Time,
}

impl Located for IssuedWebhookView {
    fn location(&self) -> String {
        format!("/v1/webhooks/{}", self.id)
    }
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        let words = |types: EventTypes| types.iter().map(|kind| kind.as_str().to_owned()).collect();
        let ids = |wallets: Vec<WalletId>| wallets.into_iter().map(|wallet| wallet.0).collect();
        Self {
            id: webhook.id.0,
            user_id: webhook.user_id.0,
            url: webhook.url,
            types: webhook.types.map(words),
            wallet_ids: webhook.wallet_ids.map(ids),
            description: webhook.description,
            ordered: webhook.is_ordered,
            bank_wide: webhook.is_bank_wide,
            signing: webhook.scheme.into(),
            public_key: webhook.public_key,
            status: webhook.status.into(),
            disabled_reason: webhook.disabled_reason,
            sent_through: webhook.sent_through.to_string(),
            failing_since: webhook.failing_since.map(Time),
            created_at: Time(webhook.created_at),
            updated_at: Time(webhook.updated_at),
        }
    }
}

impl From<(Webhook, Option<SecretString>)> for IssuedWebhookView {
    fn from((webhook, secret): (Webhook, Option<SecretString>)) -> Self {
        let secret = secret.map(|secret| secret.expose_secret().to_owned());
        Self::of(webhook.into(), secret)
    }
}

impl IssuedWebhookView {
    fn of(webhook: WebhookView, secret: Option<String>) -> Self {
        Self {
            id: webhook.id,
            user_id: webhook.user_id,
            url: webhook.url,
            types: webhook.types,
            wallet_ids: webhook.wallet_ids,
            description: webhook.description,
            ordered: webhook.ordered,
            bank_wide: webhook.bank_wide,
            signing: webhook.signing,
            public_key: webhook.public_key,
            status: webhook.status,
            disabled_reason: webhook.disabled_reason,
            sent_through: webhook.sent_through,
            failing_since: webhook.failing_since,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
            secret,
        }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.0,
            event_id: delivery.event_id,
            kind: delivery.kind,
            status: delivery.status.into(),
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at.map(Time),
            response_status: delivery.response_status,
            response_excerpt: delivery.response_excerpt,
            created_at: Time(delivery.created_at),
        }
    }
}

const SAMPLE_ID: Uuid = uuid!("01993f2a-7e00-7b90-90b1-ef949de0f10a");
const SAMPLE_DELIVERY_ID: Uuid = uuid!("01993f2a-7f00-7ca0-91c2-f0a5aef1f20b");
/// Where no program listens.
pub const SAMPLE_URL: &str = "https://shop.example/florin";
/// The description in the examples.
pub const SAMPLE_DESCRIPTION: &str = "paid orders";
/// Of 32 bytes of zero: no webhook has this secret.
const SAMPLE_SECRET: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The types in the samples.
pub fn sample_types() -> Vec<String> {
    ["transfer.completed", "hold.captured"].map(str::to_owned).into()
}

impl Example for WebhookView {
    fn example() -> Self {
        Self {
            id: SAMPLE_ID,
            user_id: samples::USER_ID,
            url: SAMPLE_URL.to_owned(),
            types: Some(sample_types()),
            wallet_ids: Some(vec![samples::WALLET_ID]),
            description: Some(SAMPLE_DESCRIPTION.to_owned()),
            ordered: true,
            bank_wide: false,
            signing: SigningWord::Hmac,
            public_key: None,
            status: WebhookStatusWord::Active,
            disabled_reason: None,
            sent_through: SAMPLE_CURSOR.to_owned(),
            failing_since: None,
            created_at: samples::time(),
            updated_at: samples::time(),
        }
    }
}

impl Example for IssuedWebhookView {
    fn example() -> Self {
        Self::of(WebhookView::example(), Some(SAMPLE_SECRET.to_owned()))
    }
}

impl Example for DeliveryView {
    fn example() -> Self {
        Self {
            id: SAMPLE_DELIVERY_ID,
            event_id: SAMPLE_CURSOR.to_owned(),
            kind: "transfer.completed".to_owned(),
            status: DeliveryStatusWord::Delivered,
            attempts: 1,
            next_attempt_at: None,
            response_status: Some(204),
            response_excerpt: None,
            created_at: samples::time(),
        }
    }
}
