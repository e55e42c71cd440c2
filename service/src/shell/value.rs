//! The values of an answer, the same for both databases: PostgreSQL sends texts with a type, SQLite one of its five types.
//! Pure.

use std::fmt;

use crate::db::hex;

/// A value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum SqlValue {
    /// No value.
    Null,
    /// True or false; SQLite has 1 and 0 instead.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// An inexact number.
    Double(f64),
    /// Everything else: words, ids, times, and numbers with decimals, which are exact this way.
    Text(String),
}

impl SqlValue {
    /// The value that PostgreSQL sent as this text, by the name of its type. Times get the form that they have in the views
    /// on SQLite.
    pub(super) fn of_postgres(type_name: &str, text: &str) -> Self {
        let read = match type_name {
            "BOOL" => Some(Self::Boolean(text == "t")),
            // The sum of whole numbers is NUMERIC too.
            "INT2" | "INT4" | "INT8" | "OID" | "NUMERIC" => text.parse().ok().map(Self::Integer),
            "FLOAT4" | "FLOAT8" => text.parse().ok().map(Self::Double),
            "TIMESTAMPTZ" => time(text, "+00").map(|time| Self::Text(time + "Z")),
            "TIMESTAMP" => time(text, "").map(Self::Text),
            "BYTEA" => text.strip_prefix("\\x").map(|digits| Self::Text(digits.to_owned())),
            _ => None,
        };
        read.unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// Bytes, as lower-case hexadecimal digits.
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        Self::Text(hex(bytes))
    }

    /// True for a number, exact or not, and for a text that is the number of an amount.
    #[must_use]
    pub fn is_number(&self) -> bool {
        match self {
            Self::Null | Self::Boolean(_) => false,
            Self::Integer(_) | Self::Double(_) => true,
            Self::Text(text) => is_decimal(text),
        }
    }
}

impl fmt::Display for SqlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            // With `{:?}` a whole one keeps its `.0`, and a large one has an exponent.
            Self::Double(value) => write!(f, "{value:?}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    [whole, decimals]
        .iter()
        .all(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `2026-01-05 03:33:58.12+00` as `2026-01-05T03:33:58.120000`, without the zone. `None` for any other text, such as
/// `infinity`.
fn time(text: &str, zone: &str) -> Option<String> {
    let (date, time) = text.strip_suffix(zone)?.split_once(' ')?;
    let (seconds, decimals) = time.split_once('.').unwrap_or((time, ""));
    let is_plain = date.len() == "2026-01-05".len()
        && seconds.len() == "03:33:58".len()
        && decimals.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| format!("{date}T{seconds}.{decimals:0<6}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_postgresql_look_as_those_of_sqlite() {
        for (type_name, text, shown) in [
            ("TIMESTAMPTZ", "2026-01-05 03:33:58+00", "2026-01-05T03:33:58.000000Z"),
            (
                "TIMESTAMPTZ",
                "2026-01-05 03:33:58.12+00",
                "2026-01-05T03:33:58.120000Z",
            ),
            ("TIMESTAMP", "2026-01-05 03:33:58.000001", "2026-01-05T03:33:58.000001"),
            ("TIMESTAMPTZ", "infinity", "infinity"),
            ("TIMESTAMPTZ", "0044-03-15 12:00:00+00 BC", "0044-03-15 12:00:00+00 BC"),
            ("DATE", "2026-01-05", "2026-01-05"),
            ("BOOL", "t", "true"),
            ("BOOL", "f", "false"),
            ("INT8", "-17", "-17"),
            ("NUMERIC", "12.5000", "12.5000"),
            ("NUMERIC", "340282366920938463463", "340282366920938463463"),
            ("FLOAT8", "0.1", "0.1"),
            ("FLOAT8", "1", "1.0"),
            ("FLOAT8", "1e+20", "1e20"),
            ("FLOAT8", "NaN", "NaN"),
            ("BYTEA", "\\x00ff", "00ff"),
            ("INTERVAL", "1 day 02:00:00", "1 day 02:00:00"),
            ("TEXT", "t", "t"),
        ] {
            assert_eq!(SqlValue::of_postgres(type_name, text).to_string(), shown);
        }
        assert_eq!(SqlValue::of_postgres("NUMERIC", "17"), SqlValue::Integer(17));
        assert_eq!(SqlValue::of_bytes(&[0, 255]).to_string(), "00ff");
        assert_eq!(SqlValue::Null.to_string(), "");
    }

    #[test]
    fn amounts_are_numbers_and_words_are_not() {
        for (text, is_number) in [
            ("12.5000", true),
            ("-0.0001", true),
            ("7", true),
            ("", false),
            ("-", false),
            ("1.", false),
            ("1.2.3", false),
            ("2026-01-05", false),
            ("1e5", false),
            ("+1", false),
        ] {
            assert_eq!(SqlValue::Text(text.to_owned()).is_number(), is_number, "{text}");
        }
        assert!(!SqlValue::Null.is_number() && SqlValue::Integer(1).is_number());
    }
}
