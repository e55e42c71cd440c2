//! The content of problem documents: all bad fields at once, in plain words; the request's id; and a link to the docs.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness::{Answer, Caller, TestBank};
use reqwest::Method;
use serde_json::{Value, json};
use service::values::Role;

use crate::bad_input::{bad_bodies, bad_queries};
use crate::document::{current, operations, resolve};
use crate::paths::method;

on_sqlite!(
    every_bad_field_of_a_body_is_named_at_once,
    every_bad_query_parameter_is_named_at_once,
    no_message_speaks_as_a_parser_does,
    every_problem_holds_the_id_of_its_request,
    every_code_and_no_other_is_explained,
);

/// The fields that a problem names, each with its message.
fn errors(answer: &Answer) -> Vec<(&str, &str)> {
    let errors = answer.json["errors"].as_array().into_iter().flatten();
    errors
        .map(|error| match (error["field"].as_str(), error["message"].as_str()) {
            (Some(field), Some(message)) if !message.is_empty() => (field, message),
            _ => panic!("an error names no field or says nothing: {}", answer.text),
        })
        .collect()
}

const ID: &str = "must be an id, such as 01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";
const AMOUNT: &str =
    "must be an amount above zero, such as \"12.50\", with at most 14 digits before the point and 4 after it";

async fn every_bad_field_of_a_body_is_named_at_once(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer_with("ana", "5").await, bank.operator().await);
    let body = json!({ "source_wallet_id": "mine", "amount": "1e3", "description": 7, "role": "admin" });
    let answer = ana.caller.post("/v1/transfers", body).await;
    answer.expect_problem(400, "invalid_request");
    assert_eq!(
        errors(&answer),
        [
            ("source_wallet_id", ID),
            ("amount", AMOUNT),
            ("description", "must be a string, not a number"),
            ("role", "there is no such field"),
        ]
    );
    assert_eq!(
        answer.text_of("detail"),
        format!("source_wallet_id: {ID} (and 3 more: see errors)")
    );
    let body = json!({ "amount": "0", "method": "Visa!" });
    let answer = operator
        .post(&format!("/v1/wallets/{}/deposits", ana.wallet), body)
        .await;
    answer.expect_problem(400, "invalid_request");
    assert_eq!(
        errors(&answer).iter().map(|(field, _)| *field).collect::<Vec<_>>(),
        ["amount", "method"]
    );
    let body = json!({ "email": "ana", "password": "short", "full_name": null, "currency": "usd" });
    let answer = bank.anonymous().post("/v1/auth/register", body).await;
    answer.expect_problem(400, "invalid_request");
    assert_eq!(
        errors(&answer),
        [
            (
                "email",
                "must be an e-mail address of at most 254 bytes, such as ana@example.com"
            ),
            ("password", "must have 12 to 128 characters"),
            ("full_name", "must be a string, not null"),
            ("currency", "must be a currency of ISO 4217, such as USD"),
        ]
    );
    let body = json!({ "amount": "1", "timestamp": 1.5, "currency": null, "nope": 1 });
    let answer = operator.post("/transactions", body).await;
    answer.expect_problem(422, "invalid_field");
    assert_eq!(
        errors(&answer),
        [
            ("amount", "must be a number"),
            ("timestamp", "must be a whole number of milliseconds since 1970"),
            ("currency", "must be a string, not null"),
            ("nope", "there is no such field"),
        ]
    );
    // A single value that is parsed and then refused keeps its own code.
    let body = json!({ "source_wallet_id": ana.wallet, "destination_wallet_id": ana.wallet, "amount": "1e3" });
    ana.caller
        .post("/v1/transfers", body)
        .await
        .expect_problem(422, "invalid_amount");
}

async fn every_bad_query_parameter_is_named_at_once(bank: Arc<TestBank>) {
    let (ana, operator) = (bank.customer("ana").await, bank.operator().await);
    let query = "status=DONE&kind=transfer&from=yesterday&limit=0&wallet_id=mine";
    let answer = ana.caller.get(&format!("/v1/transfers?{query}")).await;
    answer.expect_problem(400, "invalid_request");
    let bad = [
        ("status", "must be one of PENDING, COMPLETED, FAILED"),
        (
            "kind",
            "must be one of TRANSFER, DEPOSIT, WITHDRAWAL, REVERSAL, HOLD, RELEASE, CAPTURE",
        ),
        ("from", "must be a date and time, such as 2026-01-31T12:00:00Z"),
        ("limit", "must be a whole number from 1 to 500"),
        ("wallet_id", ID),
    ];
    assert_eq!(errors(&answer), bad);
    // Unknown and repeated parameters are in the same list.
    let answer = ana
        .caller
        .get("/v1/transfers?nope=1&limit=x&kind=DEPOSIT&kind=DEPOSIT")
        .await;
    answer.expect_problem(400, "invalid_request");
    assert_eq!(
        errors(&answer),
        [
            ("nope", "there is no such query parameter"),
            ("limit", "must be a whole number from 1 to 500"),
            ("kind", "this query parameter is given more than once"),
        ]
    );
    let answer = operator.get("/stats?to_date=2026-02-30").await;
    answer.expect_problem(422, "invalid_field");
    let day = "must be a date, such as 2026-01-31";
    assert_eq!(errors(&answer), [("from_date", "is required"), ("to_date", day)]);
}

/// Words of serde, chrono, uuid and poem-openapi about bad values, which no problem may contain.
const PARSERS_WORDS: &[&str] = &[
    "Expected input type",
    "expects an input value",
    "invalid type",
    "invalid value",
    "invalid length",
    "invalid character",
    "invalid digit",
    "unknown variant",
    "unknown field",
    "missing field",
    "premature end",
    "trailing",
    "failed to parse",
    "verification failed",
    "line 1 column",
    "enumeration",
    "expected",
    "RawValue",
    "i64",
    "u64",
    "UUID parsing",
    "must satisfy",
    "occurred while",
];

