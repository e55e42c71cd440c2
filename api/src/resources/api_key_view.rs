//! API keys as clients ask for them and see them. The secret is in one object only.

use chrono::{DateTime, Utc};
use poem_openapi::Object;
use poem_openapi::types::Example;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service::identity::api_keys::{ApiKey, NewApiKey, RollOverlap, network_text};
use service::values::WalletId;
use uuid::Uuid;

use crate::fields::Input;
use crate::problem::Problem;
use crate::samples;
use crate::wire::{Located, Time};

/// A key to make.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewApiKey", example)]
#[serde(deny_unknown_fields)]
pub struct NewApiKeyInput {
    /// What it is for, 1 to 100 visible characters.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// Permissions such as `transfers:write`, all of which the caller has. A key never has those that manage users and keys.
    #[oai(validator(min_items = 1))]
    scopes: Vec<String>,
    /// The only wallets that it may use, at most 100; every wallet of its owner when this is missing.
    #[oai(validator(min_items = 1, max_items = 100))]
    wallet_ids: Option<Vec<Uuid>>,
    /// The only IP addresses and networks that it may be used from, at most 20, such as `192.0.2.0/24`; any when this is
    /// missing.
    #[oai(validator(min_items = 1, max_items = 20))]
    addresses: Option<Vec<String>>,
    /// When it ends by itself, at most ten years from now; never when this is missing.
    expires_at: Option<DateTime<Utc>>,
}

/// How a key is to be rolled.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "ApiKeyRoll", example)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRollInput {
    /// For how many seconds the old secret stays valid, 0 to 604 800; 86 400, a day, when this is missing.
    #[oai(validator(minimum(value = "0"), maximum(value = "604800")))]
    overlap_s: Option<i64>,
}

/// An API key, without its secret.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ApiKey", example)]
pub struct ApiKeyView {
    /// Names the key; it is no secret.
    pub id: Uuid,
    /// The person who made it, and as whom it acts.
    pub user_id: Uuid,
    /// What it is for.
    pub name: String,
    /// What it may do, as long as its owner may do it too.
    pub scopes: Vec<String>,
    /// The only wallets that it may use; null for every wallet of its owner.
    pub wallet_ids: Option<Vec<Uuid>>,
    /// The only IP addresses and networks that it may be used from; null for any.
    pub addresses: Option<Vec<String>>,
    /// When it was made (RFC 3339, UTC, microseconds).
    pub created_at: Time,
    /// When it ends by itself; null for never.
    pub expires_at: Option<Time>,
    /// Until when the secret before the last roll is valid too; null when it is not.
    pub old_secret_until: Option<Time>,
    /// When it was last used, to the minute; null for never.
    pub last_used_at: Option<Time>,
}

/// An API key with its secret, which is shown this once.
#[derive(Object, Serialize)]
#[oai(rename = "IssuedApiKey", example)]
pub struct IssuedApiKeyView {
    /// Names the key; it is no secret.
    id: Uuid,
    /// The person who made it, and as whom it acts.
    user_id: Uuid,
    /// What it is for.
    name: String,
    /// What it may do, as long as its owner may do it too.
    scopes: Vec<String>,
    /// The only wallets that it may use; null for every wallet of its owner.
    wallet_ids: Option<Vec<Uuid>>,
    /// The only IP addresses and networks that it may be used from; null for any.
    addresses: Option<Vec<String>>,
    /// When it was made (RFC 3339, UTC, microseconds).
    created_at: Time,
    /// When it ends by itself; null for never.
    expires_at: Option<Time>,
    /// Until when the secret before the last roll is valid too; null when it is not.
    old_secret_until: Option<Time>,
    /// When it was last used, to the minute; null for never.
    last_used_at: Option<Time>,
    /// What a program sends as its bearer token. The bank cannot show it again.
    #[oai(validator(pattern = "^florin_ak_[0-9A-Za-z]{49}$"))]
    secret: String,
}

impl Input for NewApiKeyInput {}

impl Input for ApiKeyRollInput {}

