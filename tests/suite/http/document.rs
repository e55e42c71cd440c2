//! The OpenAPI document: the stored one equals the served one, and it is complete.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use api::app::document;
use harness::TestBank;
use serde_json::Value;

use crate::layering::root;

on_sqlite!(
    the_kept_document_is_the_current_one,
    every_operation_is_explained,
    every_operation_documents_its_failures,
    requests_take_no_unknown_fields,
    callers_sign_in_with_a_bearer_token,
    names_are_what_a_reader_expects,
    lists_take_what_their_parameters_say,
);

const KEPT: &str = "api/openapi.json";

pub fn current(bank: &TestBank) -> Value {
    document(&bank.services).expect("the document can be made")
}

async fn the_kept_document_is_the_current_one(bank: Arc<TestBank>) {
    let kept = fs::read_to_string(root().join(KEPT)).unwrap_or_default();
    let current = format!("{:#}\n", current(&bank));
    let first = kept
        .lines()
        .zip(current.lines())
        .position(|(kept, current)| kept != current);
    assert!(
        kept == current,
        "the API is not what {KEPT} says (first difference in line {}). If that is meant, read the diff after\n\n    \
         cargo run -q --bin florin -- openapi > {KEPT}\n",
        first.map_or(kept.lines().count().min(current.lines().count()), |line| line) + 1
    );
}

/// The method and path of every operation, with its object.
pub fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths are an object");
    let items = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().expect("a path is an object");
        operations
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    let operations: Vec<_> = items.collect();
    assert!(operations.len() >= 18, "operations are missing: {}", operations.len());
    operations
}

fn is_filled(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

async fn every_operation_is_explained(bank: Arc<TestBank>) {
    let document = current(&bank);
    let mut ids = BTreeSet::new();
    let tags: BTreeSet<_> = document["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["name"].as_str())
        .collect();
    for (name, operation) in operations(&document) {
        for member in ["summary", "description", "operationId"] {
            assert!(is_filled(&operation[member]), "{name} has no {member}");
        }
        assert!(
            ids.insert(operation["operationId"].as_str()),
            "{name} has another's operationId"
        );
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(tags.contains(tag), "{name} has the tag {tag:?}, which is not described");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let shown = format!("{} of {name}", parameter["name"]);
            assert!(parameter["schema"].is_object(), "{shown} has no schema");
            let is_plain = parameter["in"] == "path"
                || parameter["schema"]["allOf"].is_array()
                || parameter["schema"]["$ref"].is_string();
            assert!(
                is_plain || is_filled(&parameter["description"]),
                "{shown} is not described: {parameter}"
            );
        }
    }
    assert_eq!(document["info"]["title"], "Florin");
    assert!(is_filled(&document["info"]["description"]) && is_filled(&document["info"]["version"]));
}

async fn every_operation_documents_its_failures(bank: Arc<TestBank>) {
    let document = current(&bank);
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let codes: BTreeSet<_> = codes
        .as_array()
        .expect("codes are listed")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().expect("an operation has responses");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{name} never succeeds"
        );
        assert!(
            ["500", "503"].iter().all(|status| responses.contains_key(*status)),
            "{name} never fails"
        );
        for (status, response) in responses.iter().filter(|(status, _)| *status >= &"400".to_owned()) {
            let response = resolve(&document, response);
            let shown = format!("{status} of {name}");
            assert!(is_filled(&response["description"]), "{shown}");
            let content = &response["content"]["application/problem+json"];
            assert_eq!(content["schema"]["$ref"], "#/components/schemas/Problem", "{shown}");
            let examples = content["examples"]
                .as_object()
                .unwrap_or_else(|| panic!("{shown} has no examples"));
            assert!(!examples.is_empty(), "{shown}");
            for (code, example) in examples {
                assert!(codes.contains(code.as_str()), "{shown}: {code} is no code");
                assert_eq!(example["value"]["code"], code.as_str(), "{shown}");
                assert_eq!(example["value"]["status"].to_string(), *status, "{shown}");
            }
        }
    }
}

pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .expect("a reference leads somewhere"),
        None => value,
    }
}

