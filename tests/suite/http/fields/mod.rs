//! Bodies that are JSON and still wrong: each gets a problem document with its stable code, and stores nothing.

mod amounts;
mod money;
mod people;

use harness::{Answer, Caller, Customer, TestBank};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rows;

/// A JSON body as text; the status and the code of its answer; and the field that the answer must name, if any.
pub type Case = (String, u16, &'static str, Option<&'static str>);

/// Sends each body to a path, and checks the answer and that nothing was stored.
pub async fn refuses_all(bank: &TestBank, caller: &Caller, path: &str, cases: impl IntoIterator<Item = Case>) {
    let before = rows::count(bank).await;
    for (body, status, code, field) in cases {
        let answer = send(caller, path, body.clone()).await;
        let shown: String = format!("{path} {body}").chars().take(300).collect();
        assert_eq!(
            (answer.status, answer.text_of("code")),
            (status, code),
            "{shown}\n{}",
            answer.text
        );
        answer.expect_problem(status, code);
        if let Some(field) = field {
            assert_eq!(answer.json["errors"][0]["field"], field, "{shown}\n{}", answer.text);
            assert!(
                answer.json["errors"][0]["message"].is_string(),
                "{shown}\n{}",
                answer.text
            );
        }
        assert_eq!(rows::count(bank).await, before, "{shown} stored something");
    }
}

pub async fn send(caller: &Caller, path: &str, body: String) -> Answer {
    let request = caller
        .request(Method::POST, path)
        .header("content-type", "application/json");
    Answer::of(request.body(body)).await
}

/// `base` with one member replaced, added, or left out.
pub fn with(base: &Value, member: &str, text: Option<&str>) -> String {
    let object = base.as_object().expect("a body is an object");
    let mut members: Vec<String> = object
        .iter()
        .filter(|(name, _)| *name != member)
        .map(|(name, value)| format!("{name:?}:{value}"))
        .collect();
    members.extend(text.map(|text| format!("{member:?}:{text}")));
    format!("{{{}}}", members.join(","))
}

/// Bodies that are of the wrong type as a whole, or nested too deep.
pub fn shapes() -> Vec<Case> {
    let whole = ["[]", "[1,2,3]", "\"text\"", "7", "null", "true", "{}"].map(str::to_owned);
    let deep = [
        "[".repeat(500_000),
        "{\"a\":".repeat(150_000),
        format!("{}{}", "[".repeat(300_000), "]".repeat(300_000)),
        format!("{{\"amount\":{}{}}}", "[".repeat(300_000), "]".repeat(300_000)),
        format!("{{\"metadata\":{}{}}}", "[".repeat(300_000), "]".repeat(300_000)),
        format!("{{\"x\":{}1{}}}", "{\"y\":".repeat(100_000), "}".repeat(100_000)),
    ];
    let surrogate = [
        "{\"amount\":\"1\",\"description\":\"\\ud800\"}",
        "{\"amount\":\"\\ud800\"}",
    ]
    .map(str::to_owned);
    let all = whole.into_iter().chain(deep).chain(surrogate);
    all.map(|body| (body, 400, "invalid_request", None)).collect()
}

pub async fn people(bank: &TestBank) -> (Customer, Customer, Caller) {
    (
        bank.customer_with("ana", "100").await,
        bank.customer("ben").await,
        bank.operator().await,
    )
}

pub fn transfer_of(source: &Customer, destination: &Customer) -> Value {
    json!({ "source_wallet_id": source.wallet, "destination_wallet_id": destination.wallet, "amount": "1" })
}

pub fn payment_paths(customer: &Customer) -> (String, String) {
    (
        format!("/v1/wallets/{}/deposits", customer.wallet),
        format!("/v1/wallets/{}/withdrawals", customer.wallet),
    )
}

pub fn quoted(text: &str) -> String {
    json!(text).to_string()
}
