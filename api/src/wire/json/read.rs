//! Reads a JSON body, and explains what is wrong with a bad one: the field's path and a reason in the words of JSON.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::problem::Problem;

/// Reads one JSON value, and nothing after it, from the bytes of a body.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Problem::invalid_field("", "the body is not valid UTF-8"));
    };
    if text.trim_ascii().is_empty() {
        return Err(Problem::invalid_field("", "the body is empty; JSON is expected"));
    }
    // The path is tracked in a second reading, which only a bad body pays for.
    serde_json::from_str(text).map_err(|error| explain::<T>(text, &error))
}

fn explain<T: DeserializeOwned>(text: &str, first: &serde_json::Error) -> Problem {
    if first.classify() != Category::Data {
        return Problem::invalid_field("", format!("the body is not valid JSON: {}", plain_reason(first)));
    }
    let (field, message) = place::<T>(text, first);
    Problem::invalid_field(field, message)
}

/// The field of a JSON text that is not what it should be, and why.
pub fn place<'de, T: Deserialize<'de>>(text: &'de str, first: &serde_json::Error) -> (String, String) {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => (String::new(), plain_reason(first)),
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { "" } else { &path };
            describe(path, &plain_reason(error.inner()))
        }
    }
}

/// serde_json's sentence; the place is of use only where there is no path.
fn plain_reason(error: &serde_json::Error) -> String {
    let sentence = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match sentence.strip_suffix(&place) {
        Some(reason) if error.classify() == Category::Data => reason.to_owned(),
        _ => sentence,
    }
}

/// Turns serde's sentence about `path` into a field and a message in the words of JSON.
fn describe(path: &str, reason: &str) -> (String, String) {
    if let Some(name) = quoted(reason, "missing field `") {
        return (join(path, name), "this field is required".to_owned());
    }
    if let Some(name) = quoted(reason, "duplicate field `") {
        return (join(path, name), "this field is given more than once".to_owned());
    }
    if let Some(name) = quoted(reason, "unknown field `") {
        return (join(path, name), "there is no such field".to_owned());
    }
    if let Some(found) = reason.strip_prefix("invalid type: ") {
        let (found, expected) = found.rsplit_once(", expected ").unwrap_or((found, "another type"));
        return (
            path.to_owned(),
            format!(
                "expected {}, found {}",
                expected_in_json(expected),
                found_in_json(found)
            ),
        );
    }
    if let Some(found) = reason
        .strip_prefix("invalid value: ")
        .or(reason.strip_prefix("invalid length "))
    {
        let (_, expected) = found.rsplit_once(", expected ").unwrap_or((found, "another value"));
        return (path.to_owned(), format!("expected {}", expected_in_json(expected)));
    }
    if let Some((_, expected)) = reason
        .strip_prefix("unknown variant `")
        .and_then(|rest| rest.rsplit_once("`, expected "))
    {
        return (path.to_owned(), format!("expected {expected}"));
    }
    (path.to_owned(), reason.to_owned())
}

fn quoted<'a>(reason: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = reason.strip_prefix(prefix)?;
    // An unknown name is the client's own and may hold anything, so the list of known ones marks its end.
    let end = rest
        .rfind("`, expected ")
        .or_else(|| rest.rfind("`, there are no fields"))
        .or_else(|| rest.rfind('`'))?;
    Some(&rest[..end])
}

/// The path of a field, given the path of its object; serde names some fields itself already.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else if path == name || path.ends_with(&format!(".{name}")) {
        path.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn expected_in_json(expected: &str) -> String {
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number in range, not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number in range",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" | "option" => "null",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("tuple") => "an array",
        _ if expected.contains("enum ") || expected.contains("variant") => "one of its known values",
        other => other,
    };
    words.to_owned()
}

/// The kind of what was found; its value is not repeated, as it may be long or a secret.
fn found_in_json(found: &str) -> &'static str {
    match found {
        _ if found.starts_with("string") || found.starts_with("character") => "a string",
        _ if found.starts_with("integer") => "a whole number",
        _ if found.starts_with("floating") || found.starts_with("number") => "a number",
        _ if found.starts_with("boolean") => "a boolean",
        _ if found.starts_with("sequence") || found.starts_with("tuple") => "an array",
        _ if found.starts_with("map") || found.starts_with("newtype") => "an object",
        _ if found.starts_with("null") || found.starts_with("unit") || found.starts_with("Option") => "null",
        _ => "another type",
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json, value::RawValue};

    use super::*;
    use crate::problem::Code;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is looked at")]
    struct Inner {
        limit: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading is looked at")]
    struct Outer {
        name: String,
        amount: Box<RawValue>,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    fn error_of(text: &[u8]) -> (String, String) {
        let problem = read::<Outer>(text).expect_err("is refused");
        assert_eq!(problem.code(), Code::InvalidRequest);
        let document: Value = serde_json::to_value(&problem).expect("serialises");
        let error = &document["errors"][0];
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        assert!(!document.to_string().contains("Outer") && !document.to_string().contains("Inner"));
        (text("field"), text("message"))
    }

    #[test]
    fn a_number_keeps_its_text() {
        let outer: Outer = read(br#"{"name":"a","amount":12345678901234.5679}"#).expect("is read");
        assert_eq!(outer.amount.get(), "12345678901234.5679");
    }

    #[test]
    fn every_fault_names_its_field_and_reason() {
        let cases = [
            (json!({"name": "a"}), "amount", "this field is required"),
            (
                json!({"name": 1, "amount": 1}),
                "name",
                "expected a string, found a whole number",
            ),
            (
                json!({"name": "a", "amount": 1, "role": "admin"}),
                "role",
                "there is no such field",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": [{"limit": 1}, {}]}),
                "inner[1].limit",
                "this field is required",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": [{"limit": -1}]}),
                "inner[0].limit",
                "expected a whole number in range, not negative",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": {}}),
                "inner",
                "expected an array, found an object",
            ),
            (
                json!({"name": "a", "amount": 1, "inner": [7]}),
                "inner[0]",
                "expected an object, found a whole number",
            ),
            (json!("text"), "", "expected an object, found a string"),
        ];
        for (body, field, message) in cases {
            assert_eq!(
                error_of(body.to_string().as_bytes()),
                (field.to_owned(), message.to_owned()),
                "{body}"
            );
        }
        let twice = error_of(br#"{"name":"a","name":"b","amount":1}"#);
        assert_eq!(
            twice,
            ("name".to_owned(), "this field is given more than once".to_owned())
        );
    }

    #[test]
    fn what_is_not_json_is_said_to_be_so() {
        for body in [
            &b"{"[..],
            b"nope",
            b"{\"name\":\"a\",\"amount\":1} x",
            b"{\"name\":\"a\",\"amount\":NaN}",
        ] {
            assert!(error_of(body).1.starts_with("the body is not valid JSON: "), "{body:?}");
        }
        assert_eq!(error_of(b" \n").1, "the body is empty; JSON is expected");
        assert_eq!(error_of(b"{\"name\":\"\xff\"}").1, "the body is not valid UTF-8");
    }
}
