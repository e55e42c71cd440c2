//! One spelling of a JSON value, so that two spellings of the same value are the same request. Pure.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The same JSON with sorted keys, no blanks and one spelling of each string; numbers stay as they are written.
/// `None` when it is not JSON, or nested deeper than `depth`.
pub(super) fn canonical_json(text: &str, depth: u32) -> Option<String> {
    let deeper = depth.checked_sub(1)?;
    let text = text.trim();
    match text.as_bytes().first()? {
        b'{' => {
            let object: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            let fields: Option<Vec<String>> = object
                .into_iter()
                .map(|(key, value)| {
                    let key = serde_json::to_string(&key).ok()?;
                    Some(format!("{key}:{}", canonical_json(value.get(), deeper)?))
                })
                .collect();
            Some(format!("{{{}}}", fields?.join(",")))
        }
        b'[' => {
            let array: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let items: Option<Vec<String>> = array
                .into_iter()
                .map(|value| canonical_json(value.get(), deeper))
                .collect();
            Some(format!("[{}]", items?.join(",")))
        }
        b'"' => {
            let string: String = serde_json::from_str(text).ok()?;
            serde_json::to_string(&string).ok()
        }
        _ => {
            let scalar: &RawValue = serde_json::from_str(text).ok()?;
            Some(scalar.get().to_owned())
        }
    }
}
