//! `GET /stats`: what it answers, what it refuses, and what it costs.

use std::sync::Arc;

use harness::database::TestDatabase;
use harness::{Backend, ManualClock, Proxy, Silence, TestBank};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use service::aggregates::Aggregates;
use service::config::ReportAccess;
use service::db::Db;
use service::redis::Redis;

use super::faults::{past, port_of};
use super::{csv, days, file, import, lines, on_every_store, redis_url, settle, usd};

on_every_store!(
    everywhere: [
        days_are_ascending_and_amounts_exact,
        each_currency_has_its_own_answer,
        what_cannot_be_answered_is_said,
    ],
    with_redis: [],
);

async fn days_are_ascending_and_amounts_exact(bank: Arc<TestBank>) {
    let text = "timestamp,type,payment_method,amount\n\
        2026-01-05T00:00:00,withdrawal,wire,9312.44\n\
        2025-12-24T00:00:00,deposit,visa,100\n\
        2026-01-04T23:59:59,deposit,visa,16330.7\n\
        2026-01-04T00:00:00,deposit,paypal,0.0001\n\
        2024-02-29T12:00:00,deposit,visa,99999999999999.9999\n\
        2024-02-29T12:00:00,deposit,visa,99999999999999.9999\n";
    import(&bank, &file(&bank, "few.csv", text)).await;
    bank.customer_with("ana", "0.3").await;
    let operator = bank.operator().await;
    for _ in 0..2 {
        settle(&bank.services.aggregates).await;
        let answer = operator.get("/stats?from_date=2024-02-29&to_date=2026-01-05").await;
        assert_eq!(
            answer.text,
            "{\"data\":{\
             \"2024-02-29\":{\"deposits\":{\"visa\":199999999999999.9998},\"withdrawals\":{}},\
             \"2025-12-24\":{\"deposits\":{\"visa\":100.0},\"withdrawals\":{}},\
             \"2026-01-04\":{\"deposits\":{\"paypal\":0.0001,\"visa\":16330.7},\"withdrawals\":{}},\
             \"2026-01-05\":{\"deposits\":{\"visa\":0.3},\"withdrawals\":{\"wire\":9312.44}}}}"
        );
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let one_day = operator
        .get("/stats?from_date=2026-01-04&to_date=2026-01-04")
        .await
        .expect(200);
    assert_eq!(one_day["data"].as_object().map(serde_json::Map::len), Some(1));
    let none = operator
        .get("/stats?from_date=2020-01-01&to_date=2020-12-31")
        .await
        .expect(200);
    assert_eq!(none, json!({ "data": {} }));
}

async fn each_currency_has_its_own_answer(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "5").await;
    let euros = bank.open_wallet(&ana, "EUR").await;
    bank.fund(euros, "7", "wire").await;
    import(&bank, &file(&bank, "few.csv", &csv(&lines(1, 1)))).await;
    settle(&bank.services.aggregates).await;
    let operator = bank.operator().await;
    let path = "/stats?from_date=2026-01-05&to_date=2026-01-05";
    let of = async |currency: &str| operator.get(&format!("{path}{currency}")).await.expect(200);
    let dollars = json!({ "data": { "2026-01-05": { "deposits": { "visa": 5.0001 }, "withdrawals": {} } } });
    assert_eq!(of("").await, dollars, "imported rows are in the bank's currency");
    assert_eq!(of("&currency=USD").await, dollars);
    let euros = json!({ "data": { "2026-01-05": { "deposits": { "wire": 7.0 }, "withdrawals": {} } } });
    assert_eq!(of("&currency=EUR").await, euros);
    assert_eq!(of("&currency=JPY").await, json!({ "data": {} }));
}

