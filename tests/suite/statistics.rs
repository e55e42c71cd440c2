//! The bank's own movements enter the rolling minute once, and only if they are completed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use harness::{Caller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};
use service::Services;
use service::clock::Clock;
use service::statistics::{Age, WindowAmount};
use service::values::Currency;

use crate::requests::{payment, transfer, wallet_path};

on_every_backend!(
    transfers_deposits_and_withdrawals_enter_after_their_commit,
    what_was_refused_does_not_enter,
    a_repeated_request_counts_once,
    currencies_are_apart,
    an_amount_leaves_after_sixty_seconds_to_the_millisecond,
    the_last_minute_is_read_back_at_start,
    a_minute_of_many_pages_is_read_back,
    a_clock_that_was_ahead_leaves_no_more_than_a_minute_to_read_back,
    a_clock_that_steps_back_within_the_minute_is_waited_for_after_a_restart_too,
    what_another_replica_commits_is_counted_here,
    what_several_replicas_commit_at_once_counts_once_on_each,
);

/// A currency of a test.
pub fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a test's currency is one")
}

/// Count and sum of a currency's last minute; the sum is in whole units of the currency.
pub async fn minute(services: &Services, code: &str) -> (u64, i128) {
    services.flush_reports().await;
    let figures = services.statistics.read(currency(code));
    (figures.count, figures.sum / 10_i128.pow(10))
}

/// Reports whole dollars with a time some milliseconds ago.
pub fn report(bank: &TestBank, services: &Services, dollars: i128, age_ms: i64) -> Age {
    let amount = WindowAmount::from_units(dollars * 10_i128.pow(10)).expect("a test's amount is one");
    let at = bank.clock.now().timestamp_millis() - age_ms;
    services.statistics.report(currency("USD"), at, amount)
}

async fn statistics(caller: &Caller, query: &str) -> Value {
    caller.get(&format!("/statistics{query}")).await.expect(200)
}

async fn transfers_deposits_and_withdrawals_enter_after_their_commit(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
    let operator = bank.operator().await;
    assert_eq!(statistics(&operator, "").await["count"], 0);
    let deposits = wallet_path(ana.wallet, "/deposits");
    operator.post(&deposits, payment("100", "visa")).await.expect(201);
    bank.services.flush_reports().await;
    assert_eq!(statistics(&operator, "").await["sum"], json!(100.0));
    let withdrawals = wallet_path(ana.wallet, "/withdrawals");
    ana.caller.post(&withdrawals, payment("20.5", "visa")).await.expect(201);
    let paid = transfer(ana.wallet, ben.wallet, "0.0001");
    ana.caller.post("/v1/transfers", paid).await.expect(201);
    bank.services.flush_reports().await;
    let expected = r#"{"sum":120.5001,"avg":40.1667,"max":100.0,"min":0.0001,"count":3}"#;
    assert_eq!(operator.get("/statistics").await.text, expected);
}

