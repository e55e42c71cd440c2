//! Query parameters and headers with which callers choose events of the feed.

use poem_openapi::registry::MetaSchema;
use poem_openapi::types::{ParseError, ParseFromParameter, ParseResult};
use service::events::{EventCursor, EventType, EventTypes};

use super::schema_type;

/// The id of an event, behind which a caller goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursorText(pub EventCursor);

/// Types of events, separated by commas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTypesText(pub EventTypes);

/// What a text that names an event must be.
pub const EVENT_CURSOR_EXPECTED: &str = "must be the id of an event, or the next_cursor of a page of events";
/// The most characters of a wrong word that its message repeats.
const WORD_SHOWN_MAX: usize = 64;

/// The characters and the length of an event's id. The last one has two bits.
pub const EVENT_CURSOR_PATTERN: &str = "^[A-Za-z0-9_-]{29}[AQgw]$";

impl ParseFromParameter for EventCursorText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let cursor = EventCursor::parse(value).map(Self);
        cursor.ok_or_else(|| ParseError::custom(EVENT_CURSOR_EXPECTED))
    }
}

impl ParseFromParameter for EventTypesText {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let read = |word| EventType::parse(word).ok_or_else(|| ParseError::custom(event_type_expected(word)));
        value.split(',').map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// What a word that is no type of events must be.
pub fn event_type_expected(word: &str) -> String {
    let shown: String = word.chars().take(WORD_SHOWN_MAX).collect();
    format!(
        "must be a type of events; `{shown}` is not one of {}",
        event_type_words()
    )
}

/// Every type of events.
pub fn event_type_words() -> String {
    let words: Vec<&str> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
    words.join(", ")
}

schema_type!(EventCursorText, "EventCursorText", {
    let mut schema = MetaSchema::new("string");
    schema.pattern = Some(EVENT_CURSOR_PATTERN.to_owned());
    schema
});

schema_type!(EventTypesText, "EventTypesText", {
    let words: Vec<String> = EventType::ALL
        .iter()
        .map(|kind| kind.as_str().replace('.', "[.]"))
        .collect();
    let word = format!("({})", words.join("|"));
    let mut schema = MetaSchema::new("string");
    schema.pattern = Some(format!("^{word}(,{word})*$"));
    schema
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_one_by_one() {
        assert!(EventTypesText::parse_from_parameter("transfer.completed").is_ok());
        assert!(EventTypesText::parse_from_parameter("wallet.opened,hold.expired").is_ok());
        for wrong in [
            "",
            ",",
            "transfer",
            "transfer.completed,",
            "wallet.opened hold.expired",
            "webhook.test",
        ] {
            assert!(EventTypesText::parse_from_parameter(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_wrong_type_is_named_with_those_that_exist() {
        let message = event_type_expected("nope");
        assert!(message.starts_with("must be a type of events; `nope` is not one of transfer.completed, "));
        assert!(message.ends_with(", wallet.limits_changed"), "{message}");
        let long = event_type_expected(&"x".repeat(1_000));
        assert!(long.contains(&format!("`{}`", "x".repeat(WORD_SHOWN_MAX))), "{long}");
    }
}
