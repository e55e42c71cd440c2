//! How the values of receipts and heads are spelled: each has one spelling. A document is parsed; what it says is then
//! written again and compared with it, which refuses all other spellings. Pure.

use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::fault::ReceiptFault;
use super::kind::DocumentKind;
use crate::journal::time_of_micros;
use crate::keys::check_kid;
use crate::values::{Sha256Digest, Timestamp};

/// The most bytes of a receipt or a head. The largest receipt has a tenth of them.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Refuses a text that is larger than any document, or has characters with which a value could be spelled in two ways.
pub(super) fn check_text(text: &str, bytes_max: usize) -> Result<(), ReceiptFault> {
    if text.len() > bytes_max {
        return Err(ReceiptFault::TooLarge { bytes_max });
    }
    // No value needs an escape, with which JSON could spell it in another way.
    if !text.is_ascii() || text.contains('\\') {
        return Err(ReceiptFault::Characters);
    }
    Ok(())
}

/// Reads a document, and beside it the same as plain JSON, for `difference`.
pub(super) fn read<T: DeserializeOwned>(text: &str, kind: DocumentKind) -> Result<(T, Value), ReceiptFault> {
    check_text(text, DOCUMENT_BYTES_MAX)?;
    let document = serde_json::from_str(text).map_err(|error| unlike(kind, text, error.to_string()))?;
    let plain: Value = serde_json::from_str(text).map_err(|error| unlike(kind, text, error.to_string()))?;
    if !plain.is_object() {
        let why = "it is not an object".to_owned();
        return Err(ReceiptFault::Malformed { kind, why });
    }
    Ok((document, plain))
}

/// The fault of a text that is not a document of this kind: it is one of another kind, or else what the parser says.
pub(super) fn unlike(kind: DocumentKind, text: &str, why: String) -> ReceiptFault {
    match DocumentKind::of(text).filter(|found| *found != kind) {
        Some(found) => ReceiptFault::OtherDocument { kind, found },
        None => ReceiptFault::Malformed { kind, why },
    }
}

/// The path of the first member that differs from what is expected, or is missing; empty for the document itself.
pub(super) fn difference(expected: &Value, found: &Value) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected.iter().find_map(|(name, value)| {
            let Some(found) = found.get(name) else {
                return Some(name.clone());
            };
            difference(value, found).map(|below| joined(name, &below))
        }),
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            let mut pairs = expected.iter().zip(found).enumerate();
            pairs.find_map(|(index, (value, found))| {
                difference(value, found).map(|below| joined(&index.to_string(), &below))
            })
        }
        (expected, found) => (expected != found).then(String::new),
    }
}

/// The path of a member below another one. The path of the document itself is empty.
pub(super) fn joined(name: &str, below: &str) -> String {
    let dot = if name.is_empty() || below.is_empty() { "" } else { "." };
    format!("{name}{dot}{below}")
}

/// The value of a member; a fault that names the member where its text has none.
pub(super) fn member<T>(value: Option<T>, name: &str) -> Result<T, ReceiptFault> {
    value.ok_or_else(|| ReceiptFault::Spelling {
        member: name.to_owned(),
    })
}

/// The bytes of lower-case hex.
pub(super) fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) {
        return None;
    }
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| Some((digit(pair[0])? << 4) | digit(pair[1])?))
        .collect()
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

/// This many bytes of lower-case hex.
pub(super) fn array_of<const N: usize>(hex: &str) -> Option<[u8; N]> {
    bytes_of(hex)?.try_into().ok()
}

pub(super) fn digest_of(hex: &str) -> Option<Sha256Digest> {
    array_of(hex).map(Sha256Digest)
}

/// In any form that a UUID may have; `difference` refuses all but one.
pub(super) fn uuid_of(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok()
}

/// The name of a key.
pub(super) fn kid_of(text: &str) -> Option<String> {
    check_kid(text).is_ok().then(|| text.to_owned())
}

/// In any form of RFC 3339; `difference` refuses all but one. A leap second becomes the second after it, which has
/// another text.
pub(super) fn time_of(text: &str) -> Option<Timestamp> {
    let time: Timestamp = text.parse().ok()?;
    time_of_micros(time.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named() {
        let expected = json!({ "a": { "b": [1, null] }, "c": 2 });
        assert_eq!(difference(&expected, &json!({ "c": 2, "a": { "b": [1, null] } })), None);
        for (found, path) in [
            (json!({ "a": { "b": [1, 2] }, "c": 2 }), "a.b.1"),
            (json!({ "a": { "b": [1] }, "c": 2 }), "a.b"),
            (json!({ "a": {}, "c": 2 }), "a.b"),
            (json!({ "a": { "b": [1, null] }, "c": "2" }), "c"),
            (json!([{ "b": [1, null] }, 2]), ""),
        ] {
            assert_eq!(difference(&expected, &found).as_deref(), Some(path), "{found}");
        }
    }

    #[test]
    fn hex_is_lower_case_and_whole() {
        assert_eq!(bytes_of("00ff1a"), Some(vec![0, 255, 26]));
        assert_eq!(array_of("00ff"), Some([0, 255]));
        assert_eq!(array_of::<3>("00ff"), None);
        for wrong in ["0", "0F", "0g", "+1", " 1", "0x"] {
            assert_eq!(bytes_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_between_1970_and_9999() {
        assert!(time_of("1970-01-01T00:00:00.000000Z").is_some());
        assert!(time_of("9999-12-31T23:59:59.999999Z").is_some());
        for wrong in [
            "1969-12-31T23:59:59.999999Z",
            "+10000-01-01T00:00:00.000000Z",
            "2023-02-29T00:00:00.000000Z",
            "",
        ] {
            assert_eq!(time_of(wrong), None, "{wrong}");
        }
    }
}