async fn what_was_refused_does_not_enter(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    assert_eq!(minute(&bank.services, "USD").await, (1, 10));
    for amount in ["11", "0", "-1"] {
        let refused = ana
            .caller
            .post("/v1/transfers", transfer(ana.wallet, ben.wallet, amount))
            .await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    let stranger = ben
        .caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await;
    stranger.expect_problem(404, "wallet_not_found");
    assert_eq!(minute(&bank.services, "USD").await, (1, 10));
    // A restart does not read it back either, although a recorded refusal has a row.
    assert_eq!(minute(&*bank.replica().await, "USD").await, (1, 10));
}

async fn a_repeated_request_counts_once(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    for _ in 0..3 {
        let paid = transfer(ana.wallet, ben.wallet, "2");
        ana.caller.post_once("/v1/transfers", "k", paid).await.expect(201);
    }
    assert_eq!(minute(&bank.services, "USD").await, (2, 12));
}

async fn currencies_are_apart(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    let euros = bank.open_wallet(&ana, "EUR").await;
    bank.fund(euros, "7", "visa").await;
    assert_eq!(minute(&bank.services, "USD").await, (1, 10));
    assert_eq!(minute(&bank.services, "EUR").await, (1, 7));
    assert_eq!(minute(&bank.services, "JPY").await, (0, 0));
    let operator = bank.operator().await;
    assert_eq!(statistics(&operator, "?currency=EUR").await["max"], json!(7.0));
    let unknown = operator.get("/statistics?currency=eur").await;
    unknown.expect_problem(422, "unknown_currency");
}

async fn an_amount_leaves_after_sixty_seconds_to_the_millisecond(bank: Arc<TestBank>) {
    bank.customer_with("ana", "10").await;
    bank.advance(TimeDelta::milliseconds(60_000)).await;
    assert_eq!(minute(&bank.services, "USD").await, (1, 10));
    bank.advance(TimeDelta::milliseconds(1)).await;
    assert_eq!(minute(&bank.services, "USD").await, (0, 0));
}

async fn the_last_minute_is_read_back_at_start(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    bank.advance(TimeDelta::milliseconds(60_000)).await;
    bank.fund(ana.wallet, "5", "visa").await;
    ana.caller
        .request(Method::POST, &wallet_path(ana.wallet, "/withdrawals"))
        .json(&payment("3", "visa"))
        .send()
        .await
        .expect("the bank answers");
    // A reported amount is only in the window, not in the database.
    assert_eq!(report(&bank, &bank.services, 100, 0), Age::Inside);
    assert_eq!(minute(&bank.services, "USD").await, (4, 118));
    let restarted = bank.replica().await;
    assert_eq!(minute(&restarted, "USD").await, (3, 18));
    bank.advance(TimeDelta::milliseconds(1)).await;
    assert_eq!(minute(&restarted, "USD").await, (2, 8));
    assert_eq!(minute(&*bank.replica().await, "USD").await, (2, 8));
}

async fn a_minute_of_many_pages_is_read_back(bank: Arc<TestBank>) {
    const TRANSFERS: u64 = 25_000;
    // One user may have a quarter of the queue's 8 192 rows waiting.
    const AT_ONCE: u64 = 1_250;
    let ana = bank.customer_with("ana", "30000").await;
    let ben = bank.customer("ben").await;
    bank.advance(TimeDelta::milliseconds(60_001)).await;
    let queue = bank.services.transfers.clone();
    let pay = || {
        let paid = crate::requests::new_transfer(ana.wallet, ben.wallet, "1");
        queue.submit(service::transfers::Asking::by(&ana.actor), paid)
    };
    for _ in 0..TRANSFERS / AT_ONCE {
        let paid = harness::all_at_once((0..AT_ONCE).map(|_| pay())).await;
        assert!(paid.iter().all(Result::is_ok));
    }
    let expected = (TRANSFERS, i128::from(TRANSFERS));
    assert_eq!(minute(&bank.services, "USD").await, expected);
    assert_eq!(minute(&*bank.replica().await, "USD").await, expected);
}

/// Until the clock has caught up, commits have times ahead of it: only their order shows when they were made.
async fn a_clock_that_was_ahead_leaves_no_more_than_a_minute_to_read_back(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    assert_eq!(minute(&bank.services, "USD").await, (1, 10));
    bank.advance(TimeDelta::hours(1)).await;
    bank.fund(ana.wallet, "5", "visa").await;
    assert_eq!(minute(&bank.services, "USD").await, (1, 5));
    bank.advance(TimeDelta::hours(-1)).await;
    for replica in [&bank.services, &bank.replica().await] {
        assert_eq!(minute(replica, "USD").await, (1, 10));
    }
    // A replica that follows the journal counts this payment when it comes.
    bank.fund(ana.wallet, "3", "visa").await;
    assert_eq!(minute(&bank.services, "USD").await, (2, 13));
    bank.advance(TimeDelta::milliseconds(60_001)).await;
    for replica in [&bank.services, &bank.replica().await] {
        assert_eq!(minute(replica, "USD").await, (0, 0));
    }
    bank.fund(ana.wallet, "2", "visa").await;
    assert_eq!(minute(&bank.services, "USD").await, (1, 2));
}

async fn a_clock_that_steps_back_within_the_minute_is_waited_for_after_a_restart_too(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    bank.advance(TimeDelta::seconds(45)).await;
    bank.fund(ana.wallet, "5", "visa").await;
    assert_eq!(minute(&bank.services, "USD").await, (2, 15));
    bank.advance(TimeDelta::seconds(25)).await;
    bank.fund(ana.wallet, "3", "visa").await;
    for step in [0, -30, 30, 20] {
        bank.advance(TimeDelta::seconds(step)).await;
        for replica in [&bank.services, &bank.replica().await] {
            assert_eq!(minute(replica, "USD").await, (2, 8), "after a step of {step} s");
        }
    }
}

/// The replica reads it by itself, and soon: within 200 ms.
async fn what_another_replica_commits_is_counted_here(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    let other = bank.replica().await;
    let mut quickest = Duration::MAX;
    for paid in 1..=5 {
        let transfer = crate::requests::new_transfer(ana.wallet, ben.wallet, "1");
        let made = crate::requests::submit(&bank.services, &ana.actor, transfer).await;
        made.expect("ana has enough");
        let committed = Instant::now();
        for replica in [&bank.services, &other] {
            while replica.statistics.read(currency("USD")).count < 1 + paid {
                assert!(committed.elapsed() < Duration::from_secs(10), "it is not counted");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        quickest = quickest.min(committed.elapsed());
    }
    assert!(quickest < Duration::from_millis(200), "{quickest:?}");
    assert_eq!(minute(&other, "USD").await, (6, 15));
}

async fn what_several_replicas_commit_at_once_counts_once_on_each(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "1000").await, bank.customer("ben").await);
    let replicas = [bank.services.clone(), bank.replica().await, bank.replica().await];
    // One replica starts its minute in the middle of the payments.
    let late = bank.replica();
    let paying = harness::all_at_once(replicas.iter().flat_map(|replica| {
        (0..100).map(|_| {
            let transfer = crate::requests::new_transfer(ana.wallet, ben.wallet, "1");
            let (transfers, asking) = (replica.transfers.clone(), service::transfers::Asking::by(&ana.actor));
            async move { transfers.submit(asking, transfer).await }
        })
    }));
    let (paid, late) = tokio::join!(paying, late);
    let paid = paid.into_iter().filter(Result::is_ok).count() as u64;
    assert!(paid > 100, "{paid} paid");
    let expected = (1 + paid, 1_000 + i128::from(paid));
    for replica in replicas.iter().chain([&late]) {
        assert_eq!(minute(replica, "USD").await, expected);
    }
}
