//! Says in words what a value of a JSON schema must be. The schema is the one in the OpenAPI document, so that both
//! agree.

use serde_json::Value;

/// What a value of this schema must be, such as `must be one of TRANSFER, DEPOSIT`.
pub fn must_be(schema: &Value) -> String {
    let format = schema["format"].as_str().unwrap_or_default();
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        return format!("must be one of {}", values.join(", "));
    }
    let words = match schema["type"].as_str() {
        Some("string") if format == "uuid" => "must be an id, such as 01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01",
        Some("string") if format == "date-time" => "must be a date and time, such as 2026-01-31T12:00:00Z",
        Some("string") if format == "date" => "must be a date, such as 2026-01-31",
        Some("string") => "must be a string",
        Some("integer") => return whole_number(schema),
        Some("number") => "must be a number",
        Some("boolean") => "must be true or false",
        Some("array") => "must be an array",
        Some("object") => "must be an object",
        _ => "has a value that is not taken here",
    };
    words.to_owned()
}

/// The schema that this one refers to, directly or through `allOf` beside a description of its own; otherwise this one.
pub fn resolve<'a>(schema: &'a Value, named: &'a Value) -> &'a Value {
    let schema = schema["allOf"].get(0).unwrap_or(schema);
    let name = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.rsplit('/').next());
    name.map_or(schema, |name| &named[name])
}

fn whole_number(schema: &Value) -> String {
    let is_unsigned = schema["format"]
        .as_str()
        .is_some_and(|format| format.starts_with("uint"));
    let least = schema["minimum"].as_f64().or(is_unsigned.then_some(0.0));
    match (least, schema["maximum"].as_f64()) {
        (Some(least), Some(most)) => format!("must be a whole number from {least} to {most}"),
        (Some(least), None) => format!("must be a whole number of at least {least}"),
        (None, Some(most)) => format!("must be a whole number of at most {most}"),
        (None, None) => "must be a whole number".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_of_value_has_its_words() {
        for (schema, words) in [
            (
                json!({ "type": "string", "enum": ["A", "B", null] }),
                "must be one of A, B",
            ),
            (
                json!({ "type": "string", "format": "date-time" }),
                "must be a date and time, such as 2026-01-31T12:00:00Z",
            ),
            (
                json!({ "type": "string", "format": "date" }),
                "must be a date, such as 2026-01-31",
            ),
            (
                json!({ "type": "string", "format": "uuid" }),
                "must be an id, such as 01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01",
            ),
            (json!({ "type": "string" }), "must be a string"),
            (json!({ "type": "boolean" }), "must be true or false"),
            (json!({ "type": "number" }), "must be a number"),
            (
                json!({ "type": "integer", "format": "int64" }),
                "must be a whole number",
            ),
            (
                json!({ "type": "integer", "minimum": 1.0, "maximum": 500.0 }),
                "must be a whole number from 1 to 500",
            ),
            (
                json!({ "type": "integer", "format": "uint32" }),
                "must be a whole number of at least 0",
            ),
            (
                json!({ "type": "integer", "maximum": 9.0 }),
                "must be a whole number of at most 9",
            ),
            (json!({ "type": "array" }), "must be an array"),
            (json!({ "type": "object" }), "must be an object"),
            (json!({}), "has a value that is not taken here"),
        ] {
            assert_eq!(must_be(&schema), words, "{schema}");
        }
    }
}
