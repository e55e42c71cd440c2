//! Fields that may be null: the OpenAPI document and the answers must agree, since generated clients rely on the
//! document.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness::TestBank;
use serde_json::Value;

use crate::document::{current, operations, resolve};

on_sqlite!(
    what_may_be_null_is_required_and_nullable,
    answers_have_every_documented_field,
);

/// The names of the objects that answers consist of.
fn answered(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, operation) in operations(document) {
        for (_, response) in operation["responses"].as_object().into_iter().flatten() {
            collect(document, resolve(document, response), &mut names);
        }
    }
    names
}

fn collect(document: &Value, value: &Value, names: &mut BTreeSet<String>) {
    if let Some(name) = value["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix("#/components/schemas/"))
    {
        if names.insert(name.to_owned()) {
            collect(document, resolve(document, value), names);
        }
        return;
    }
    let members = value.as_object().into_iter().flat_map(|object| object.values());
    let items = value.as_array().into_iter().flatten();
    members.chain(items).for_each(|part| collect(document, part, names));
}

/// Fields that may be null, by schema.
const NULLABLE: &[(&str, &[&str])] = &[
    ("Entry", &["description"]),
    ("TransferList", &["next_cursor"]),
    ("WalletList", &["next_cursor"]),
    ("EntryList", &["next_cursor"]),
    ("Import", &["finished_at", "failure"]),
    ("ImportList", &["next_cursor"]),
    ("RejectedLineList", &["next_cursor"]),
    ("Currency", &["digits"]),
    ("BankStatus", &["journal", "queue", "commits", "workers"]),
    ("Readiness", &["redis", "detail", "importing"]),
    (
        "Transfer",
        &[
            "method",
            "description",
            "metadata",
            "failure_reason",
            "batch_id",
            "hold_id",
            "reverses",
            "hold",
            "created_by",
            "api_key_id",
            "completed_at",
        ],
    ),
    (
        "TransferPreview",
        &["source_wallet_id", "destination_wallet_id", "hold", "api_key_id"],
    ),
    (
        "ReceiptTransfer",
        &[
            "method",
            "reason",
            "parent_id",
            "batch_id",
            "created_by",
            "expires_at",
            "released",
            "texts_digest",
        ],
    ),
    ("JournalKey", &["retired_at"]),
    ("BatchItem", &["transfer", "problem"]),
    ("BatchItemPreview", &["transfer", "problem"]),
    // A request may leave these out or set them to null.
    ("NewCapture", &["amount", "final"]),
    ("NewReversal", &["amount", "description"]),
    ("NewLimits", &["per_transfer", "per_day_amount", "per_day_count"]),
    ("FreezeReason", &["reason"]),
    (
        "NewTransfer",
        &[
            "destination_wallet_id",
            "destination_email",
            "description",
            "metadata",
            "hold",
            "expires_in_s",
        ],
    ),
    ("Wallet", &["user_id", "limits"]),
    ("Token", &["refresh_token"]),
    ("Session", &["address", "user_agent"]),
    ("SessionList", &["next_cursor"]),
    ("UserList", &["next_cursor"]),
    ("AuditLineList", &["next_cursor"]),
    (
        "AuditLine",
        &[
            "actor_id",
            "api_key_id",
            "subject",
            "address",
            "user_agent",
            "request_id",
            "before",
            "after",
        ],
    ),
    (
        "ApiKey",
        &[
            "wallet_ids",
            "addresses",
            "expires_at",
            "old_secret_until",
            "last_used_at",
        ],
    ),
    (
        "ExportedApiKey",
        &[
            "wallet_ids",
            "addresses",
            "expires_at",
            "old_secret_until",
            "last_used_at",
            "revoked_at",
        ],
    ),
    ("ExportedSession", &["ended_at", "address", "user_agent"]),
    ("NewApiKey", &["wallet_ids", "addresses", "expires_at"]),
    ("ApiKeyRoll", &["overlap_s"]),
    ("Event", &["actor_id", "request_id"]),
    (
        "Webhook",
        &[
            "types",
            "wallet_ids",
            "description",
            "public_key",
            "disabled_reason",
            "failing_since",
        ],
    ),
    (
        "IssuedWebhook",
        &[
            "types",
            "wallet_ids",
            "description",
            "public_key",
            "disabled_reason",
            "failing_since",
            "secret",
        ],
    ),
    ("Delivery", &["next_attempt_at", "response_status", "response_excerpt"]),
    ("WebhookList", &["next_cursor"]),
    ("DeliveryList", &["next_cursor"]),
    (
        "NewWebhook",
        &["types", "wallet_ids", "description", "ordered", "signing"],
    ),
    ("WebhookChange", &["types", "wallet_ids", "description"]),
    ("WebhookSecretRotation", &["overlap_s"]),
    ("Registration", &["currency"]),
    ("ProfileChange", &["full_name", "email"]),
];

async fn what_may_be_null_is_required_and_nullable(bank: Arc<TestBank>) {
    let document = current(&bank);
    let schemas = &document["components"]["schemas"];
    for name in answered(&document).iter().filter(|name| *name != "Problem") {
        let required = schemas[name]["required"].as_array().cloned().unwrap_or_default();
        for (field, _) in schemas[name]["properties"].as_object().into_iter().flatten() {
            assert!(
                required.contains(&Value::from(field.as_str())),
                "{name}.{field} may be missing"
            );
        }
    }
    let nullable = |name: &str, field: &str| {
        let property = &schemas[name]["properties"][field];
        // Of two alternatives the first one may be null.
        property["nullable"] == true || property["oneOf"][0]["nullable"] == true
    };
    for (name, fields) in NULLABLE {
        for field in *fields {
            assert!(nullable(name, field), "{name}.{field} is not nullable");
        }
    }
    assert!(!nullable("Wallet", "balance") && !nullable("Transaction", "currency"));
    assert!(!nullable("Event", "data") && !nullable("EventPage", "next_cursor"));
    assert!(!nullable("WebhookChange", "url") && !nullable("WebhookChange", "status"));
    parts_of_batches_are_whole(schemas);
    let importing = &schemas["Readiness"]["properties"]["importing"];
    assert!(nullable("Readiness", "importing") && importing["properties"]["kind"].is_object());
}

/// The problem of one transfer of a batch has no id of a request, and its optional members are never null.
fn parts_of_batches_are_whole(schemas: &Value) {
    let problem = &schemas["BatchItem"]["properties"]["problem"];
    assert!(problem["properties"]["code"]["enum"].is_array() && problem["properties"]["request_id"].is_null());
    assert!(problem["properties"]["available"]["nullable"].is_null());
    // A nullable reference is written out as a copy, inside a copy too.
    let transfer = &schemas["BatchItem"]["properties"]["transfer"];
    assert!(transfer["properties"]["hold"]["properties"]["remaining"].is_object());
}

async fn answers_have_every_documented_field(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer_with("ana", "5").await, bank.operator().await);
    let document = current(&bank);
    let wallet = format!("/v1/wallets/{}", ana.wallet);
    let opened = ana.caller.get(&wallet).await.text_of("created_at").to_owned();
    let transfers = ana.caller.get("/v1/transfers").await.expect(200);
    let deposit = transfers["items"][0]["id"].as_str().expect("a transfer has an id");
    for (caller, path, template) in [
        (&ana.caller, wallet.as_str(), "/v1/wallets/{wallet_id}"),
        (&operator, "/v1/wallets", "/v1/wallets"),
        (&operator, "/v1/users", "/v1/users"),
        (&ana.caller, "/v1/transfers", "/v1/transfers"),
        (
            &ana.caller,
            &format!("/v1/transfers/{deposit}/receipt"),
            "/v1/transfers/{transfer_id}/receipt",
        ),
        (&operator, "/v1/journal/head", "/v1/journal/head"),
        (
            &operator,
            "/.well-known/florin-keys.json",
            "/.well-known/florin-keys.json",
        ),
        (&ana.caller, "/v1/events", "/v1/events"),
        (
            &ana.caller,
            &format!("{wallet}/entries"),
            "/v1/wallets/{wallet_id}/entries",
        ),
        (
            &ana.caller,
            &format!("{wallet}/statement"),
            "/v1/wallets/{wallet_id}/statement",
        ),
        (
            &ana.caller,
            &format!("{wallet}/balance?at={opened}"),
            "/v1/wallets/{wallet_id}/balance",
        ),
        (&ana.caller, "/v1/users/me", "/v1/users/me"),
        (&ana.caller, "/v1/users/me/export", "/v1/users/me/export"),
        (&ana.caller, "/v1/currencies", "/v1/currencies"),
        (&ana.caller, "/v1/status", "/v1/status"),
        (&operator, "/v1/status", "/v1/status"),
        (&operator, "/v1/imports", "/v1/imports"),
        (&ana.caller, "/readyz", "/readyz"),
    ] {
        let answer = caller.get(path).await.expect(200);
        let schema = &document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        has_every_field(&document, schema, &answer, path);
    }
}

fn has_every_field(document: &Value, schema: &Value, value: &Value, shown: &str) {
    let schema = resolve(document, schema);
    if value.is_null() {
        assert_eq!(schema["nullable"], true, "{shown} is null");
        return;
    }
    for (field, property) in schema["properties"].as_object().into_iter().flatten() {
        let member = value
            .get(field)
            .unwrap_or_else(|| panic!("{shown} has no {field}: {value}"));
        has_every_field(document, property, member, &format!("{shown}: {field}"));
    }
    for item in value.as_array().into_iter().flatten() {
        has_every_field(document, &schema["items"], item, shown);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        has_every_field(document, part, value, shown);
    }
}
