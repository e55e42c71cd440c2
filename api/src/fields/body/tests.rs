//! Bodies of an order whose lines are objects in a list: what is wrong with them, and where.

use poem_openapi::{Enum, Object};
use serde_json::{json, value::RawValue};
use uuid::Uuid;

use super::*;
use crate::wire::{AmountInput, MetadataValue, Time};

#[derive(Debug, Clone, Copy, Enum, Serialize, Deserialize)]
#[oai(rename_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Gift,
    Loan,
}

#[derive(Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    wallet: Uuid,
    amount: AmountInput,
    limit: u32,
}

#[derive(Object, Serialize, Deserialize)]
#[oai(example)]
#[serde(deny_unknown_fields)]
struct Order {
    name: String,
    /// A description, which moves the field's schema into an `allOf`.
    kind: Kind,
    at: Time,
    lines: Vec<Line>,
    is_atomic: Option<bool>,
    metadata: Option<MetadataValue>,
}

impl Example for Order {
    fn example() -> Self {
        let line = Line {
            wallet: crate::samples::WALLET_ID,
            amount: AmountInput(Some(crate::samples::amount(1).0)),
            limit: 1,
        };
        Self {
            name: "a".to_owned(),
            kind: Kind::Gift,
            at: crate::samples::time(),
            lines: vec![line],
            is_atomic: None,
            metadata: MetadataValue::stored("{}"),
        }
    }
}

impl Input for Order {
    fn refusal(&self) -> Option<&'static str> {
        self.name.is_empty().then_some("must not be empty")
    }
}

fn good() -> Value {
    serde_json::to_value(Order::example()).expect("serialises")
}

