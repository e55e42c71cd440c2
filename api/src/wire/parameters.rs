//! Query parameters that several operations take. Each says what it must be in its schema and in the words of a refusal.

use poem_openapi::registry::MetaSchema;
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult};

use service::identity::ACCESS_TOKEN_SECONDS;

use super::lists::{LIMIT_DEFAULT, LIMIT_MAX};
use super::schema_type;

/// How many items a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(pub u64);

/// After how many events a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLimit(pub usize);

/// `next_cursor` of the page before; each list reads its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorText(pub String);

/// A code that ISO 4217 may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyText(pub String);

/// A date that must be given. Absence is an answer of the operation's own (422), so it is no failure to read.
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

impl ParseFromParameter for CurrencyText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        Ok(Self(value.to_owned()))
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
    // No default is told: Swagger UI would fill it in, and wait for as many events.
    (schema.minimum, schema.maximum) = (Some(1.0), Some(EVENTS_MAX as f64));
    schema
});

schema_type!(CursorText, "CursorText", {
    let mut schema = MetaSchema::new("string");
    schema.pattern = Some(CURSOR_PATTERN.to_owned());
    schema
});

schema_type!(CurrencyText, "CurrencyText", {
    let mut schema = MetaSchema::new("string");
    schema.pattern = Some(CURRENCY_PATTERN.to_owned());
    schema
});

schema_type!(DayText, "DayText", MetaSchema::new_with_format("string", "date"));

/// A stream of one event a second lives as long as a token.
pub const EVENTS_MAX: usize = ACCESS_TOKEN_SECONDS.unsigned_abs() as usize;

/// What every cursor is made of.
pub(super) const CURSOR_PATTERN: &str = "^[A-Za-z0-9_-]{1,64}$";
const CURRENCY_PATTERN: &str = "^[A-Z]{3}$";
