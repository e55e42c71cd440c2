//! Money on the wire: written as a string with four decimals, read from a string or from the text of a number.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use service::values::Money;

use super::inline_schema;

/// An amount in an answer, such as `"100.5000"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Money);

/// An amount that a caller sent. `None` for a string or number that is not an amount: it is refused as
/// `invalid_amount`, in the order of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmountInput(pub Option<Money>);

/// What an amount must be, in words that follow a field's name.
pub const AMOUNT_EXPECTED: &str =
    "must be an amount above zero, such as \"12.50\", with at most 14 digits before the point and 4 after it";

impl AmountInput {
    /// What is wrong with an amount that will be refused as `invalid_amount`.
    pub fn refusal(self) -> Option<&'static str> {
        self.0
            .is_none_or(|amount| amount <= Money::ZERO)
            .then_some(AMOUNT_EXPECTED)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for AmountInput {
    /// Reads the digits of a number: a float would round them before they are checked.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'"') => {
                let text: String = serde_json::from_str(text).map_err(D::Error::custom)?;
                Ok(Self(Money::parse_unsigned(&text).ok()))
            }
            Some(b'-' | b'0'..=b'9') => Ok(Self(Money::parse_unsigned(text).ok())),
            _ => Err(D::Error::custom(AMOUNT_EXPECTED)),
        }
    }
}

impl Serialize for AmountInput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

inline_schema!(Amount, "Amount", {
    let mut schema = MetaSchema::new_with_format("string", "decimal");
    schema.description = Some("Exact, with four decimals.");
    schema.pattern = Some(r"^-?(0|[1-9][0-9]{0,13})\.[0-9]{4}$".to_owned());
    schema
});

inline_schema!(AmountInput, "AmountInput", {
    let mut text = MetaSchema::new_with_format("string", "decimal");
    text.pattern = Some(ABOVE_ZERO.to_owned());
    let mut number = MetaSchema::new("number");
    (number.minimum, number.exclusive_minimum) = (Some(0.0), Some(true));
    (number.maximum, number.multiple_of) = (Some(99_999_999_999_999.0), Some(0.0001));
    let mut schema = MetaSchema::ANY;
    schema.description = Some(
        "Above zero, with at most 14 digits before the point and 4 after it. A string is exact in every client; the \
         text of a JSON number is read digit by digit.",
    );
    schema.one_of = [text, number]
        .map(|schema| MetaSchemaRef::Inline(Box::new(schema)))
        .to_vec();
    schema
});

/// Without a look-ahead, which the regular expressions of some clients lack.
const ABOVE_ZERO: &str =
    r"^([1-9][0-9]{0,13}(\.[0-9]{1,4})?|0\.([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9]))$";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Option<String>, ()> {
        let input: AmountInput = serde_json::from_str(json).map_err(|_| ())?;
        Ok(input.0.map(|money| money.to_string()))
    }

    #[test]
    fn strings_and_numbers_are_read_digit_by_digit() {
        for (json, amount) in [
            (r#""1""#, "1.0000"),
            ("1", "1.0000"),
            ("0.1", "0.1000"),
            ("99999999999999.9999", "99999999999999.9999"),
            (r#""99999999999999.9999""#, "99999999999999.9999"),
        ] {
            assert_eq!(read(json), Ok(Some(amount.to_owned())), "{json}");
        }
    }

    #[test]
    fn other_texts_are_no_amount_and_other_types_no_input() {
        for json in [
            r#""1e3""#,
            "1e3",
            "1e30",
            "-5",
            r#""-5""#,
            r#""0.00001""#,
            "0.00001",
            r#""NaN""#,
            r#""""#,
            "100000000000000",
        ] {
            assert_eq!(read(json), Ok(None), "{json}");
        }
        for json in ["null", "true", "[]", "{}"] {
            assert_eq!(read(json), Err(()), "{json}");
        }
    }
}
