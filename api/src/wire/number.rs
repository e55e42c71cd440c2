//! JSON numbers that are printed from exact decimals, for the reports: they never pass through a float.

use poem_openapi::registry::MetaSchema;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::inline_schema;

/// A decimal as a JSON number, such as `1000.0`: with at least the decimals that were asked for, and no further zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// The value `units / 10^decimals`, printed with at least `decimals_min` of its decimals.
    #[must_use]
    pub fn new(units: i128, decimals: usize, decimals_min: usize) -> Self {
        let digits = units.unsigned_abs().to_string();
        let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
        let mut text = String::with_capacity(digits.len() + decimals + 3);
        text.push_str(if units < 0 { "-" } else { "" });
        text.push_str(if whole.is_empty() { "0" } else { whole });
        text.push('.');
        let point = text.len();
        text.extend(std::iter::repeat_n('0', decimals - fraction.len()));
        text.push_str(fraction);
        let kept = text[point..].trim_end_matches('0').len();
        text.truncate(point + kept.max(decimals_min));
        text.extend(std::iter::repeat_n(
            '0',
            (point + decimals_min).saturating_sub(text.len()),
        ));
        text.truncate(text.trim_end_matches('.').len());
        Self(text)
    }

    /// The number's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => Ok(Self(raw.get().to_owned())),
            _ => Err(D::Error::custom("must be a number")),
        }
    }
}

inline_schema!(Number, "Number", {
    let mut schema = MetaSchema::new("number");
    schema.description = Some("Exact: printed from a decimal, never from a float.");
    schema
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_digit_by_digit() {
        for (units, decimals, decimals_min, text) in [
            (0, 10, 1, "0.0"),
            (10_000_000_000_000, 10, 1, "1000.0"),
            (123_456, 4, 1, "12.3456"),
            (123_400, 4, 1, "12.34"),
            (-1, 10, 1, "-0.0000000001"),
            (-12_500, 4, 1, "-1.25"),
            (9_876_543_210, 2, 2, "98765432.10"),
            (5, 0, 1, "5.0"),
            (5, 0, 0, "5"),
            (50, 1, 3, "5.000"),
            (i128::MAX, 10, 1, "17014118346046923173168730371.5884105727"),
        ] {
            let number = Number::new(units, decimals, decimals_min);
            assert_eq!(number.as_str(), text);
            assert_eq!(serde_json::to_string(&number).expect("is JSON"), text);
        }
    }
}
