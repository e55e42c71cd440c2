//! How values look on the wire: JSON bodies, amounts, times, cursors, keys. Values that can be wrong are parsed once,
//! here.

mod accept;
mod amount;
mod bounded_parts;
mod broken_off;
mod cached;
mod counts;
mod csv_rows;
mod currency;
mod dry_run;
mod entity_tags;
mod feed_parameters;
mod gzip;
mod idempotency;
mod inputs;
mod json;
mod lists;
mod no_body;
mod no_content;
mod not_null;
mod number;
mod objects;
mod parameters;
mod replay;
mod sent_events;
mod session_cookie;
mod stored_json;
mod tagged;
mod text;
mod time;
mod transaction;
mod upload;
mod weight;
mod words;

pub use self::{
    accept::{MediaType, names, preferred},
    amount::{AMOUNT_EXPECTED, Amount, AmountInput},
    broken_off::broken_off,
    cached::Cached,
    counts::Counts,
    csv_rows::{csv_rows, guarded},
    currency::{CURRENCY_EXPECTED, currency_of},
    dry_run::{CreatedOrPreview, DoneOrPreview, Preview},
    entity_tags::EntityTags,
    feed_parameters::{
        EVENT_CURSOR_EXPECTED, EVENT_CURSOR_PATTERN, EventCursorText, EventTypesText, event_type_expected,
        event_type_words,
    },
    gzip::{gzip, takes_gzip},
    idempotency::IdempotencyHeader,
    inputs::{EmailInput, FullNameInput, HoldSeconds, MethodInput},
    json::{Accepted, Created, Json, Located, ShownOnce},
    lists::{ListQuery, Listed, page_request},
    no_body::NoBody,
    no_content::{JsonOrNothing, NoContent, Undisclosed},
    not_null::not_null,
    number::Number,
    objects::only_objects,
    parameters::{
        ActionText, CurrencyText, CursorText, DayText, EVENTS_MAX, EventLimit, KnownCurrency, LIMIT_DEFAULT, LIMIT_MAX,
        PageLimit, SearchText,
    },
    replay::CreatedOrReplayed,
    sent_events::{SentEvents, write_event, write_heartbeat},
    session_cookie::{CookieOrigins, REFRESH_COOKIE, SESSION_HEADER, SessionMode, SetCookie, WithCookie},
    stored_json::StoredJson,
    tagged::{CreatedTagged, ExpectedTags, KnownTags, Refreshed, Tagged},
    text::{MetadataValue, Text},
    time::{Time, time_text},
    transaction::Transaction,
    upload::FileUpload,
    words::{
        DeliveryStatusWord, ImportKindWord, ImportStatusWord, PathSideWord, ProductWord, RoleWord, SigningWord,
        TransferKindWord, TransferStatusWord, UserStatusWord, WalletStatusWord, WebhookStatusWord,
    },
};

/// Makes a type known to poem-openapi, under an inline schema.
macro_rules! schema_type {
    ($type:ty, $name:literal, $schema:expr) => {
        impl poem_openapi::types::Type for $type {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> poem_openapi::registry::MetaSchemaRef {
                poem_openapi::registry::MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}
use schema_type;

/// The same for a serde type, so that bodies can contain it.
macro_rules! inline_schema {
    ($type:ty, $name:literal, $schema:expr) => {
        crate::wire::schema_type!($type, $name, $schema);

        impl poem_openapi::types::ToJSON for $type {
            fn to_json(&self) -> Option<serde_json::Value> {
                serde_json::to_value(self).ok()
            }
        }

        impl poem_openapi::types::ParseFromJSON for $type {
            fn parse_from_json(value: Option<serde_json::Value>) -> poem_openapi::types::ParseResult<Self> {
                serde_json::from_value(value.unwrap_or_default()).map_err(poem_openapi::types::ParseError::custom)
            }
        }
    };
}
use inline_schema;