async fn requests_take_no_unknown_fields(bank: Arc<TestBank>) {
    let document = current(&bank);
    let mut looked_at = BTreeSet::new();
    for (name, operation) in operations(&document)
        .iter()
        .filter(|(_, operation)| operation["requestBody"].is_object())
    {
        assert_eq!(operation["requestBody"]["required"], true, "{name}");
        let content = operation["requestBody"]["content"]
            .as_object()
            .expect("a body has content");
        let kind = if name.starts_with("post /v1/imports/") {
            "multipart/form-data"
        } else {
            "application/json"
        };
        assert_eq!(content.keys().collect::<Vec<_>>(), [kind], "{name}");
        closed(&document, &content[kind]["schema"], name, &mut looked_at);
    }
    assert!(looked_at.len() >= 5, "{looked_at:?}");
}

/// Checks a request's schema and all of its parts. Free metadata is an object without listed members.
fn closed(document: &Value, schema: &Value, name: &str, looked_at: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        if looked_at.insert(reference.to_owned()) {
            closed(document, resolve(document, schema), reference, looked_at);
        }
        return;
    }
    if schema["properties"].is_object() {
        assert_eq!(schema["additionalProperties"], false, "{name} takes unknown fields");
    }
    let members = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|members| members.values());
    let parts = ["allOf", "anyOf", "oneOf"]
        .into_iter()
        .flat_map(|word| schema[word].as_array().into_iter().flatten());
    for part in members.chain(parts).chain(schema.get("items")) {
        closed(document, part, name, looked_at);
    }
}

async fn callers_sign_in_with_a_bearer_token(bank: Arc<TestBank>) {
    let document = current(&bank);
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .expect("there are security schemes");
    assert_eq!(schemes.len(), 1);
    let scheme = &schemes["bearer"];
    assert_eq!(
        (&scheme["type"], &scheme["scheme"]),
        (&Value::from("http"), &Value::from("bearer"))
    );
    for (name, operation) in operations(&document) {
        for wanted in operation["security"].as_array().into_iter().flatten() {
            let wanted: Vec<_> = wanted.as_object().expect("a requirement is an object").keys().collect();
            assert_eq!(wanted, ["bearer"], "{name}");
        }
    }
}

async fn names_are_what_a_reader_expects(bank: Arc<TestBank>) {
    let document = current(&bank);
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("there are schemas");
    for name in schemas.keys() {
        let is_word = name.chars().all(|letter| letter.is_ascii_alphanumeric()) && !name.ends_with("Word");
        assert!(is_word && name != "Importing", "{name}");
    }
    let tags = document["tags"].as_array().expect("there are tags").iter();
    let tags: Vec<_> = tags.filter_map(|tag| tag["name"].as_str()).collect();
    let order = [
        "Authentication",
        "Users",
        "Wallets",
        "Transfers",
        "Events",
        "Webhooks",
        "Reports",
        "Imports",
        "Audit",
        "Journal",
        "Operations",
    ];
    assert_eq!(tags, order);
    assert!(is_filled(&document["info"]["license"]["name"]) && is_filled(&document["info"]["license"]["url"]));
    assert_eq!(document["servers"].as_array().map(Vec::len), Some(1));
    for (path, title) in [
        ("/docs", "<title>Florin API - Swagger UI</title>"),
        ("/redoc", "<title>Florin API - Redoc</title>"),
        ("/docs/problems", "<title>Florin API - Problem codes</title>"),
    ] {
        let page = bank.anonymous().get(path).await.text;
        assert_eq!(page.matches(title).count(), 1, "{path} has no title {title}");
        assert_eq!(page.matches("<title>").count(), 1, "{path}");
    }
}

async fn lists_take_what_their_parameters_say(bank: Arc<TestBank>) {
    let document = current(&bank);
    for path in [
        "/v1/wallets",
        "/v1/transfers",
        "/v1/wallets/{wallet_id}/entries",
        "/v1/users",
        "/v1/audit",
        "/v1/webhooks",
        "/v1/webhooks/{webhook_id}/deliveries",
        "/v1/imports",
        "/v1/imports/{import_id}/rejects",
    ] {
        let parameters = document["paths"][path]["get"]["parameters"]
            .as_array()
            .expect("a list has parameters");
        let of = |name: &str| {
            parameters
                .iter()
                .find(|parameter| parameter["name"] == name)
                .map(|found| &found["schema"])
        };
        let limit = of("limit").expect("a list has a limit");
        assert_eq!(
            (limit["minimum"].as_f64(), limit["maximum"].as_f64()),
            (Some(1.0), Some(500.0)),
            "{path}"
        );
        assert!(
            of("cursor").is_some_and(|cursor| is_filled(&cursor["pattern"])),
            "{path}"
        );
    }
}