async fn what_cannot_be_answered_is_said(bank: Arc<TestBank>) {
    let operator = bank.operator().await;
    for (query, status, code) in [
        ("", 422, "invalid_field"),
        ("?from_date=2026-01-01", 422, "invalid_field"),
        ("?to_date=2026-01-01", 422, "invalid_field"),
        ("?from_date=&to_date=2026-01-01", 422, "invalid_field"),
        ("?from_date=2026-1-1&to_date=2026-01-02", 422, "invalid_field"),
        ("?from_date=2026-02-30&to_date=2026-03-01", 422, "invalid_field"),
        (
            "?from_date=2026-01-01&to_date=2026-01-01T00:00:00Z",
            422,
            "invalid_field",
        ),
        ("?from_date=01/02/2026&to_date=2026-01-02", 422, "invalid_field"),
        ("?from_date=2026-01-02&to_date=yesterday", 422, "invalid_field"),
        ("?from_date=2026-01-02&to_date=2026-01-01", 400, "invalid_request"),
        ("?from_date=2016-01-01&to_date=2026-01-02", 422, "invalid_field"),
        (
            "?from_date=2026-01-01&to_date=2026-01-02&currency=usd",
            422,
            "unknown_currency",
        ),
        (
            "?from_date=2026-01-01&to_date=2026-01-02&currency=",
            422,
            "unknown_currency",
        ),
    ] {
        let answer = operator.get(&format!("/stats{query}")).await;
        answer.expect_problem(status, code);
    }
    for query in [
        "?from_date=2016-01-01&to_date=2026-01-01",
        "?from_date=0001-01-01&to_date=0001-01-01",
        "?from_date=9999-12-31&to_date=9999-12-31",
    ] {
        assert_eq!(
            operator.get(&format!("/stats{query}")).await.expect(200),
            json!({ "data": {} })
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_reports_need_no_token() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let clock = Arc::new(ManualClock::new());
    let public = |config: &mut service::config::Config| config.reports = ReportAccess::Public;
    let bank = TestBank::open_with(Backend::Sqlite, database, clock, public).await;
    let path = "/stats?from_date=2026-01-01&to_date=2026-01-02";
    assert_eq!(bank.anonymous().get(path).await.expect(200), json!({ "data": {} }));
    bank.close().await;
}

/// The type of PostgreSQL's messages that run a prepared statement. The pool's own checks of its connections have
/// another type.
const BIND: u8 = b'B';
/// The type of a check whether a connection still answers.
const SYNC: u8 = b'S';

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_years_cost_one_round_trip_to_each_store() {
    let database = TestDatabase::new(Backend::Postgres).await;
    let url = redis_url().await;
    let (direct, clock) = (url.clone(), Arc::new(ManualClock::new()));
    let with_redis = |config: &mut service::config::Config| config.redis_url = Some(direct);
    let bank = TestBank::open_with(Backend::Postgres, database, clock.clone(), with_redis).await;
    import(&bank, &file(&bank, "years.csv", &csv(&lines(9_000, 1_800)))).await;
    settle(&bank.services.aggregates).await;
    let in_front_of = async |url: &str| Proxy::start(port_of(url), Silence::Never).await;
    let postgres = in_front_of(&bank.config.database_url).await;
    let redis = in_front_of(url.expose_secret()).await;
    let db = Db::connect(&past(&bank.config.database_url, Some(&postgres))).await;
    let db = db.expect("the database is there");
    let redis_url = SecretString::from(past(url.expose_secret(), Some(&redis)));
    let store = Redis::try_new(&redis_url).expect("this is an address");
    let aggregates = Aggregates::new(db.clone(), clock, Some(store));
    let ask = async || {
        let answered = aggregates.daily(days("2016-06-01", "2026-01-05"), usd()).await;
        answered.expect("the aggregates answer").len()
    };
    // The first request opens connections and prepares the statement.
    let sums = ask().await;
    assert!(sums > 2_000, "{sums} sums");
    let before = (redis.round_trips(), postgres.round_trips_of(BIND));
    let asked_before = postgres.round_trips_of(SYNC);
    for _ in 0..10 {
        assert_eq!(ask().await, sums);
    }
    assert_eq!(redis.round_trips() - before.0, 10);
    assert_eq!(postgres.round_trips_of(BIND) - before.1, 10);
    // The driver checks each connection once more when it is returned, after the answer. The last check may not have
    // come yet.
    assert!(postgres.round_trips_of(SYNC) - asked_before <= 11);
    db.close().await;
    bank.close().await;
}