impl ApiKeyRollInput {
    /// The overlap, or the problem with it.
    pub fn overlap(&self) -> Result<RollOverlap, Problem> {
        let Some(seconds) = self.overlap_s else {
            return Ok(RollOverlap::default());
        };
        RollOverlap::try_new(seconds).ok_or_else(|| {
            let message = format!("must be a whole number from 0 to {}", RollOverlap::SECONDS_MAX);
            Problem::unprocessable_field("overlap_s", message)
        })
    }
}

impl Located for IssuedApiKeyView {
    fn location(&self) -> String {
        format!("/v1/api-keys/{}", self.id)
    }
}

impl From<NewApiKeyInput> for NewApiKey {
    fn from(input: NewApiKeyInput) -> Self {
        let wallets = |ids: Vec<Uuid>| ids.into_iter().map(WalletId).collect();
        Self {
            name: input.name,
            scopes: input.scopes,
            wallets: input.wallet_ids.map(wallets),
            addresses: input.addresses,
            expires_at: input.expires_at,
        }
    }
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        let ids = key
            .wallets
            .as_deref()
            .map(|wallets| wallets.iter().map(|id| id.0).collect());
        let addresses = key
            .networks
            .as_deref()
            .map(|all| all.iter().map(network_text).collect());
        Self {
            id: key.id.0,
            user_id: key.owner.0,
            name: key.name,
            scopes: key.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            wallet_ids: ids,
            addresses,
            created_at: Time(key.created_at),
            expires_at: key.expires_at.map(Time),
            old_secret_until: key.former_ends_at.map(Time),
            last_used_at: key.last_used_at.map(Time),
        }
    }
}

impl From<(ApiKey, SecretString)> for IssuedApiKeyView {
    fn from((key, secret): (ApiKey, SecretString)) -> Self {
        Self::of(key.into(), secret.expose_secret())
    }
}

impl IssuedApiKeyView {
    fn of(key: ApiKeyView, secret: &str) -> Self {
        Self {
            id: key.id,
            user_id: key.user_id,
            name: key.name,
            scopes: key.scopes,
            wallet_ids: key.wallet_ids,
            addresses: key.addresses,
            created_at: key.created_at,
            expires_at: key.expires_at,
            old_secret_until: key.old_secret_until,
            last_used_at: key.last_used_at,
            secret: secret.to_owned(),
        }
    }
}

const SAMPLE_ID: Uuid = uuid::uuid!("01993f2a-7b00-7f60-9e80-bc616dafe006");
/// 2030-01-01.
const SAMPLE_END: i64 = 1_893_456_000;
/// Of 32 bytes of zero: no user has this key.
const SAMPLE_SECRET: &str = "florin_ak_00000000000000000000000000000000000000000001LXEHw";

fn sample_scopes() -> Vec<String> {
    ["wallets:read", "transfers:read"].map(str::to_owned).into()
}

fn sample_end() -> DateTime<Utc> {
    DateTime::from_timestamp(SAMPLE_END, 0).unwrap_or_default()
}

impl Example for NewApiKeyInput {
    fn example() -> Self {
        Self {
            name: "nightly accounts".to_owned(),
            scopes: sample_scopes(),
            wallet_ids: Some(vec![samples::WALLET_ID]),
            addresses: Some(vec!["192.0.2.0/24".to_owned()]),
            expires_at: Some(sample_end()),
        }
    }
}

impl Example for ApiKeyRollInput {
    fn example() -> Self {
        Self {
            overlap_s: Some(RollOverlap::SECONDS_DEFAULT),
        }
    }
}

impl Example for ApiKeyView {
    fn example() -> Self {
        Self {
            id: SAMPLE_ID,
            user_id: samples::USER_ID,
            name: "nightly accounts".to_owned(),
            scopes: sample_scopes(),
            wallet_ids: Some(vec![samples::WALLET_ID]),
            addresses: Some(vec!["192.0.2.0/24".to_owned()]),
            created_at: samples::time(),
            expires_at: Some(Time(sample_end())),
            old_secret_until: None,
            last_used_at: Some(samples::time()),
        }
    }
}

impl Example for IssuedApiKeyView {
    fn example() -> Self {
        Self::of(ApiKeyView::example(), SAMPLE_SECRET)
    }
}
