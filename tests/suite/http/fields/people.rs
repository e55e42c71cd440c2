//! The fields of registrations, sign-ins and new wallets.

use std::sync::Arc;

use harness::bank::PASSWORD;
use harness::{TestBank, on_every_backend};
use serde_json::json;

use super::{Case, quoted, refuses_all, shapes, with};

on_every_backend!(sign_in_data_that_a_database_could_trip_over);
on_sqlite!(fields_of_users, fields_of_wallets);

async fn fields_of_users(bank: Arc<TestBank>) {
    let _ana = bank.customer("ana").await;
    let base = json!({ "email": "new@example.com", "password": PASSWORD, "full_name": "New" });
    let long_email = quoted(&format!("{}@example.com", "a".repeat(250)));
    let long_name = quoted(&"n".repeat(201));
    let bad: &[(&'static str, &[&str])] = &[
        (
            "email",
            &[
                "null",
                "7",
                "\"\"",
                "\"ana\"",
                "\"@example.com\"",
                "\"a b@example.com\"",
                "\"a\\u0000@example.com\"",
                &long_email,
            ],
        ),
        (
            "full_name",
            &["null", "[]", "\"\"", "\" \"", "\"a\\u0000b\"", "\"a\\nb\"", &long_name],
        ),
        ("password", &["null", "123456789012", "[]"]),
        ("currency", &["7", "true", "[]"]),
        ("role", &["\"admin\""]),
        ("id", &["\"01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01\""]),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (field, texts) in bad {
        cases.extend(
            texts
                .iter()
                .map(|text| (with(&base, field, Some(text)), 400, "invalid_request", Some(*field))),
        );
    }
    for field in ["email", "full_name", "password"] {
        cases.push((with(&base, field, None), 400, "invalid_request", Some(field)));
    }
    for password in ["".to_owned(), "x".repeat(11), "x".repeat(129), "x".repeat(100_000)] {
        cases.push((
            with(&base, "password", Some(&quoted(&password))),
            422,
            "weak_password",
            None,
        ));
    }
    let currencies = UNKNOWN_CURRENCIES.iter();
    cases.extend(currencies.map(|text| (with(&base, "currency", Some(text)), 422, "unknown_currency", None)));
    cases.push((
        with(&base, "email", Some("\" ANA@example.com \"")),
        409,
        "email_taken",
        None,
    ));
    refuses_all(
        &bank,
        &bank.anonymous(),
        "/v1/auth/register",
        cases.into_iter().chain(shapes()),
    )
    .await;
}

const UNKNOWN_CURRENCIES: &[&str] = &[
    "\"usd\"",
    "\"US\"",
    "\"USDX\"",
    "\"\"",
    "\"ABC\"",
    "\"BTC\"",
    "\"US\\u0000\"",
    "\"840\"",
];

async fn fields_of_wallets(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let base = json!({ "currency": "EUR" });
    let mut cases: Vec<Case> = ["null", "7", "true", "[]", "{}"]
        .map(|text| {
            (
                with(&base, "currency", Some(text)),
                400,
                "invalid_request",
                Some("currency"),
            )
        })
        .to_vec();
    cases.push((
        with(&base, "balance", Some("\"1\"")),
        400,
        "invalid_request",
        Some("balance"),
    ));
    cases.push((
        with(&base, "user_id", Some("null")),
        400,
        "invalid_request",
        Some("user_id"),
    ));
    let currencies = UNKNOWN_CURRENCIES.iter();
    cases.extend(currencies.map(|text| (with(&base, "currency", Some(text)), 422, "unknown_currency", None)));
    cases.push((with(&base, "currency", Some("\"USD\"")), 409, "wallet_exists", None));
    refuses_all(&bank, &ana.caller, "/v1/wallets", cases.into_iter().chain(shapes())).await;
}

async fn sign_in_data_that_a_database_could_trip_over(bank: Arc<TestBank>) {
    let _ana = bank.customer("ana").await;
    let wrong = [
        "ana@example.com\0",
        "\0",
        "",
        "' OR 1=1; --",
        "ana",
        "\u{202e}",
        &"a".repeat(10_000),
    ];
    let cases = wrong.map(|email| {
        let body = json!({ "email": email, "password": PASSWORD });
        (body.to_string(), 401, "invalid_credentials", None)
    });
    refuses_all(&bank, &bank.anonymous(), "/v1/auth/login", cases).await;
    let passwords = ["", "\0", "correct horse batterY", &"x".repeat(900_000)];
    let cases = passwords.map(|password| {
        let body = json!({ "email": "ana@example.com", "password": password });
        (body.to_string(), 401, "invalid_credentials", None)
    });
    refuses_all(&bank, &bank.anonymous(), "/v1/auth/login", cases).await;
    let base = json!({ "email": "ana@example.com", "password": PASSWORD });
    let mut cases: Vec<Case> = Vec::new();
    for field in ["email", "password"] {
        let bad = [None, Some("null"), Some("7"), Some("[]")];
        cases.extend(bad.map(|text| (with(&base, field, text), 400, "invalid_request", Some(field))));
    }
    cases.push((with(&base, "otp", Some("1")), 400, "invalid_request", Some("otp")));
    refuses_all(&bank, &bank.anonymous(), "/v1/auth/login", cases).await;
}
