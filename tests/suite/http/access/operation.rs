//! An operation, as the OpenAPI document describes it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

/// An operation as the document describes it, ready to be called.
pub struct Operation {
    pub id: String,
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub statuses: BTreeSet<u16>,
    pub is_open: bool,
    /// What it needs, in the words of scopes.
    pub permission: Option<String>,
}

impl Operation {
    /// Every operation of a document; bodies are the documented examples.
    pub fn all(document: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths are an object") {
            for (method, operation) in item.as_object().expect("a path is an object") {
                all.push(Self::read(document, path, method, operation));
            }
        }
        all
    }

    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let id = operation["operationId"]
            .as_str()
            .unwrap_or_else(|| panic!("{method} {path} has no operationId"));
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let body = schema.map(|reference| {
            let schema = document
                .pointer(reference.trim_start_matches('#'))
                .expect("a reference leads somewhere");
            assert!(schema["example"].is_object(), "{id}: {reference} has no example");
            schema["example"].clone()
        });
        let statuses = operation["responses"]
            .as_object()
            .expect("an operation has responses")
            .keys();
        Self {
            id: id.to_owned(),
            method: method.to_uppercase().parse().expect("this is a method"),
            path: path.to_owned(),
            body,
            statuses: statuses
                .map(|status| status.parse().expect("a status is a number"))
                .collect(),
            is_open: operation["security"].as_array().is_none_or(Vec::is_empty),
            permission: operation["x-permission"].as_str().map(ToOwned::to_owned),
        }
    }

    /// The path with its ids put in, by their names.
    pub fn path_with(&self, id: impl Fn(&str) -> String) -> String {
        let mut path = self.path.clone();
        while let Some((before, rest)) = path.split_once('{') {
            let (name, after) = rest.split_once('}').expect("an id ends");
            path = format!("{before}{}{after}", id(name));
        }
        path
    }
}
