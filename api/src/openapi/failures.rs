//! The failures of every operation: those that follow from its shape, and its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Object;
use crate::problem::{self, Code, FieldFault, PART_SCHEMA, Problem};

/// The failures that the edge may answer for any operation.
const OF_THE_EDGE: &[Code] = &[
    Code::InvalidRequest,
    Code::MethodNotAllowed,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::UriTooLong,
    Code::UnsupportedMediaType,
    Code::RateLimited,
    Code::HeadersTooLarge,
    Code::Internal,
    Code::Unavailable,
];

/// The failures that follow from an operation's shape.
fn usual_codes(operation: &Value) -> impl Iterator<Item = Code> {
    let is_guarded = operation["security"].as_array().is_some_and(|ways| !ways.is_empty());
    let of_token = if is_guarded {
        &[Code::Unauthenticated, Code::Forbidden, Code::Overloaded][..]
    } else {
        &[]
    };
    of_token.iter().chain(OF_THE_EDGE).copied()
}

/// Adds the failures to an operation. A status with a single code refers to one response in `shared`.
pub fn document(operation: &mut Value, own: &[Code], shared: &mut Object) {
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
        // A status that the operation documents itself keeps its own description.
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

const REQUEST_ID_PATTERN: &str = "^[A-Za-z0-9_.-]{1,64}$";

fn example(code: Code) -> Value {
    const REQUEST_ID: &str = "0198c5a2-7d3e-4c41-9f0e-3b1f5a6c7d8e";
    const LIMIT_EXCEEDED: &str = "the limit per_day_amount of the source would be passed: 12.5000 is left of it";
    const TRANSFER_ID: &str = "0198c5a2-7d3e-7c41-9f0e-3b1f5a6c7d8e";
    const WALLET_ID: &str = "01993f2a-5c01-7b20-9a4c-7e2d1f6bac02";
    let problem = match code {
        Code::InvalidRequest | Code::InvalidField => Problem::of_fields(
            code,
            vec![
                FieldFault::new("amount", "this field is required"),
                FieldFault::new("currency", "must be a string, not a number"),
            ],
        ),
        Code::InsufficientFunds => Problem::new(code, "12.5000 is available, 100.0000 is asked for")
            .with("available", "12.5000")
            .with("transfer_id", TRANSFER_ID),
        Code::LimitExceeded => Problem::new(code, LIMIT_EXCEEDED)
            .with("limit", "per_day_amount")
            .with("remaining", "12.5000")
            .with("transfer_id", TRANSFER_ID),
        Code::AmountExceedsHold | Code::AmountExceedsOriginal => {
            Problem::new(code, "12.5000 remains").with("remaining", "12.5000")
        }
        Code::HoldClosed => Problem::new(code, "the time of the hold has run out").with("reason", "expired"),
        Code::WalletsOpen => Problem::new(code, code.title()).with("wallet_ids", vec![WALLET_ID]),
        Code::WalletFrozen | Code::WalletClosed | Code::CurrencyMismatch | Code::BalanceOutOfRange => {
            Problem::new(code, code.title()).with("transfer_id", TRANSFER_ID)
        }
        other => Problem::new(other, other.title()),
    };
    json!(problem.with("request_id", REQUEST_ID))
}

/// Describes a problem inside an answer: one that has no request of its own.
pub fn describe_parts(document: &mut Value) {
    let Some(schema) = document["components"]["schemas"].get_mut(PART_SCHEMA) else {
        return;
    };
    *schema = problem_schema();
    schema["description"] = "A failure as in other answers, of this part alone.".into();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.shift_remove("request_id");
    }
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| name != "request_id");
    }
}

pub fn add_components(document: &mut Value, responses: Object) {
    let components = &mut document["components"];
    components["schemas"]["Problem"] = problem_schema();
    components["responses"] = Value::Object(responses);
    components["headers"] = json!({ "X-Request-Id": {
        "description": "Names this request in the server's log; the client's own when it sent a fit one.",
        "schema": { "type": "string", "pattern": REQUEST_ID_PATTERN },
    } });
}

fn problem_schema() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "description": "A failure (RFC 9457). Clients may branch on `code`; `detail` is for people. The members that are not required \
            are there where the code calls for them, and never null.",
        "required": ["type", "title", "status", "code", "detail", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "The page that says what the code means and what to do." },
            "title": { "type": "string", "description": "The same few words for every occurrence." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "code": { "type": "string", "enum": codes },
            "detail": { "type": "string" },
            "request_id": {
                "type": "string",
                "pattern": REQUEST_ID_PATTERN,
                "description": "Names this request in the server's log, as the header X-Request-Id does.",
            },
            "errors": {
                "type": "array",
                "description": "Every field or parameter that is not taken, and why.",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {
                        "field": { "type": "string", "description": "Its path, such as `currency`; empty for the whole body." },
                        "message": { "type": "string", "description": "What is wrong, in words that follow the field's name." },
                    },
                },
            },
            "available": { "type": "string", "format": "decimal", "description": "What the source wallet could still give." },
            "batch_id": {
                "type": "string",
                "format": "uuid",
                "description": "The batch of the transfer that records the refusal of an atomic batch.",
            },
            "index": {
                "type": "integer",
                "minimum": 0,
                "maximum": 999,
                "description": "Which transfer of an atomic batch was refused, from 0.",
            },
            "limit": {
                "type": "string",
                "enum": ["per_transfer", "per_day_amount", "per_day_count"],
                "description": "The limit of the source that would be passed.",
            },
            "reason": { "type": "string", "enum": ["expired"], "description": "How a hold ended whose time ran out." },
            "remaining": {
                "description": "How much is left of a hold, of a transfer to reverse, or of a limit; for per_day_count the number 0.",
                "oneOf": [{ "type": "string", "format": "decimal" }, { "type": "integer" }],
            },
            "max_bytes": { "type": "integer", "format": "int64", "minimum": 0, "description": "What a body may hold here." },
            "transfer_id": { "type": "string", "format": "uuid", "description": "The transfer that records a refusal." },
            "wallet_ids": {
                "type": "array",
                "items": { "type": "string", "format": "uuid" },
                "description": "The wallets that keep a user from being erased.",
            },
        },
        "additionalProperties": true,
    })
}
