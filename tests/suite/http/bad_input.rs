//! Bodies and queries that no operation of the document takes.

use serde_json::Value;

/// Values, as JSON text, each of which most fields refuse.
const VALUES: &[&str] = &[
    "null",
    "true",
    "7",
    "-1",
    "1.5",
    "1e400",
    "\"\"",
    "\"x\"",
    "\"2026-13-01\"",
    "\"\\ud800\"",
    "[]",
    "[1]",
    "{}",
    "{\"a\":1}",
];

/// Objects with one known field, whose value may happen to be valid, and one unknown field; and texts that are not
/// JSON.
pub fn bad_bodies(schema: &Value) -> Vec<String> {
    let Some(properties) = schema["properties"].as_object() else {
        return Vec::new();
    };
    let fields = properties.keys().flat_map(|field| {
        let of = move |value: &&str| format!("{{\"{field}\":{value},\"nope\":1}}");
        VALUES.iter().map(of)
    });
    let others = [
        "{}",
        "[]",
        "null",
        "1",
        "\"x\"",
        "",
        "{",
        "{]",
        "nope",
        "{\"a\":1} x",
        "{\"a\":NaN}",
    ];
    // An object without any field is a good body where none is required.
    let needs_fields = schema["required"]
        .as_array()
        .is_some_and(|required| !required.is_empty());
    let others = others.into_iter().filter(|body| needs_fields || *body != "{}");
    fields.chain(others.map(ToOwned::to_owned)).collect()
}

pub fn bad_queries(operation: &Value) -> Vec<String> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    // A stream that takes the query has no end.
    let is_stream = ["statistics_stream", "events_stream"]
        .iter()
        .any(|id| operation["operationId"] == *id);
    let names = parameters
        .filter(|parameter| parameter["in"] == "query" && !is_stream)
        .filter_map(|parameter| parameter["name"].as_str());
    names
        .flat_map(|name| ["", "x", "-1", "1.5", "null", "%00", "2026-13-01"].map(|value| format!("{name}={value}")))
        .collect()
}
