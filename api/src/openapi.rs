//! Finishes the OpenAPI document once at start: poem-openapi documents no failures and lets request objects hold
//! anything. What is served, shown in Swagger UI and kept in the repository is the finished document.

mod pages;

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result, ensure};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, json};
use service::config::ReportAccess;

pub use self::pages::{PAGES, Pages, with_pages};
use crate::problem::{self, Code, Problem};

type Object = Map<String, Value>;

/// What each operation may answer besides the failures that follow from its shape: operation id and codes.
pub type OperationCodes<'a> = &'a [(&'a str, &'a [Code])];

/// Makes the final document of poem-openapi's `spec()`.
///
/// Fails when the text is no OpenAPI document, or when `codes` names an operation that does not exist.
pub fn finish(spec: &str, codes: OperationCodes, reports: ReportAccess) -> Result<Value> {
    let mut document = read(spec).context("the OpenAPI document cannot be read")?;
    close_request_objects(&mut document);
    let mut unused: BTreeMap<&str, &[Code]> = codes.iter().copied().collect();
    let mut responses = Object::new();
    for operation in operations(&mut document) {
        settle_security(operation, reports);
        let id = operation["operationId"].as_str().unwrap_or_default();
        let own = unused.remove(id).unwrap_or_default();
        document_failures(operation, own, &mut responses);
    }
    ensure!(unused.is_empty(), "no such operations: {:?}", unused.keys());
    add_components(&mut document, responses);
    Ok(document)
}

/// A path that several resources share comes as a repeated key, which a plain reading would drop.
fn read(spec: &str) -> serde_json::Result<Value> {
    #[derive(Deserialize)]
    struct Spec {
        paths: Paths,
        #[serde(flatten)]
        rest: Object,
    }
    let Spec { paths, mut rest } = serde_json::from_str(spec)?;
    rest.insert("paths".to_owned(), Value::Object(paths.0));
    Ok(Value::Object(rest))
}

struct Paths(Object);

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Merge;

        impl<'de> Visitor<'de> for Merge {
            type Value = Paths;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("the paths of an OpenAPI document")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Paths, A::Error> {
                let mut paths = Object::new();
                while let Some((path, operations)) = map.next_entry::<String, Object>()? {
                    let merged = paths.entry(path).or_insert_with(|| Value::Object(Object::new()));
                    merged
                        .as_object_mut()
                        .into_iter()
                        .for_each(|merged| merged.extend(operations.clone()));
                }
                Ok(Paths(paths))
            }
        }

        deserializer.deserialize_map(Merge)
    }
}

fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(Object::values_mut);
    let operations = paths.filter_map(Value::as_object_mut).flat_map(Object::values_mut);
    operations.filter(|operation| operation["responses"].is_object())
}

/// A token that is said to be optional is asked for by this server, or it is not.
fn settle_security(operation: &mut Value, reports: ReportAccess) {
    let Some(ways) = operation.get_mut("security").and_then(Value::as_array_mut) else {
        return;
    };
    let needs_nothing = |way: &Value| way.as_object().is_some_and(Object::is_empty);
    if ways.iter().any(needs_nothing) {
        match reports {
            ReportAccess::Public => ways.clear(),
            ReportAccess::Operator => ways.retain(|way| !needs_nothing(way)),
        }
    }
}

