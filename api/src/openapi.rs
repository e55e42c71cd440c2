//! Finishes the OpenAPI document once at start: poem-openapi documents no failures, and allows unknown fields in
//! requests. What is served, shown in Swagger UI and kept in the repository is the finished document.

mod failures;
mod home;
mod objects;
mod pages;
mod problems;

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result, ensure};
use poem_openapi::Tags;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Value, json};
use service::actor::Permission;
use service::config::ReportAccess;

pub use self::pages::{PAGES, Pages, with_pages};
use crate::problem::Code;
use crate::resources::Tag;

type Object = Map<String, Value>;

/// The failures of each operation that do not follow from its shape: operation id and codes.
pub type OperationCodes<'a> = &'a [(&'a str, &'a [Code])];

/// Makes the final document of poem-openapi's `spec()`.
///
/// Fails when the text is no OpenAPI document, or when `codes` names an operation that does not exist.
pub fn finish(spec: &str, codes: OperationCodes, reports: ReportAccess) -> Result<Value> {
    let mut document = read(spec).context("the OpenAPI document cannot be read")?;
    describe(&mut document);
    failures::describe_parts(&mut document);
    objects::settle(&mut document)?;
    let mut unused: BTreeMap<&str, &[Code]> = codes.iter().copied().collect();
    let mut responses = Object::new();
    for operation in operations(&mut document) {
        settle_security(operation, reports);
        let id = operation["operationId"].as_str().unwrap_or_default();
        let own = unused.remove(id).unwrap_or_default();
        failures::document(operation, own, &mut responses);
    }
    ensure!(unused.is_empty(), "no such operations: {:?}", unused.keys());
    failures::add_components(&mut document, responses);
    Ok(document)
}

/// Adds what poem-openapi cannot express, and sorts the tags, whose order it does not keep.
fn describe(document: &mut Value) {
    document["openapi"] = json!("3.0.3");
    document["info"]["contact"] = json!({ "name": "The developers of Florin" });
    document["info"]["license"] = json!({ "name": "MIT OR Apache-2.0", "url": "https://spdx.org/licenses/" });
    document["servers"] = json!([{ "url": "/", "description": "The server that this document comes from." }]);
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.sort_by_key(|tag| Tag::ORDER.iter().position(|known| tag["name"] == known.name()));
    }
}

/// Merges repeated paths: poem-openapi repeats the key of a path that several resources share, and plain JSON parsing
/// would keep only the last one.
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

/// Replaces an optional token: this server either requires it or does not. An operation without a token gets an empty
/// list. The permission that an operation needs, which `auth` puts beside the token, becomes its `x-permission`.
fn settle_security(operation: &mut Value, reports: ReportAccess) {
    if operation["security"].is_null() {
        operation["security"] = json!([]);
    }
    let Some(ways) = operation["security"].as_array_mut() else {
        return;
    };
    let permission_of = |way: &Value| {
        way.as_object()?
            .keys()
            .find(|name| Permission::from_word(name).is_some())
            .cloned()
    };
    let permission = ways.iter().find_map(permission_of);
    ways.retain(|way| permission_of(way).is_none());
    let needs_nothing = |way: &Value| way.as_object().is_some_and(Object::is_empty);
    let is_optional = ways.iter().any(needs_nothing);
    if is_optional {
        match reports {
            ReportAccess::Public => ways.clear(),
            ReportAccess::Operator => ways.retain(|way| !needs_nothing(way)),
        }
    }
    let is_open = ways.is_empty();
    if let Some(permission) = permission.filter(|_| !is_open) {
        operation["x-permission"] = json!(permission);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> String {
        let body = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } });
        let post = json!({ "operationId": "create", "security": [{ "Bearer": [] }], "requestBody": body,
            "responses": { "201": { "description": "" } } });
        let view = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/View" } } });
        let get = json!({ "operationId": "list", "responses": { "200": { "description": "", "content": view } } });
        let schemas = json!({
            "New": { "type": "object", "properties": { "part": { "$ref": "#/components/schemas/Part" } } },
            "Part": { "type": "object", "properties": { "note": { "type": "string" } } },
            "View": { "type": "object", "properties": { "id": { "type": "string" }, "part": { "$ref": "#/components/schemas/Other" } },
                "required": ["id"] },
            "Other": { "type": "object", "properties": { "at": { "type": "string" } } },
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
                "201", "400", "401", "403", "404", "405", "408", "413", "414", "415", "422", "429", "431", "500", "503"
            ]
        );
        let examples = &responses["422"]["content"]["application/problem+json"]["examples"];
        assert_eq!(examples["insufficient_funds"]["value"]["available"], "12.5000");
        let responses = document["paths"]["/a"]["get"]["responses"]
            .as_object()
            .expect("has responses");
        assert!(responses.contains_key("431") && !responses.contains_key("401"));
        assert!(document["components"]["responses"]["internal"].is_object());
    }

    #[test]
    fn only_what_requests_are_made_of_is_closed() {
        let document = finish(&spec(), &[], ReportAccess::Operator).expect("is finished");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["New"]["additionalProperties"], false);
        let part = &schemas["New"]["properties"]["part"];
        assert_eq!(part["additionalProperties"], false);
        assert!(schemas["View"]["additionalProperties"].is_null());
    }

    #[test]
    fn what_may_be_null_is_said_to_be_so() {
        let document = finish(&spec(), &[], ReportAccess::Operator).expect("is finished");
        let schemas = &document["components"]["schemas"];
        // Requests may omit it.
        let part = &schemas["New"]["properties"]["part"];
        assert_eq!(
            part["properties"]["note"],
            json!({ "type": "string", "nullable": true })
        );
        assert!(part["required"].is_null());
        // Answers always have it. A reference that may be null is replaced by a copy, and a schema without other
        // references is removed.
        let other = json!({ "type": "object", "properties": { "at": { "type": "string", "nullable": true } },
            "required": ["at"], "nullable": true });
        assert_eq!(schemas["View"]["properties"]["part"], other);
        assert_eq!(schemas["View"]["required"], json!(["id", "part"]));
        assert!(schemas["Part"].is_null() && schemas["Other"].is_null());
        assert!(schemas["View"]["properties"]["id"]["nullable"].is_null());
    }

    #[test]
    fn an_object_that_may_be_null_inside_another_one_is_copied_too() {
        let flat = r#""Other":{"type":"object","properties":{"at":{"type":"string"}}}"#;
        let nested = r##""Other":{"type":"object","properties":{"at":{"$ref":"#/components/schemas/Inner"}}},
            "Inner":{"type":"object","properties":{"x":{"type":"string"}}}"##;
        let spec = spec().replace(flat, nested);
        let document = finish(&spec, &[], ReportAccess::Operator).expect("is finished");
        let schemas = &document["components"]["schemas"];
        let inner = json!({ "type": "object", "properties": { "x": { "type": "string", "nullable": true } },
            "required": ["x"], "nullable": true });
        assert_eq!(schemas["View"]["properties"]["part"]["properties"]["at"], inner);
        assert!(schemas["Other"].is_null() && schemas["Inner"].is_null());
    }

    #[test]
    fn an_object_of_requests_and_answers_is_refused() {
        let spec = spec().replace("schemas/View", "schemas/New");
        assert!(finish(&spec, &[], ReportAccess::Operator).is_err());
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
