//! `/transactions` and `/statistics` from outside: what is accepted, what is refused, who may call them, and the
//! stream.

use std::sync::Arc;

use api::app::document;
use chrono::TimeDelta;
use harness::database::TestDatabase;
use harness::{Answer, Backend, Caller, ManualClock, TestBank};
use reqwest::{Method, Response};
use serde_json::json;
use service::clock::Clock;
use service::config::ReportAccess;

use crate::access::Operation;

on_sqlite!(
    bodies,
    the_window_is_exact_to_the_millisecond,
    figures_are_exact,
    a_stream_tells_at_once_and_every_second_until_the_server_stops,
    a_stream_ends_after_as_many_events_as_were_asked_for,
    public_reports_need_no_token,
);

async fn post(caller: &Caller, body: &str) -> Answer {
    let request = caller.request(Method::POST, "/transactions");
    Answer::of(request.header("content-type", "application/json").body(body.to_owned())).await
}

/// Reports an amount of this age.
async fn report(bank: &TestBank, caller: &Caller, amount: &str, age_ms: i64) -> Answer {
    let at = bank.clock.now().timestamp_millis() - age_ms;
    post(caller, &format!(r#"{{"amount":{amount},"timestamp":{at}}}"#)).await
}

/// Bodies that are not JSON; `NOW` stands for the test's time.
const NOT_JSON: &[&str] = &[
    "",
    " ",
    "[",
    "{",
    "NaN",
    "Infinity",
    "-Infinity",
    "nonsense",
    "[1,",
    r#"{"amount":NaN,"timestamp":NOW}"#,
    r#"{"amount":Infinity,"timestamp":NOW}"#,
    r#"{"amount":.5,"timestamp":NOW}"#,
    r#"{"amount":01,"timestamp":NOW}"#,
    r#"{"amount":+1,"timestamp":NOW}"#,
    r#"{"amount":1,"timestamp":NOW"#,
    r#"{"amount":1,"timestamp":NOW} {}"#,
];

/// JSON that is refused because of its content.
const NOT_TAKEN: &[&str] = &[
    "[]",
    "{}",
    "null",
    "12.3",
    r#""x""#,
    r#"{"amount":1}"#,
    r#"{"timestamp":NOW}"#,
    r#"{"amount":null,"timestamp":NOW}"#,
    r#"{"amount":"12.3","timestamp":NOW}"#,
    r#"{"amount":true,"timestamp":NOW}"#,
    r#"{"amount":[1],"timestamp":NOW}"#,
    r#"{"amount":1e400,"timestamp":NOW}"#,
    r#"{"amount":1e18,"timestamp":NOW}"#,
    r#"{"amount":1e-11,"timestamp":NOW}"#,
    r#"{"amount":0.12345678901,"timestamp":NOW}"#,
    r#"{"amount":1,"timestamp":null}"#,
    r#"{"amount":1,"timestamp":"NOW"}"#,
    r#"{"amount":1,"timestamp":NOW.5}"#,
    r#"{"amount":1,"timestamp":1e400}"#,
    r#"{"amount":1,"timestamp":9000000000000}"#,
    r#"{"amount":1,"timestamp":9223372036854775807}"#,
    r#"{"amount":1,"timestamp":NOW,"currency":null}"#,
    r#"{"amount":1,"timestamp":NOW,"currency":840}"#,
    r#"{"amount":1,"timestamp":NOW,"nope":1}"#,
    r#"{"amount":1,"amount":2,"timestamp":NOW}"#,
];

const TAKEN: &[&str] = &[
    r#"{"amount":12.3,"timestamp":NOW}"#,
    r#"{"timestamp":NOW,"amount":-1.5e2,"currency":"USD"}"#,
    r#" { "amount" : 999999999999999999.9999999999 , "timestamp" : NOW } "#,
];

async fn bodies(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let now = bank.clock.now().timestamp_millis().to_string();
    let send = async |body: &str| post(&operator, &body.replace("NOW", &now)).await;
    for body in NOT_JSON {
        send(body).await.expect_problem(400, "invalid_request");
    }
    for body in NOT_TAKEN {
        let answer = send(body).await;
        answer.expect_problem(422, "invalid_field");
        let message = &answer.json["errors"][0]["message"];
        assert!(message.is_string(), "{body}: {}", answer.text);
    }
    for code in ["usd", "EURO", "ABC", ""] {
        let body = format!(r#"{{"amount":1,"timestamp":NOW,"currency":"{code}"}}"#);
        send(&body).await.expect_problem(422, "unknown_currency");
    }
    assert_eq!(operator.get("/statistics").await.json["count"], 0);
    for body in TAKEN {
        let answer = send(body).await;
        assert_eq!((answer.status, answer.text.as_str()), (201, ""), "{body}");
    }
    assert_eq!(operator.get("/statistics").await.json["count"], 3);
}

async fn the_window_is_exact_to_the_millisecond(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    for (age_ms, status) in [(60_000, 201), (60_001, 204), (3_600_000, 204), (0, 201), (-1, 422)] {
        let answer = report(&bank, &operator, "1", age_ms).await;
        assert_eq!(answer.status, status, "{age_ms}: {}", answer.text);
        assert!(status == 422 || answer.text.is_empty(), "{}", answer.text);
    }
    let count = async || operator.get("/statistics").await.json["count"].clone();
    assert_eq!(count().await, 2);
    bank.advance(TimeDelta::milliseconds(1)).await;
    assert_eq!(count().await, 1);
    bank.advance(TimeDelta::milliseconds(59_999)).await;
    assert_eq!(count().await, 1);
    bank.advance(TimeDelta::milliseconds(1)).await;
    assert_eq!(count().await, 0);
}

async fn figures_are_exact(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let empty = r#"{"sum":0.0,"avg":0.0,"max":0.0,"min":0.0,"count":0}"#;
    assert_eq!(operator.get("/statistics").await.text, empty);
    for amount in ["0.1", "0.2"] {
        report(&bank, &operator, amount, 5).await.expect(201);
    }
    let two = r#"{"sum":0.3,"avg":0.15,"max":0.2,"min":0.1,"count":2}"#;
    assert_eq!(operator.get("/statistics").await.text, two);
    report(&bank, &operator, "-999999999999999999.9999999999", 5)
        .await
        .expect(201);
    let three = r#"{"sum":-999999999999999999.6999999999,"avg":-333333333333333333.2333,"max":0.2,"min":-999999999999999999.9999999999,"count":3}"#;
    assert_eq!(operator.get("/statistics?currency=USD").await.text, three);
    let at = bank.clock.now().timestamp_millis();
    for _ in 0..10 {
        let body = format!(r#"{{"amount":1e2,"timestamp":{at},"currency":"JPY"}}"#);
        post(&operator, &body).await.expect(201);
    }
    let yen = r#"{"sum":1000.0,"avg":100.0,"max":100.0,"min":100.0,"count":10}"#;
    assert_eq!(operator.get("/statistics?currency=JPY").await.text, yen);
}

async fn event(stream: &mut Response) -> Option<String> {
    let part = stream.chunk().await.expect("a stream can be read")?;
    let text = String::from_utf8_lossy(&part).into_owned();
    let data = text.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n"));
    Some(data.unwrap_or_else(|| panic!("this is no event: {text:?}")).to_owned())
}

async fn a_stream_tells_at_once_and_every_second_until_the_server_stops(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let request = operator.request(Method::GET, "/statistics/stream?currency=USD");
    let mut stream = request.send().await.expect("the stream begins");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let first = event(&mut stream).await.expect("it tells at once");
    assert_eq!(first, operator.get("/statistics").await.text);
    report(&bank, &operator, "2.5", 0).await.expect(201);
    let begun = std::time::Instant::now();
    let second = event(&mut stream).await.expect("it tells again");
    assert_eq!(second, operator.get("/statistics").await.text);
    assert!(begun.elapsed().as_millis() > 500, "{:?}", begun.elapsed());
    bank.services.statistics.close();
    assert_eq!(event(&mut stream).await, None);
    let unknown = operator.get("/statistics/stream?currency=x").await;
    unknown.expect_problem(422, "unknown_currency");
}

async fn a_stream_ends_after_as_many_events_as_were_asked_for(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    let stream = operator.get("/statistics/stream?limit=2").await;
    assert_eq!(
        (stream.status, stream.header("content-type")),
        (200, "text/event-stream")
    );
    assert_eq!(stream.text.matches("data: {\"sum\":").count(), 2, "{}", stream.text);
    for limit in ["0", "901", "-1", "x", "1.0", ""] {
        let answer = operator.get(&format!("/statistics/stream?limit={limit}")).await;
        answer.expect_problem(400, "invalid_request");
        assert_eq!(answer.json["errors"][0]["field"], "limit", "{}", answer.text);
    }
}

async fn public_reports_need_no_token(bank: Arc<TestBank>) {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let public = |config: &mut service::config::Config| config.reports = ReportAccess::Public;
    let open = TestBank::open_with(Backend::Sqlite, database, Arc::new(ManualClock::new()), public).await;
    let stranger = open.anonymous();
    assert_eq!(stranger.get("/statistics").await.status, 200);
    let stream = Answer::begun(stranger.request(Method::GET, "/statistics/stream")).await;
    assert!(stream.text.starts_with("data: {\"sum\":0.0,"), "{}", stream.text);
    // An invalid token is accepted as well, since the reports are public.
    assert_eq!(open.with_token("nonsense").get("/statistics").await.status, 200);
    let body = json!({ "amount": 1, "timestamp": 1 });
    stranger
        .post("/transactions", body)
        .await
        .expect_problem(401, "unauthenticated");
    let is_open = |bank: &TestBank, id: &str| {
        let document = document(&bank.services).expect("the document can be made");
        let operations = Operation::all(&document);
        let operation = operations.iter().find(|operation| operation.id == id);
        operation.expect("the operation is documented").is_open
    };
    for id in ["statistics_get", "statistics_stream"] {
        assert!(is_open(&open, id) && !is_open(&bank, id), "{id}");
    }
    assert!(!is_open(&open, "transactions_report"));
    open.close().await;
}
