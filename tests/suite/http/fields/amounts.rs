//! Values that are not amounts, in every field that needs an amount.

use std::sync::Arc;

use harness::TestBank;
use serde_json::{Value, json};

use super::{Case, payment_paths, people, refuses_all, send, transfer_of, with};

on_sqlite!(amounts);

/// Strings and numbers, as JSON text, that the bank does not accept as amounts.
const NO_AMOUNTS: &[&str] = &[
    "\"1e3\"",
    "1e3",
    "1E3",
    "1e-3",
    "1e30",
    "\"1e30\"",
    "0.1e1",
    "\"0.00001\"",
    "0.00001",
    "\"1.00000\"",
    "1.00000",
    "\"-5\"",
    "-5",
    "-0",
    "\"-0\"",
    "\"NaN\"",
    "\"Infinity\"",
    "\"\"",
    "\" 1\"",
    "\"1 \"",
    "\"+1\"",
    "\"01\"",
    "\"1.\"",
    "\".5\"",
    "\"1,5\"",
    "\"1_000\"",
    "\"0x10\"",
    "\"\u{ff11}\"",
    "\"\u{663}\"",
    "\"1\\u0000\"",
    "\"one\"",
    "\"0\"",
    "0",
    "\"0.0000\"",
    "0.0",
    "\"100000000000000\"",
    "100000000000000",
    "12345678901234567890",
    "\"12345678901234567890\"",
    "99999999999999999999999999999999999999999",
    "1e999999999",
    "\"99999999999999.99991\"",
];

/// Values of other JSON types.
const OTHER_TYPES: &[&str] = &["null", "true", "false", "[]", "[1]", "{}", "{\"value\":1}"];

/// Values that are not even JSON.
const NO_JSON: &[&str] = &[
    "NaN", "Infinity", "-", "+5", "01", "1.", ".5", "1e", "0x10", "1_000", "'1'", "\"1", "",
];

fn amount_cases(base: &Value) -> Vec<Case> {
    let no_amounts = NO_AMOUNTS
        .iter()
        .map(|text| (with(base, "amount", Some(text)), 422, "invalid_amount", None));
    let other_types = OTHER_TYPES
        .iter()
        .map(|text| (with(base, "amount", Some(text)), 400, "invalid_request", Some("amount")));
    let no_json = NO_JSON
        .iter()
        .map(|text| (with(base, "amount", Some(text)), 400, "invalid_request", Some("")));
    let missing = (with(base, "amount", None), 400, "invalid_request", Some("amount"));
    no_amounts.chain(other_types).chain(no_json).chain([missing]).collect()
}

async fn amounts(bank: Arc<TestBank>) {
    let (ana, ben, operator) = people(&bank).await;
    let (transfer, payment) = (transfer_of(&ana, &ben), json!({ "amount": "1", "method": "visa" }));
    refuses_all(&bank, &ana.caller, "/v1/transfers", amount_cases(&transfer)).await;
    let (deposits, withdrawals) = payment_paths(&ana);
    refuses_all(&bank, &operator, &deposits, amount_cases(&payment)).await;
    refuses_all(&bank, &ana.caller, &withdrawals, amount_cases(&payment)).await;
    // The opposite: the bodies from which the cases are made are accepted.
    send(&ana.caller, "/v1/transfers", transfer.to_string())
        .await
        .expect(201);
}