fn with(changes: Value) -> String {
    let mut body = good();
    for (name, value) in changes.as_object().expect("changes are an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

fn faults(body: &str) -> Vec<(String, String)> {
    let problem = read::<Order>(body.as_bytes(), Code::InvalidRequest)
        .err()
        .expect("is refused");
    assert_eq!(problem.code(), Code::InvalidRequest);
    let document = serde_json::to_value(&problem).expect("serialises");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = document["errors"].as_array().expect("errors are listed").iter();
    errors
        .map(|error| (text(&error["field"]), text(&error["message"])))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(field, message): &(&str, &str)| ((*field).to_owned(), (*message).to_owned());
    expected.iter().map(own).collect()
}

const ID: &str = "must be an id, such as 01993f2a-5c00-7a10-8f3b-6d1c0e5a9b01";
const TIME: &str = "must be a date and time, such as 2026-01-31T12:00:00Z";

#[test]
fn what_is_good_is_read() {
    let order: Order = read(good().to_string().as_bytes(), Code::InvalidRequest).expect("is read");
    assert_eq!(order.lines.len(), 1);
}

#[test]
fn every_bad_field_is_named_at_once() {
    let body = with(json!({ "name": 7, "kind": "THEFT", "at": "yesterday", "is_atomic": "yes", "role": "admin" }));
    assert_eq!(
        faults(&body),
        pairs(&[
            ("name", "must be a string, not a number"),
            ("kind", "must be one of GIFT, LOAN"),
            ("at", TIME),
            ("is_atomic", "must be true or false, not a string"),
            ("role", "there is no such field"),
        ])
    );
    assert_eq!(
        faults("{}"),
        pairs(&["name", "kind", "at", "lines"].map(|name| (name, "this field is required")))
    );
}

#[test]
fn parts_of_objects_and_arrays_are_named_by_their_path() {
    let line = good()["lines"][0].clone();
    let mut bad = line.clone();
    (bad["wallet"], bad["amount"], bad["limit"]) = (json!("x"), json!(null), json!(-1));
    let lines = json!([line, bad, { "wallet": null }, 7]);
    let found = faults(&with(json!({ "lines": lines, "kind": null })));
    assert_eq!(
        found.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(),
        [
            "kind",
            "lines[1].wallet",
            "lines[1].amount",
            "lines[1].limit",
            "lines[2].wallet",
            "lines[2].amount",
            "lines[2].limit",
            "lines[3]",
        ]
    );
    assert_eq!(found[1].1, ID);
    assert_eq!(found[3].1, "must be a whole number of at least 0");
    assert_eq!(found[4].1, format!("{ID}, not null"));
    assert_eq!(found[7].1, "must be an object, not a number");
}

#[test]
fn what_would_be_refused_later_is_named_beside_what_cannot_be_read() {
    let found = faults(&with(json!({ "name": "", "kind": 1 })));
    assert_eq!(found[0], ("name".to_owned(), "must not be empty".to_owned()));
    assert_eq!(found.len(), 2);
}

#[test]
fn a_field_that_is_given_twice_is_named() {
    let twice = good().to_string().replacen('{', r#"{"name":"b","#, 1);
    assert_eq!(faults(&twice), pairs(&[("name", "this field is given more than once")]));
    let unknown = good().to_string().replacen('{', r#"{"nope":1,"nope":2,"#, 1);
    assert_eq!(faults(&unknown), pairs(&[("nope", "there is no such field")]));
}

#[test]
fn a_free_object_is_one_field() {
    let large = json!({ "metadata": { "a": "x".repeat(5_000), "b": 1 } });
    let found = faults(&with(large));
    assert_eq!(found.len(), 1);
    assert!(found[0].0 == "metadata" && found[0].1.starts_with("must be an object of at most 4096 bytes"));
}

#[test]
fn another_kind_of_body_is_said_to_be_so() {
    assert_eq!(faults("\"text\""), pairs(&[("", "must be an object, not a string")]));
    assert_eq!(faults("[1]"), pairs(&[("", "must be an object, not an array")]));
    assert_eq!(faults("null"), pairs(&[("", "must be an object, not null")]));
}

#[test]
fn what_is_not_json_is_said_to_be_so() {
    for body in ["nope", "{\"name\":\"a\"} x", "{\"name\":NaN}", "[1,}"] {
        let (field, message) = faults(body).remove(0);
        assert_eq!(field, "");
        assert!(
            message.starts_with("the body is not valid JSON: look at character "),
            "{body}: {message}"
        );
    }
    assert_eq!(faults("{\"name\":7,")[0].1, "the body is not valid JSON: it breaks off");
    assert_eq!(faults(" \n")[0].1, "the body is empty; it must be JSON");
    let problem = read::<Order>(b"{\"name\":\"\xff\"}", Code::InvalidField)
        .err()
        .expect("is refused");
    assert_eq!(
        (problem.code(), problem.detail()),
        (Code::InvalidRequest, "the body is not valid UTF-8")
    );
}

#[test]
fn an_answer_names_no_more_faults_than_its_maximum() {
    let many: String = (0..10_000).map(|number| format!("\"n{number}\":1,")).collect();
    assert_eq!(faults(&format!("{{{many}\"name\":1}}")).len(), FAULTS_MAX);
    let lines = vec![json!({}); 1_000];
    assert_eq!(faults(&with(json!({ "lines": lines }))).len(), FAULTS_MAX);
}

#[test]
fn a_body_of_many_small_values_is_tried_a_bounded_number_of_times() {
    let many: Vec<String> = (0..100_000).map(|number| format!("\"n{number}\":1")).collect();
    let metadata: Value = serde_json::from_str(&format!("{{{}}}", many.join(","))).expect("is JSON");
    let body: Box<RawValue> = serde_json::from_str(&with(json!({ "metadata": metadata }))).expect("is JSON");
    let survey = Survey::<Order>::of(&body);
    assert!(survey.tries <= TRIES_MAX + 1, "{}", survey.tries);
    assert_eq!(survey.faults.len(), 1);
    assert_eq!(survey.faults[0].field(), "metadata");
}

#[test]
fn numbers_keep_their_text() {
    let raw: Box<RawValue> = serde_json::from_str("12345678901234.5679").expect("is JSON");
    let body = object(&vec![("a".to_owned(), &*raw)], "b", &["1e30"]);
    assert_eq!(body, r#"{"a":12345678901234.5679,"b":1e30}"#);
}
