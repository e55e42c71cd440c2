//! The other fields of transfers, deposits and withdrawals.

use std::sync::Arc;

use harness::{Customer, TestBank, on_every_backend};
use serde_json::{Value, json};

use super::{Case, payment_paths, people, quoted, refuses_all, send, shapes, transfer_of, with};

on_every_backend!(text_that_a_database_could_trip_over);
on_sqlite!(fields_of_transfers, fields_of_payments);

async fn fields_of_transfers(bank: Arc<TestBank>) {
    let (ana, ben, _) = people(&bank).await;
    let base = transfer_of(&ana, &ben);
    let (long, large, deep) = (quoted(&"x".repeat(501)), object_of(4_097), nested(33));
    let bad: &[(&'static str, &[&str])] = &[
        (
            "source_wallet_id",
            &["null", "\"\"", "\"abc\"", "7", "true", "[]", "{}", "\"0199\\u0000\""],
        ),
        (
            "destination_wallet_id",
            &["\"\"", "\"not-a-uuid\"", "1.5", "{\"id\":\"x\"}"],
        ),
        ("description", &["7", "true", "[]", "{}", "\"a\\u0000b\"", &long]),
        ("metadata", &["7", "true", "\"x\"", "[]", "[{}]", &large, &deep]),
        ("destination_email", &["\"ben\"", "7", "{}"]),
        ("hold", &["1", "\"true\"", "{}"]),
        ("expires_in_s", &["59", "31536001", "\"3600\"", "1.5", "-60"]),
        ("role", &["\"admin\""]),
        ("available", &["\"1\""]),
        ("", &["1"]),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (field, texts) in bad {
        cases.extend(
            texts
                .iter()
                .map(|text| (with(&base, field, Some(text)), 400, "invalid_request", Some(*field))),
        );
    }
    cases.push((
        with(&base, "source_wallet_id", None),
        400,
        "invalid_request",
        Some("source_wallet_id"),
    ));
    for nobody in [None, Some("null")] {
        let body = with(&base, "destination_wallet_id", nobody);
        cases.push((body, 422, "invalid_field", Some("destination_wallet_id")));
    }
    let both = with(&base, "destination_email", Some("\"ben@example.com\""));
    cases.push((both, 422, "invalid_field", Some("destination_wallet_id")));
    let unheld = with(&base, "expires_in_s", Some("3600"));
    cases.push((unheld, 422, "invalid_field", Some("expires_in_s")));
    let twice = format!("{{\"amount\":\"1\",{}", &base.to_string()[1..]);
    cases.push((twice, 400, "invalid_request", Some("amount")));
    refuses_all(&bank, &ana.caller, "/v1/transfers", cases.into_iter().chain(shapes())).await;
}

async fn fields_of_payments(bank: Arc<TestBank>) {
    let (ana, _, operator) = people(&bank).await;
    let base = json!({ "amount": "1", "method": "visa" });
    let methods = [
        "null",
        "\"\"",
        "\"Visa\"",
        "\"vi sa\"",
        "\"vi-sa\"",
        "7",
        "[]",
        "\"\u{e9}\"",
        "\"a\\u0000\"",
        "\"a\\n\"",
    ];
    let long = quoted(&"a".repeat(33));
    let methods = methods.iter().copied().chain([long.as_str()]);
    let mut cases: Vec<Case> = methods
        .map(|text| {
            (
                with(&base, "method", Some(text)),
                400,
                "invalid_request",
                Some("method"),
            )
        })
        .collect();
    cases.push((with(&base, "method", None), 400, "invalid_request", Some("method")));
    cases.push((
        with(&base, "currency", Some("\"USD\"")),
        400,
        "invalid_request",
        Some("currency"),
    ));
    let (deposits, withdrawals) = payment_paths(&ana);
    refuses_all(&bank, &operator, &deposits, cases.clone().into_iter().chain(shapes())).await;
    refuses_all(&bank, &ana.caller, &withdrawals, cases.into_iter().chain(shapes())).await;
}

/// PostgreSQL cannot store U+0000 in text, and SQLite's functions stop at it: without a refusal the two would differ.
async fn text_that_a_database_could_trip_over(bank: Arc<TestBank>) {
    let (ana, ben, _) = people(&bank).await;
    let base = transfer_of(&ana, &ben);
    let refused = (
        "description",
        "\"\\u0000\"",
        400,
        "invalid_request",
        Some("description"),
    );
    let (field, text, status, code, named) = refused;
    refuses_all(
        &bank,
        &ana.caller,
        "/v1/transfers",
        [(with(&base, field, Some(text)), status, code, named)],
    )
    .await;

    let longest = "\u{1f600}".repeat(500);
    for description in [
        "",
        "' OR 1=1; --",
        "\u{202e}\u{feff}\u{7f}\r\n\t",
        "\\x00 %s {} $1",
        &longest,
    ] {
        let body = with(&base, "description", Some(&json!(description).to_string()));
        let made = send(&ana.caller, "/v1/transfers", body).await.expect(201);
        assert_eq!(made["description"], description);
        assert_eq!(read_back(&ana, &made).await["description"], description);
    }
    for metadata in [
        json!({ "a\0b": "\0" }),
        json!({}),
        json!({ "n": null, "deep": [[[{ "x": [] }]]], "$": "\u{1f600}" }),
    ] {
        let body = with(&base, "metadata", Some(&metadata.to_string()));
        let made = send(&ana.caller, "/v1/transfers", body).await.expect(201);
        assert_eq!(read_back(&ana, &made).await["metadata"], metadata);
    }
    let number = "{\"n\":123456789012345678901234567890.12345678901234567890}";
    let made = send(&ana.caller, "/v1/transfers", with(&base, "metadata", Some(number))).await;
    assert!(
        made.text.contains(number),
        "metadata is given back as it came: {}",
        made.text
    );
}

async fn read_back(owner: &Customer, transfer: &Value) -> Value {
    let id = transfer["id"].as_str().expect("a transfer has an id");
    owner.caller.get(&format!("/v1/transfers/{id}")).await.expect(200)
}

/// A JSON object of this many bytes.
fn object_of(bytes: usize) -> String {
    let frame = r#"{"a":""}"#;
    format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - frame.len()))
}

/// A JSON object nested to this depth.
fn nested(depth: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth))
}
