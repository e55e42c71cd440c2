//! What callers send to make webhooks, and to change them.

use std::time::Duration;

use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use service::events::EventCursor;
use service::values::{SigningScheme, WalletId, WebhookStatus};
use service::webhooks::{NewWebhook, SECRET_OVERLAP_MAX, WebhookPatch};
use uuid::Uuid;

use super::event_view::SAMPLE_CURSOR;
use super::webhook_view::{SAMPLE_DESCRIPTION, SAMPLE_URL, sample_types};
use crate::fields::Input;
use crate::problem::Problem;
use crate::samples;
use crate::wire::{EVENT_CURSOR_EXPECTED, SigningWord, not_null};

/// A webhook to make. It gets what happens from then on.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "NewWebhook", example)]
#[serde(deny_unknown_fields)]
pub struct NewWebhookInput {
    /// Where the requests go: `https`, at most 2 048 characters, without a user and a fragment. Its host must not have an address
    /// of a private network, unless the bank allows it, which then takes `http` too.
    #[oai(validator(min_length = 1, max_length = 2048))]
    url: String,
    /// The types of the events that it gets, such as `transfer.completed`; all when this is missing, those of later versions
    /// too.
    #[oai(validator(min_items = 1))]
    types: Option<Vec<String>>,
    /// The only wallets whose events it gets, at most 100; when this is missing, every wallet whose events the caller may see.
    #[oai(validator(min_items = 1, max_items = 100))]
    wallet_ids: Option<Vec<Uuid>>,
    /// What it is for, 1 to 200 visible characters.
    #[oai(validator(min_length = 1, max_length = 200))]
    description: Option<String>,
    /// False if events may overtake each other: then one that fails holds up no other. True when this is missing.
    ordered: Option<bool>,
    signing: Option<SigningWord>,
}

/// What to change of a webhook. Fields that are missing stay as they are.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "WebhookChange", example)]
#[serde(deny_unknown_fields)]
pub struct WebhookChangeInput {
    /// Where the requests go from now on.
    #[oai(validator(min_length = 1, max_length = 2048))]
    #[serde(default, deserialize_with = "not_null")]
    url: Option<String>,
    /// The types of the events that it gets; null for all.
    #[oai(validator(min_items = 1))]
    #[serde(default)]
    types: MaybeUndefined<Vec<String>>,
    /// The only wallets whose events it gets; null for every wallet whose events its user may see.
    #[oai(validator(min_items = 1, max_items = 100))]
    #[serde(default)]
    wallet_ids: MaybeUndefined<Vec<Uuid>>,
    /// What it is for, 1 to 200 visible characters; null for no text.
    #[oai(validator(min_length = 1, max_length = 200))]
    #[serde(default)]
    description: MaybeUndefined<String>,
    /// True if each event is to wait until the one before it is delivered or parked.
    #[serde(default, deserialize_with = "not_null")]
    ordered: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    status: Option<WebhookSwitch>,
}

/// Whether a webhook is to be told of events. A paused one misses nothing: once it is active, it gets what happened meanwhile.
/// One that the bank has disabled becomes active again in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename = "WebhookSwitch", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum WebhookSwitch {
    /// It gets events.
    Active,
    /// Its events wait.
    Paused,
}

/// How the secret of a webhook is to be changed.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "WebhookSecretRotation", example)]
#[serde(deny_unknown_fields)]
pub struct WebhookRotationInput {
    /// For how many seconds requests are signed with the old secret too, 0 to 604 800; 86 400, a day, when this is missing.
    #[oai(validator(minimum(value = "0"), maximum(value = "604800")))]
    overlap_s: Option<i64>,
}

/// From where a webhook is to get events again.
#[derive(Object, Serialize, Deserialize)]
#[oai(rename = "WebhookReplay", example)]
#[serde(deny_unknown_fields)]
pub struct WebhookReplayInput {
    /// The id of the event behind which it begins, or `start` for the first event of the bank.
    #[oai(validator(pattern = "^(start|[A-Za-z0-9_-]{29}[AQgw])$"))]
    after: String,
}

impl Input for NewWebhookInput {}

impl Input for WebhookChangeInput {}

impl Input for WebhookRotationInput {}

impl Input for WebhookReplayInput {}

impl From<NewWebhookInput> for NewWebhook {
    fn from(input: NewWebhookInput) -> Self {
        Self {
            url: input.url,
            types: input.types,
            wallet_ids: input.wallet_ids.map(wallets),
            description: input.description,
            is_ordered: input.ordered.unwrap_or(true),
            scheme: input.signing.map_or(SigningScheme::Hmac, SigningScheme::from),
        }
    }
}

impl From<WebhookChangeInput> for WebhookPatch {
    fn from(input: WebhookChangeInput) -> Self {
        let wallet_ids: Option<Option<Vec<Uuid>>> = input.wallet_ids.into();
        Self {
            url: input.url,
            types: input.types.into(),
            wallet_ids: wallet_ids.map(|ids| ids.map(wallets)),
            description: input.description.into(),
            is_ordered: input.ordered,
            status: input.status.map(WebhookStatus::from),
        }
    }
}