/// Unknown fields are refused, so the schemas that requests are made of say so.
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
    let mut next = 0;
    while let Some(name) = open.get(next).cloned() {
        next += 1;
        let Some(schema) = schemas.get_mut(&name) else { continue };
        collect_references(schema, &mut open);
        close(schema);
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

/// The failures that follow from an operation's shape.
fn usual_codes(operation: &Value) -> Vec<Code> {
    let mut codes = Vec::new();
    let has_items = |key: &str| operation[key].as_array().is_some_and(|items| !items.is_empty());
    if operation["requestBody"].is_object() || has_items("parameters") {
        codes.push(Code::InvalidRequest);
    }
    if operation["requestBody"].is_object() {
        codes.extend([Code::RequestTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType]);
    }
    if has_items("security") {
        codes.extend([Code::Unauthenticated, Code::Forbidden]);
    }
    codes.extend([Code::Internal, Code::Unavailable]);
    codes
}

/// Adds the failures to an operation; those of a single code are shared through `shared`.
fn document_failures(operation: &mut Value, own: &[Code], shared: &mut Object) {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in own.iter().copied().chain(usual_codes(operation)) {
        let codes = by_status.entry(code.status().as_u16()).or_default();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    for response in responses.values_mut() {
        response["headers"]["X-Request-Id"] = request_id_reference();
    }
    for (status, codes) in by_status {
        let response = match codes[..] {
            [code] => {
                shared.entry(code.as_str()).or_insert_with(|| failure(&[code]));
                json!({ "$ref": format!("#/components/responses/{}", code.as_str()) })
            }
            _ => failure(&codes),
        };
        // A status that the operation documents itself keeps its own words.
        responses.entry(status.to_string()).or_insert(response);
    }
    responses.sort_keys();
}

fn request_id_reference() -> Value {
    json!({ "$ref": "#/components/headers/X-Request-Id" })
}

/// The response object for failures of one status, with an example for each code.
fn failure(codes: &[Code]) -> Value {
    let titles: Vec<&str> = codes.iter().map(|code| code.title()).collect();
    let examples: Object = codes
        .iter()
        .map(|code| {
            (
                code.as_str().to_owned(),
                json!({ "summary": code.title(), "value": example(*code) }),
            )
        })
        .collect();
    let mut headers = json!({ "X-Request-Id": request_id_reference() });
    match codes.first().map(|code| code.status().as_u16()) {
        Some(401) => headers["WWW-Authenticate"] = json!({ "schema": { "type": "string" }, "example": "Bearer" }),
        Some(429 | 503) => {
            headers["Retry-After"] =
                json!({ "description": "Seconds to wait.", "schema": { "type": "integer" }, "example": 1 });
        }
        _ => {}
    }
    json!({
        "description": titles.join(" · "),
        "headers": headers,
        "content": { problem::CONTENT_TYPE: {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": examples,
        } },
    })
}

fn example(code: Code) -> Value {
    const TRANSFER_ID: &str = "0198c5a2-7d3e-7c41-9f0e-3b1f5a6c7d8e";
    let problem = match code {
        Code::InvalidRequest => Problem::invalid_field("currency", "this field is required"),
        Code::InsufficientFunds => Problem::new(code, "12.5000 is available, 100.0000 is asked for")
            .with("available", "12.5000")
            .with("transfer_id", TRANSFER_ID),
        Code::WalletFrozen | Code::WalletClosed | Code::CurrencyMismatch | Code::BalanceOutOfRange => {
            Problem::new(code, code.title()).with("transfer_id", TRANSFER_ID)
        }
        other => Problem::new(other, other.title()),
    };
    json!(problem)
}

fn add_components(document: &mut Value, responses: Object) {
    let components = &mut document["components"];
    components["schemas"]["Problem"] = problem_schema();
    components["responses"] = Value::Object(responses);
    components["headers"] = json!({ "X-Request-Id": {
        "description": "Names this request in the server's log; the client's own when it sent a fit one.",
        "schema": { "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$" },
    } });
}

fn problem_schema() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "A failure (RFC 9457). Clients may branch on `code`; `detail` is for people.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "Where the code is explained." },
            "title": { "type": "string", "description": "The same few words for every occurrence." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "code": { "type": "string", "enum": codes },
            "detail": { "type": "string" },
            "errors": {
                "type": "array",
                "description": "Which fields or parameters cannot be read, and why.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": { "field": { "type": "string" }, "message": { "type": "string" } },
                },
            },
            "available": { "type": "string", "description": "What the source wallet could still give." },
            "transfer_id": { "type": "string", "format": "uuid", "description": "The transfer that records a refusal." },
        },
        "additionalProperties": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> String {
        let body = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } });
        let post = json!({ "operationId": "create", "security": [{ "Bearer": [] }], "requestBody": body,
            "responses": { "201": { "description": "" } } });
        let get = json!({ "operationId": "list", "responses": { "200": { "description": "" } } });
        let schemas = json!({
            "New": { "type": "object", "properties": { "part": { "$ref": "#/components/schemas/Part" } } },
            "Part": { "type": "object", "properties": {} },
            "View": { "type": "object", "properties": {} },
        });
        // One path twice, as poem-openapi writes it for two resources.
        format!(
            r#"{{"openapi":"3.0.0","paths":{{"/a":{{"post":{post}}},"/a":{{"get":{get}}}}},"components":{{"schemas":{schemas}}}}}"#
        )
    }

    #[test]
    fn every_operation_tells_its_failures() {
        let codes: OperationCodes = &[("create", &[Code::WalletFrozen, Code::InsufficientFunds, Code::NotFound])];
        let document = finish(&spec(), codes, ReportAccess::Operator).expect("is finished");
        let responses = document["paths"]["/a"]["post"]["responses"]
            .as_object()
            .expect("has responses");
        let statuses: Vec<_> = responses.keys().map(String::as_str).collect();
        assert_eq!(
            statuses,
            [
                "201", "400", "401", "403", "404", "408", "413", "415", "422", "500", "503"
            ]
        );
        let examples = &responses["422"]["content"][problem::CONTENT_TYPE]["examples"];
        assert_eq!(examples["insufficient_funds"]["value"]["available"], "12.5000");
        let responses = document["paths"]["/a"]["get"]["responses"]
            .as_object()
            .expect("has responses");
        assert_eq!(responses.keys().collect::<Vec<_>>(), ["200", "500", "503"]);
        assert!(document["components"]["responses"]["internal"].is_object());
    }

    #[test]
    fn only_what_requests_are_made_of_is_closed() {
        let document = finish(&spec(), &[], ReportAccess::Operator).expect("is finished");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["New"]["additionalProperties"], false);
        assert_eq!(schemas["Part"]["additionalProperties"], false);
        assert!(schemas["View"]["additionalProperties"].is_null());
    }

    #[test]
    fn a_stale_table_of_codes_is_noticed() {
        assert!(finish(&spec(), &[("gone", &[Code::NotFound])], ReportAccess::Operator).is_err());
    }

    #[test]
    fn an_optional_token_is_asked_for_or_not() {
        let spec = spec().replace(r#""security":[{"Bearer":[]}]"#, r#""security":[{"Bearer":[]},{}]"#);
        let security = |reports| {
            let document = finish(&spec, &[], reports).expect("is finished");
            document["paths"]["/a"]["post"]["security"].clone()
        };
        assert_eq!(security(ReportAccess::Operator), json!([{ "Bearer": [] }]));
        assert_eq!(security(ReportAccess::Public), json!([]));
    }
}
