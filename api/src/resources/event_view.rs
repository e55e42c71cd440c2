//! An event of the feed as clients see it, in lists, in streams and in webhooks.

use std::borrow::Cow;

use poem_openapi::Object;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{Example, ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde::Serialize;
use serde_json::Value;
use service::events::{Event, EventSubject, EventType, EventsPage};
use uuid::Uuid;

use super::transfer_view::TransferView;
use super::wallet_view::WalletView;
use crate::samples;
use crate::wire::Time;

/// Something that happened to a transfer or a wallet.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "Event", example)]
pub struct EventView {
    /// Names the event, and its place in the order of the bank's journal: give it as `after` to go on behind the event.
    #[oai(validator(pattern = "^[A-Za-z0-9_-]{30}$"))]
    id: String,
    /// What happened, such as `transfer.completed`. Later versions may have more of them.
    #[serde(rename = "type")]
    #[oai(rename = "type", validator(pattern = "^[a-z_]+[.][a-z_]+$"))]
    kind: String,
    /// When it happened (RFC 3339, UTC, microseconds).
    at: Time,
    /// The transfer as it was decided, or the wallet as it was right after the change.
    data: EventData,
    /// The user who asked for it; null for the bank itself, as at the end of a hold whose time ran out, and where the caller
    /// may not know the user.
    actor_id: Option<Uuid>,
    /// Names the request that asked for it, as the header X-Request-Id of its answer does; null where there was none, and where
    /// the request was not the caller's.
    request_id: Option<String>,
}

/// A part of the feed, oldest first.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "EventPage", example)]
pub struct EventPageView {
    /// The events, oldest first. There may be fewer than `limit`, or none, although more follow.
    items: Vec<EventView>,
    /// What to give as `after` for the next page; on the last one too, where it brings what happens from now on.
    #[oai(validator(pattern = "^[A-Za-z0-9_-]{30}$"))]
    next_cursor: String,
    /// True if there is more to read now. False at the end: ask again later, or follow the stream.
    has_more: bool,
}

/// To what it happened.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum EventData {
    /// Events whose type begins with `transfer.`, `hold.`, `deposit.`, `withdrawal.` or `reversal.`.
    Transfer(Box<TransferView>),
    /// Events whose type begins with `wallet.`.
    Wallet(Box<WalletView>),
}

/// An event as one line of JSON: an item of the feed, the data of a server-sent event, the body of a webhook's request.
pub fn event_text(event: &Event) -> String {
    line_of(&EventView::from(event))
}

fn line_of(view: &EventView) -> String {
    let text = serde_json::to_string(view).expect("objects of texts, numbers and stored JSON always serialise");
    // Only between the tokens of a caller's own JSON: inside its strings both are escaped.
    if text.contains(['\n', '\r']) {
        return text.replace(['\n', '\r'], " ");
    }
    text
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id.to_string(),
            kind: event.kind.as_str().to_owned(),
            at: Time(event.at),
            data: EventData::from(&event.subject),
            actor_id: event.actor.map(|user| user.0),
            request_id: event.request_id.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&EventSubject> for EventData {
    fn from(subject: &EventSubject) -> Self {
        match subject {
            EventSubject::Transfer(transfer) => Self::Transfer(Box::new(transfer.into())),
            EventSubject::Wallet(wallet) => Self::Wallet(Box::new((**wallet).clone().into())),
        }
    }
}

impl From<EventsPage> for EventPageView {
    fn from(page: EventsPage) -> Self {
        Self {
            items: page.events.iter().map(EventView::from).collect(),
            next_cursor: page.next.to_string(),
            has_more: page.has_more,
        }
    }
}

/// By hand: poem-openapi would make a named schema of it, and OpenAPI has no short way to say which type has which data.
impl Type for EventData {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "EventData".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let mut schema = MetaSchema::ANY;
        schema.one_of = vec![TransferView::schema_ref(), WalletView::schema_ref()];
        MetaSchemaRef::Inline(Box::new(schema))
    }

    fn register(registry: &mut Registry) {
        TransferView::register(registry);
        WalletView::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

/// For the view that contains it; no request has one.
impl ParseFromJSON for EventData {
    fn parse_from_json(_value: Option<Value>) -> ParseResult<Self> {
        Err(ParseError::custom("an event is never sent to the bank"))
    }
}

impl ToJSON for EventData {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

/// Of no ledger: no bank takes it.
pub const SAMPLE_CURSOR: &str = "AAAAAAAAAZk_Km6AfUCcbppPO43OBA";
const SAMPLE_REQUEST_ID: &str = "0198c5a2-7d3e-4c41-9f0e-3b1f5a6c7d8e";

impl Example for EventView {
    fn example() -> Self {
        Self {
            id: SAMPLE_CURSOR.to_owned(),
            kind: EventType::TransferCompleted.as_str().to_owned(),
            at: samples::time(),
            data: EventData::Transfer(Box::new(TransferView::example())),
            actor_id: Some(samples::USER_ID),
            request_id: Some(SAMPLE_REQUEST_ID.to_owned()),
        }
    }
}

impl Example for EventPageView {
    fn example() -> Self {
        Self {
            items: vec![EventView::example()],
            next_cursor: SAMPLE_CURSOR.to_owned(),
            has_more: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::MetadataValue;

    #[test]
    fn an_event_is_one_line_whatever_a_caller_has_sent() {
        let transfer = TransferView {
            description: Some("two\r\nlines".to_owned()),
            metadata: MetadataValue::stored("{\n  \"order\":\r\n\"a\\nb\"}"),
            ..TransferView::example()
        };
        let view = EventView {
            data: EventData::Transfer(Box::new(transfer)),
            ..EventView::example()
        };
        let line = line_of(&view);
        assert!(!line.contains(['\n', '\r']), "{line}");
        let read: Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(read["type"], "transfer.completed");
        assert_eq!(read["data"]["description"], "two\r\nlines");
        assert_eq!(read["data"]["metadata"]["order"], "a\nb");
    }
}