fn wallets(ids: Vec<Uuid>) -> Vec<WalletId> {
    ids.into_iter().map(WalletId).collect()
}

impl From<WebhookSwitch> for WebhookStatus {
    fn from(switch: WebhookSwitch) -> Self {
        match switch {
            WebhookSwitch::Active => Self::Active,
            WebhookSwitch::Paused => Self::Paused,
        }
    }
}

/// The word for the first event of the bank. It is too short for the id of an event.
const FROM_START: &str = "start";

const OVERLAP_SECONDS_DEFAULT: u64 = 86_400;
const OVERLAP_SECONDS_MAX: u64 = SECRET_OVERLAP_MAX.as_secs();

impl WebhookRotationInput {
    /// The overlap, or the problem with it.
    pub fn overlap(&self) -> Result<Duration, Problem> {
        let seconds = self.overlap_s.map_or(Ok(OVERLAP_SECONDS_DEFAULT), u64::try_from);
        let seconds = seconds.ok().filter(|seconds| *seconds <= OVERLAP_SECONDS_MAX);
        seconds.map(Duration::from_secs).ok_or_else(|| {
            let message = format!("must be a whole number from 0 to {OVERLAP_SECONDS_MAX}");
            Problem::unprocessable_field("overlap_s", message)
        })
    }
}

impl WebhookReplayInput {
    /// Behind which event it begins, `None` for the first event of the bank, or the problem with it.
    pub fn after(&self) -> Result<Option<EventCursor>, Problem> {
        if self.after == FROM_START {
            return Ok(None);
        }
        let cursor = EventCursor::parse(&self.after);
        cursor
            .map(Some)
            .ok_or_else(|| Problem::invalid_field("after", format!("{EVENT_CURSOR_EXPECTED}, or {FROM_START}")))
    }
}

impl Example for NewWebhookInput {
    fn example() -> Self {
        Self {
            url: SAMPLE_URL.to_owned(),
            types: Some(sample_types()),
            wallet_ids: Some(vec![samples::WALLET_ID]),
            description: Some(SAMPLE_DESCRIPTION.to_owned()),
            ordered: Some(true),
            signing: Some(SigningWord::Hmac),
        }
    }
}

impl Example for WebhookChangeInput {
    fn example() -> Self {
        Self {
            url: Some(SAMPLE_URL.to_owned()),
            types: MaybeUndefined::Value(sample_types()),
            wallet_ids: MaybeUndefined::Value(vec![samples::WALLET_ID]),
            description: MaybeUndefined::Value(SAMPLE_DESCRIPTION.to_owned()),
            ordered: Some(false),
            status: Some(WebhookSwitch::Active),
        }
    }
}

impl Example for WebhookRotationInput {
    fn example() -> Self {
        Self {
            overlap_s: i64::try_from(OVERLAP_SECONDS_DEFAULT).ok(),
        }
    }
}

impl Example for WebhookReplayInput {
    fn example() -> Self {
        Self {
            after: SAMPLE_CURSOR.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_takes_away_and_what_is_missing_stays() {
        let read =
            |text: &str| WebhookPatch::from(serde_json::from_str::<WebhookChangeInput>(text).expect("it is a change"));
        let nothing = read("{}");
        assert!(nothing.types.is_none() && nothing.wallet_ids.is_none() && nothing.description.is_none());
        assert!(nothing.url.is_none() && nothing.is_ordered.is_none() && nothing.status.is_none());
        let all = read(r#"{"types":null,"wallet_ids":null,"description":null}"#);
        assert!(matches!(all.types, Some(None)) && matches!(all.wallet_ids, Some(None)));
        assert!(matches!(all.description, Some(None)));
        let some = read(r#"{"types":["wallet.opened"],"description":"books","status":"paused"}"#);
        assert!(some.types.flatten().is_some_and(|types| types.len() == 1));
        assert_eq!(some.description.flatten().as_deref(), Some("books"));
        assert_eq!(some.status, Some(WebhookStatus::Paused));
    }

    #[test]
    fn what_every_webhook_has_cannot_be_taken_away() {
        for field in ["url", "ordered", "status"] {
            let read = serde_json::from_str::<WebhookChangeInput>(&format!(r#"{{"{field}":null}}"#));
            let error = read.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with("invalid type: null"), "{field}: {error}");
        }
    }

    #[test]
    fn a_replay_names_an_event_or_the_start() {
        let after = |after: &str| {
            WebhookReplayInput {
                after: after.to_owned(),
            }
            .after()
        };
        assert!(matches!(after("start"), Ok(None)));
        assert!(matches!(after(SAMPLE_CURSOR), Ok(Some(cursor)) if cursor.to_string() == SAMPLE_CURSOR));
        for wrong in ["", "Start", "end", "x"] {
            assert!(after(wrong).is_err(), "{wrong:?}");
        }
        assert!(serde_json::from_str::<WebhookReplayInput>("{}").is_err());
    }
}
