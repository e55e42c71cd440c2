//! What the objects of requests and answers promise. Requests take no unknown fields, and an optional field may be left
//! out or null. Answers always have every field: one that may be null is required and nullable.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Object, operations};
use crate::problem::PART_SCHEMA;

/// Settles every object of a document.
///
/// Fails when a schema is used in both requests and answers: absence has a different meaning in each.
pub fn settle(document: &mut Value) -> Result<()> {
    close_request_objects(document);
    let (mut requests, mut answers) = (Vec::new(), Vec::new());
    for operation in operations(document) {
        collect_references(&operation["requestBody"], &mut requests);
        collect_references(&operation["responses"], &mut answers);
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return Ok(());
    };
    follow_references(schemas, &mut requests);
    follow_references(schemas, &mut answers);
    // The members of a problem that are not required are never null.
    for (name, schema) in schemas.iter_mut().filter(|(name, _)| *name != PART_SCHEMA) {
        let (is_asked, is_answered) = (requests.contains(name), answers.contains(name));
        let Some(properties) = schema["properties"].as_object() else {
            continue;
        };
        ensure!(!(is_asked && is_answered), "{name} stands in requests and in answers");
        let names: Vec<String> = properties.keys().cloned().collect();
        for field in names {
            if is_required(schema, &field) {
                continue;
            }
            if !NULL_REFUSED.contains(&(name.as_str(), field.as_str())) {
                let property = &mut schema["properties"][&field];
                *property = nullable(property.take());
            }
            if is_answered {
                require(schema, field);
            }
        }
    }
    let inlined = inline_nullable_references(schemas);
    let mut used = Vec::new();
    collect_references(document, &mut used);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| used.contains(name) || !inlined.contains(name));
    }
    Ok(())
}

/// Optional fields of requests that may be left out, and may not be null.
const NULL_REFUSED: &[(&str, &str)] = &[
    ("Transaction", "currency"),
    ("WebhookChange", "url"),
    ("WebhookChange", "ordered"),
    ("WebhookChange", "status"),
];

fn is_required(schema: &Value, field: &str) -> bool {
    schema["required"]
        .as_array()
        .is_some_and(|required| required.iter().any(|name| name == field))
}

fn require(schema: &mut Value, field: String) {
    match schema["required"].as_array_mut() {
        Some(required) => required.push(field.into()),
        None => schema["required"] = json!([field]),
    }
}

fn nullable(schema: Value) -> Value {
    let mut schema = match schema {
        Value::Object(object) if object.contains_key("$ref") => json!({ "allOf": [object] }),
        other => other,
    };
    // `nullable` needs a `type` beside it, so one of two alternatives gets it.
    let alternatives = schema.get_mut("oneOf").and_then(Value::as_array_mut);
    match alternatives.and_then(|alternatives| alternatives.first_mut()) {
        Some(first) => first["nullable"] = true.into(),
        None => schema["nullable"] = true.into(),
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    schema
}

/// Replaces each nullable reference by a copy of its schema: OpenAPI 3.0 has no way to say "this reference or null"
/// that every program understands. Returns the names of the copied schemas.
fn inline_nullable_references(schemas: &mut Object) -> Vec<String> {
    let mut inlined = Vec::new();
    let settled = schemas.clone();
    for schema in schemas.values_mut() {
        inline_in(schema, &settled, &mut inlined);
    }
    inlined
}

/// Replaces them in one schema, and in the copies: an object that may be null can contain another one.
fn inline_in(schema: &mut Value, settled: &Object, inlined: &mut Vec<String>) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Object::values_mut) {
        let mut references = Vec::new();
        collect_references(property.get("allOf").unwrap_or(&Value::Null), &mut references);
        if let [name] = &references[..]
            && let Some(copy) = settled.get(name)
            && property.get("nullable") == Some(&Value::Bool(true))
        {
            let mut copy = copy.clone();
            // The schema around it has an example of the whole.
            if let Some(copy) = copy.as_object_mut() {
                copy.remove("example");
            }
            inline_in(&mut copy, settled, inlined);
            *property = nullable(copy);
            inlined.append(&mut references);
        }
    }
}

fn follow_references(schemas: &Object, names: &mut Vec<String>) {
    let mut next = 0;
    while let Some(name) = names.get(next).cloned() {
        next += 1;
        if let Some(schema) = schemas.get(&name) {
            collect_references(schema, names);
        }
    }
}

/// Marks the schemas of requests as closed, since unknown fields are refused.
fn close_request_objects(document: &mut Value) {
    let mut open: Vec<String> = Vec::new();
    for operation in operations(document) {
        collect_references(&operation["requestBody"], &mut open);
        let content = operation
            .pointer_mut("/requestBody/content")
            .and_then(Value::as_object_mut);
        for kind in content.into_iter().flat_map(Object::values_mut) {
            close(&mut kind["schema"]);
        }
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    follow_references(schemas, &mut open);
    for name in open {
        if let Some(schema) = schemas.get_mut(&name) {
            close(schema);
        }
    }
}

fn close(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut()
        && schema.contains_key("properties")
    {
        schema.entry("additionalProperties").or_insert(Value::Bool(false));
    }
}

fn collect_references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let name = object
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|path| path.rsplit('/').next());
            if let Some(name) = name
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
            object.values().for_each(|value| collect_references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
