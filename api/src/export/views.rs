//! The whole object, and the items of an export that no list of the API shows as they are there.

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use service::identity::KeptSession;
use service::identity::api_keys::ApiKey;
use service::values::Timestamp;
use uuid::Uuid;

use crate::resources::api_key_view::ApiKeyView;
use crate::resources::audit_view::AuditLineView;
use crate::resources::transfer_view::TransferView;
use crate::resources::users::UserView;
use crate::resources::wallet_view::WalletView;
use crate::resources::webhook_view::WebhookView;
use crate::samples;
use crate::wire::Time;

/// Everything that the bank has about a person. Written as a stream: one that was broken off is no JSON.
#[derive(Object)]
#[oai(rename = "PersonalData", example)]
pub struct PersonalDataView {
    user: UserView,
    /// The sessions that are still stored: those that were not ended, and after these those that were; each newest first.
    sessions: Vec<ExportedSession>,
    /// All API keys, revoked ones too, newest first.
    api_keys: Vec<ExportedApiKey>,
    /// All webhooks, newest first.
    webhooks: Vec<WebhookView>,
    /// All wallets, newest first.
    wallets: Vec<WalletView>,
    /// The transfers of these wallets, and after these what the person asked for on wallets of others; each newest first.
    transfers: Vec<TransferView>,
    /// The lines of the audit log that tell of the person, without what they tell of others: what the person did, and
    /// after that what was done to them; each newest first.
    audit: Vec<AuditLineView>,
}

/// A session that is still stored.
#[derive(Object, Serialize)]
#[oai(example)]
pub(super) struct ExportedSession {
    /// Names the session.
    id: Uuid,
    /// When the user signed in (RFC 3339, UTC, microseconds).
    created_at: Time,
    /// When the tokens were last refreshed; at first, when the user signed in (RFC 3339, UTC, microseconds).
    last_used_at: Time,
    /// When it ends by itself (RFC 3339, UTC, microseconds).
    expires_at: Time,
    /// When it was ended; null while it is live, and when it expired.
    ended_at: Option<Time>,
    /// The client's IP address at the last refresh; null where it is not known.
    address: Option<String>,
    /// The client's own description of itself at that time, up to 200 characters; null when it gave none.
    user_agent: Option<String>,
}

/// An API key, revoked or not.
#[derive(Object, Serialize)]
#[oai(example)]
pub(super) struct ExportedApiKey {
    #[oai(flatten)]
    #[serde(flatten)]
    key: ApiKeyView,
    /// When it was revoked; null for a key that was not.
    revoked_at: Option<Time>,
}

impl From<KeptSession> for ExportedSession {
    fn from(kept: KeptSession) -> Self {
        let KeptSession { session, ended_at } = kept;
        Self {
            id: session.id.0,
            created_at: Time(session.created_at),
            last_used_at: Time(session.last_used_at),
            expires_at: Time(session.expires_at),
            ended_at: ended_at.map(Time),
            address: session.address.map(|address| address.to_string()),
            user_agent: session.user_agent,
        }
    }
}

impl From<(ApiKey, Option<Timestamp>)> for ExportedApiKey {
    fn from((key, revoked_at): (ApiKey, Option<Timestamp>)) -> Self {
        Self {
            key: key.into(),
            revoked_at: revoked_at.map(Time),
        }
    }
}

impl Example for PersonalDataView {
    fn example() -> Self {
        Self {
            user: UserView::example(),
            sessions: vec![ExportedSession::example()],
            api_keys: vec![ExportedApiKey::example()],
            webhooks: vec![WebhookView::example()],
            wallets: vec![WalletView::example()],
            transfers: vec![TransferView::example()],
            audit: vec![AuditLineView::example()],
        }
    }
}

impl Example for ExportedSession {
    fn example() -> Self {
        Self {
            id: samples::SESSION_ID,
            created_at: samples::time(),
            last_used_at: samples::time(),
            expires_at: samples::time(),
            ended_at: None,
            address: Some("192.0.2.7".to_owned()),
            user_agent: Some("Mozilla/5.0".to_owned()),
        }
    }
}

impl Example for ExportedApiKey {
    fn example() -> Self {
        Self {
            key: ApiKeyView::example(),
            revoked_at: None,
        }
    }
}