fn is_plain(shown: &str, answer: &Answer) {
    assert!(
        (400..500).contains(&answer.status),
        "{shown}: {} {}",
        answer.status,
        answer.text
    );
    let spoken = errors(answer).into_iter().map(|(_, message)| message);
    for words in spoken.chain([answer.text_of("detail")]) {
        let parsers = PARSERS_WORDS.iter().find(|word| words.contains(**word));
        assert_eq!(parsers, None, "{shown}: {words}");
    }
}

async fn no_message_speaks_as_a_parser_does(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    bank.user("dora", Role::Admin).await;
    let admin = bank.sign_in("dora@example.com").await;
    let document = current(&bank);
    let mut tried = 0;
    for (name, operation) in operations(&document) {
        let (verb, path) = name.split_once(' ').expect("a method and a path");
        let path = path.replace("{wallet_id}", &ana.wallet.0.to_string());
        let caller = if operation["operationId"] == "wallets_open" {
            &ana.caller
        } else {
            &admin
        };
        let verb = method(&verb.to_uppercase());
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        for body in bad_bodies(resolve(&document, schema)) {
            // With the token in a cookie, or without a reason, these need no body.
            let id = operation["operationId"].as_str().unwrap_or_default();
            if body.is_empty() && ["auth_refresh", "auth_logout", "wallets_freeze", "wallets_unfreeze"].contains(&id) {
                continue;
            }
            let request = caller
                .request(verb.clone(), &path)
                .header("content-type", "application/json");
            let answer = Answer::of(request.body(body.clone())).await;
            assert!(!errors(&answer).is_empty(), "{name} {body}: {}", answer.text);
            is_plain(&format!("{name} {body}"), &answer);
            tried += 1;
        }
        for query in bad_queries(operation) {
            let answer = caller.get(&format!("{path}?{query}")).await;
            // Some operations accept one of these.
            if answer.status >= 400 {
                is_plain(&format!("{name} {query}"), &answer);
                tried += 1;
            }
        }
        if path.contains("/v1/") && path.contains('{') {
            is_plain(&name, &Answer::of(caller.request(verb, &path)).await);
        }
    }
    assert!(tried > 150, "{tried}");
}

async fn every_problem_holds_the_id_of_its_request(bank: Arc<TestBank>) {
    let (ana, anonymous) = (bank.customer_with("ana", "5").await, bank.anonymous());
    let document = current(&bank);
    let required = &document["components"]["schemas"]["Problem"]["required"];
    assert!(
        required
            .as_array()
            .is_some_and(|names| names.contains(&json!("request_id")))
    );
    let post = |caller: &Caller, path: &str, body: &str| {
        let request = caller
            .request(Method::POST, path)
            .header("content-type", "application/json");
        request.body(body.to_owned())
    };
    let get = |caller: &Caller, path: &str| caller.request(Method::GET, path);
    let frozen = format!("/v1/wallets/{}/freeze", ana.wallet.0);
    for (status, code, request) in [
        (400, "invalid_request", post(&ana.caller, "/v1/wallets", "{}")),
        (400, "invalid_request", get(&ana.caller, "/v1/wallets?nope=1")),
        (400, "invalid_request", get(&ana.caller, "/v1/wallets/abc")),
        (401, "unauthenticated", get(&anonymous, "/v1/users/me")),
        (403, "forbidden", post(&ana.caller, &frozen, "")),
        (404, "not_found", get(&anonymous, "/nothing")),
        (405, "method_not_allowed", anonymous.request(Method::DELETE, "/docs")),
        (
            409,
            "wallet_exists",
            post(&ana.caller, "/v1/wallets", "{\"currency\":\"USD\"}"),
        ),
        (
            413,
            "body_too_large",
            post(&ana.caller, "/v1/wallets", &"x".repeat(2_000_000)),
        ),
        (414, "uri_too_long", get(&anonymous, &format!("/{}", "x".repeat(9_000)))),
        (
            415,
            "unsupported_media_type",
            ana.caller.request(Method::POST, "/v1/wallets").body("{}"),
        ),
        (
            422,
            "unknown_currency",
            post(&ana.caller, "/v1/wallets", "{\"currency\":\"xx\"}"),
        ),
    ] {
        let own = request.try_clone().expect("a body in memory can be sent twice");
        let answer = Answer::of(own.header("x-request-id", "order-17")).await;
        assert_eq!(
            (answer.status, answer.text_of("request_id")),
            (status, "order-17"),
            "{}",
            answer.text
        );
        let answer = Answer::of(request).await;
        answer.expect_problem(status, code);
    }
}

async fn every_code_and_no_other_is_explained(bank: Arc<TestBank>) {
    let document = current(&bank);
    let codes = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let codes: BTreeSet<&str> = codes
        .as_array()
        .expect("codes are listed")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let page = bank.anonymous().get("/docs/problems").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    let sections: Vec<&str> = page.text.split("<section id=\"").skip(1).collect();
    let of = |section: &&'_ str| section.split('"').next().unwrap_or_default().to_owned();
    let explained: Vec<String> = sections.iter().map(of).collect();
    assert_eq!(explained.iter().map(String::as_str).collect::<BTreeSet<_>>(), codes);
    assert_eq!(explained.len(), codes.len(), "a code is explained twice");
    for section in sections {
        let (meaning, action) = section.split_once("What to do:").expect("every code says what to do");
        let words = |text: &str| text.split_whitespace().count();
        assert!(words(meaning) >= 8 && words(action) >= 4, "{section}");
    }
}
