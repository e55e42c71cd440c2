//! Query parameters that several operations share. Each states its form in its schema and in the message of a refusal.

use poem_openapi::registry::MetaSchema;
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult};

use service::audit::AuditAction;
use service::identity::{ACCESS_TOKEN_SECONDS, UserSearch};
use service::values::Currency;

use super::{CURRENCY_EXPECTED, schema_type};

/// Items in a page when the caller names no number.
pub const LIMIT_DEFAULT: u64 = 50;
/// Items in the longest page.
pub const LIMIT_MAX: u64 = 500;

/// How many items a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(pub u64);

/// After how many events a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLimit(pub usize);

/// `next_cursor` of the page before; each list reads its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorText(pub String);

/// What a search for users looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(pub UserSearch);

/// An action of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionText(pub AuditAction);

/// A currency code that is not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyText(pub String);

/// A currency of ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownCurrency(pub Currency);

/// A required date that is not checked yet. `None` when it is missing: the operation answers that itself, with 422.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayText(pub Option<String>);

impl ParseFromParameter for PageLimit {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
        limit
            .map(Self)
            .ok_or_else(|| ParseError::custom(format_args!("must be a whole number from 1 to {LIMIT_MAX}")))
    }
}

impl ParseFromParameter for EventLimit {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let limit = value.parse().ok().filter(|limit| (1..=EVENTS_MAX).contains(limit));
        limit
            .map(Self)
            .ok_or_else(|| ParseError::custom(format_args!("must be a whole number from 1 to {EVENTS_MAX}")))
    }
}

impl ParseFromParameter for CursorText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Ok(Self(value.to_owned()))
    }
}

impl ParseFromParameter for SearchText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let search = UserSearch::try_new(value).map(Self);
        search.ok_or_else(|| ParseError::custom("must have 1 to 200 characters, all of which can be seen"))
    }
}

impl ParseFromParameter for ActionText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let action = AuditAction::from_word(value).map(Self);
        action.ok_or_else(|| ParseError::custom("must be an action of the audit log, such as user.suspended"))
    }
}

impl ParseFromParameter for CurrencyText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Ok(Self(value.to_owned()))
    }
}

impl ParseFromParameter for KnownCurrency {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let currency = Currency::from_code(value).map(Self);
        currency.ok_or_else(|| ParseError::custom(CURRENCY_EXPECTED))
    }
}

impl ParseFromParameter for DayText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Ok(Self(Some(value.to_owned())))
    }

    fn parse_from_parameters<I: IntoIterator<Item = A>, A: AsRef<str>>(values: I) -> ParseResult<Self> {
        Ok(Self(values.into_iter().next().map(|value| value.as_ref().to_owned())))
    }
}

schema_type!(PageLimit, "PageLimit", {
    let mut schema = MetaSchema::new_with_format("integer", "int32");
    schema.default = Some(LIMIT_DEFAULT.into());
    (schema.minimum, schema.maximum) = (Some(1.0), Some(LIMIT_MAX as f64));
    schema
});

schema_type!(EventLimit, "EventLimit", {
    let mut schema = MetaSchema::new_with_format("integer", "int32");
    // No default in the schema: Swagger UI would send it, and wait for as many events.
    (schema.minimum, schema.maximum) = (Some(1.0), Some(EVENTS_MAX as f64));
    schema
});

schema_type!(CursorText, "CursorText", {
    let mut schema = MetaSchema::new("string");
    schema.pattern = Some(CURSOR_PATTERN.to_owned());
    schema
});

schema_type!(SearchText, "SearchText", {
    let mut schema = MetaSchema::new("string");
    (schema.min_length, schema.max_length) = (Some(1), Some(200));
    schema
});

schema_type!(ActionText, "ActionText", {
    let mut schema = MetaSchema::new("string");
    schema.enum_items = AuditAction::ALL.iter().map(|action| action.as_str().into()).collect();
    schema
});

schema_type!(CurrencyText, "CurrencyText", {
    let mut schema = MetaSchema::new("string");
    schema.pattern = Some(CURRENCY_PATTERN.to_owned());
    schema
});

schema_type!(KnownCurrency, "KnownCurrency", {
    let mut schema = MetaSchema::new("string");
    schema.pattern = Some(CURRENCY_PATTERN.to_owned());
    schema
});

schema_type!(DayText, "DayText", MetaSchema::new_with_format("string", "date"));

/// The most events of a stream: one a second, for as long as an access token is valid.
pub const EVENTS_MAX: usize = ACCESS_TOKEN_SECONDS.unsigned_abs() as usize;

/// The characters and the length of a cursor.
pub(super) const CURSOR_PATTERN: &str = "^[A-Za-z0-9_-]{1,64}$";
const CURRENCY_PATTERN: &str = "^[A-Z]{3}$";
