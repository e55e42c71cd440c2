//! Each kind of record is an event of its type, with the object as it was then, in the order of the journal.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::events::{record_of, records};
use harness::{Answer, EventPoller, TestBank, on_every_backend};
use reqwest::Method;
use serde_json::{Value, json};

use super::{EventStage, each, is_event, path_of, wallet_path};
use crate::life::act;

on_every_backend!(
    every_record_of_the_life_of_money_is_an_event_of_its_type,
    every_change_of_a_wallet_is_an_event_of_its_type,
    every_kind_of_refusal_is_a_failed_transfer,
    the_feed_is_exactly_the_journal,
    an_event_shows_the_object_as_it_was_then,
    a_request_that_is_repeated_makes_no_second_event,
    what_is_undone_makes_no_event,
);

/// The events after a cursor must be of these types and about these objects.
async fn are(stage: &EventStage, after: &str, expected: &[(&str, Value)]) {
    let events = stage.seen(&stage.operator, "", after).await;
    events.iter().for_each(is_event);
    let types: Vec<&str> = expected.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(each(&events, "type"), types, "{events:#?}");
    for (event, (kind, object)) in events.iter().zip(expected) {
        assert_eq!(&event["data"], object, "{kind}");
    }
}

async fn every_record_of_the_life_of_money_is_an_event_of_its_type(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let (ben, operator) = (&stage.ben.caller, &stage.operator);
    bank.open_method("wire", "USD").await;
    let begin = stage.now().await;
    let paid = stage.paid("10").await;
    let held = stage.held("20").await;
    let part = ben
        .post(&path_of(&held, "/capture"), json!({ "amount": "5", "final": false }))
        .await;
    let part = part.expect(201);
    let last = ben.post(&path_of(&held, "/capture"), json!({ "amount": "5" })).await;
    let last = last.expect(201);
    let given_back = stage.held("7").await;
    let released = act(ben, &path_of(&given_back, "/void")).await.expect(201);
    let payment = json!({ "amount": "3", "method": "wire" });
    let deposit = operator
        .post(&wallet_path(stage.ana.wallet, "/deposits"), payment.clone())
        .await;
    let deposit = deposit.expect(201);
    let withdrawal = stage
        .ana
        .caller
        .post(&wallet_path(stage.ana.wallet, "/withdrawals"), payment)
        .await;
    let withdrawal = withdrawal.expect(201);
    let reversal = operator
        .post(&path_of(&paid, "/reverse"), json!({ "amount": "4" }))
        .await;
    let reversal = reversal.expect(201);
    let mut body = stage.hold("9");
    body["expires_in_s"] = json!(60);
    let forgotten = stage.ana.caller.post("/v1/transfers", body).await.expect(201);
    bank.advance(TimeDelta::seconds(61)).await;
    let expired = bank.services.transfers.expire_holds().await;
    assert_eq!(expired.expect("it can sweep"), 1);
    let expiry = operator
        .get(&format!(
            "/v1/transfers?parent_id={}",
            forgotten["id"].as_str().unwrap_or_default()
        ))
        .await
        .expect(200)["items"][0]
        .clone();
    assert_eq!(expiry["kind"], "RELEASE");
    are(
        &stage,
        &begin,
        &[
            ("transfer.completed", paid),
            ("hold.created", held),
            ("hold.captured", part),
            ("hold.captured", last),
            ("hold.created", given_back),
            ("hold.released", released),
            ("deposit.completed", deposit),
            ("withdrawal.completed", withdrawal),
            ("reversal.completed", reversal),
            ("hold.created", forgotten),
            ("hold.expired", expiry),
        ],
    )
    .await;
}

async fn every_change_of_a_wallet_is_an_event_of_its_type(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let operator = &stage.operator;
    let begin = stage.now().await;
    let opened = stage.ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })).await;
    let opened = opened.expect(201);
    let wallet = format!("/v1/wallets/{}", opened["id"].as_str().unwrap_or_default());
    let frozen = act(operator, &format!("{wallet}/freeze")).await.expect(200);
    let unfrozen = act(operator, &format!("{wallet}/unfreeze")).await.expect(200);
    let limits = operator.request(Method::PUT, &format!("{wallet}/limits"));
    let limited = Answer::of(limits.json(&json!({ "per_transfer": "5", "per_day_count": 3 }))).await;
    let limited = limited.expect(200);
    let limits = operator.request(Method::PUT, &format!("{wallet}/limits"));
    let unlimited = Answer::of(limits.json(&json!({}))).await.expect(200);
    let closed = act(operator, &format!("{wallet}/close")).await.expect(200);
    are(
        &stage,
        &begin,
        &[
            ("wallet.opened", opened),
            ("wallet.frozen", frozen),
            ("wallet.unfrozen", unfrozen),
            ("wallet.limits_changed", limited),
            ("wallet.limits_changed", unlimited),
            ("wallet.closed", closed),
        ],
    )
    .await;
}

async fn every_kind_of_refusal_is_a_failed_transfer(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let (ana, operator) = (&stage.ana.caller, &stage.operator);
    let paid = stage.paid("60").await;
    let held = stage.held("10").await;
    let begin = stage.now().await;
    let mut failed = Vec::new();
    let mut note = |answer: Answer, code: &str, kind: &str| {
        answer.expect_problem(422, code);
        failed.push((answer.json["transfer_id"].clone(), code.to_owned(), kind.to_owned()));
    };
    note(
        ana.post("/v1/transfers", stage.pay("31")).await,
        "insufficient_funds",
        "TRANSFER",
    );
    note(
        ana.post("/v1/transfers", stage.hold("31")).await,
        "insufficient_funds",
        "HOLD",
    );
    let payment = json!({ "amount": "31", "method": "visa" });
    let withdrawal = ana
        .post(&wallet_path(stage.ana.wallet, "/withdrawals"), payment.clone())
        .await;
    note(withdrawal, "insufficient_funds", "WITHDRAWAL");
    act(operator, &wallet_path(stage.ana.wallet, "/freeze"))
        .await
        .expect(200);
    let deposit = operator
        .post(&wallet_path(stage.ana.wallet, "/deposits"), payment)
        .await;
    note(deposit, "wallet_frozen", "DEPOSIT");
    let capture = stage.ben.caller.post(&path_of(&held, "/capture"), json!({})).await;
    note(capture, "wallet_frozen", "CAPTURE");
    let reversal = operator.post(&path_of(&paid, "/reverse"), json!({})).await;
    note(reversal, "wallet_frozen", "REVERSAL");
    let events = stage.seen(operator, "types=transfer.failed", &begin).await;
    let shown: Vec<_> = events
        .iter()
        .map(|event| {
            let data = &event["data"];
            assert_eq!(data["status"], "FAILED", "{data}");
            let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
            (data["id"].clone(), text("failure_reason"), text("kind"))
        })
        .collect();
    assert_eq!(shown, failed);
}

async fn the_feed_is_exactly_the_journal(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    stage.paid("1").await;
    stage.refused().await;
    let wallets = (0..3).map(|number| ["EUR", "GBP", "JPY"][number]);
    for currency in wallets {
        bank.open_wallet(&stage.ana, currency).await;
    }
    let mut poller = EventPoller::new(&stage.operator, "limit=2");
    let events = poller.rest().await;
    let shown: Vec<_> = events
        .iter()
        .map(|event| record_of(event["id"].as_str().expect("an event has an id")))
        .collect();
    assert_eq!(shown, records(&bank.db.read).await);
    assert!(shown.len() >= 8, "{} events are no test of many", shown.len());
}

async fn an_event_shows_the_object_as_it_was_then(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    let (paid, held) = (stage.paid("10").await, stage.held("10").await);
    let opened = stage.ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })).await;
    let opened = opened.expect(201);
    let before = stage.seen(&stage.operator, "", &begin).await;
    assert_eq!(before.len(), 3);
    // Now all three become something else.
    let back = stage.operator.post(&path_of(&paid, "/reverse"), json!({})).await;
    back.expect(201);
    let capture = stage.ben.caller.post(&path_of(&held, "/capture"), json!({})).await;
    capture.expect(201);
    let close = format!("/v1/wallets/{}/close", opened["id"].as_str().unwrap_or_default());
    act(&stage.operator, &close).await.expect(200);
    let changed = stage.operator.get(&path_of(&paid, "")).await.expect(200);
    assert_eq!(changed["reversed"], "10.0000");
    let after = stage.seen(&stage.operator, "", &begin).await;
    assert_eq!(after[..3], before);
    assert_eq!(
        (&before[0]["data"], &before[1]["data"], &before[2]["data"]),
        (&paid, &held, &opened)
    );
    assert_eq!(before[0]["at"], paid["created_at"]);
    assert_eq!(before[2]["at"], opened["created_at"]);
}

async fn a_request_that_is_repeated_makes_no_second_event(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    for _ in 0..3 {
        let paid = stage
            .ana
            .caller
            .post_once("/v1/transfers", "once", stage.pay("1"))
            .await;
        paid.expect(201);
    }
    assert_eq!(stage.seen(&stage.operator, "", &begin).await.len(), 1);
}

async fn what_is_undone_makes_no_event(bank: Arc<TestBank>) {
    let stage = EventStage::set(&bank).await;
    let begin = stage.now().await;
    let dry = stage.ana.caller.post("/v1/transfers?dry_run=true", stage.pay("1"));
    dry.await.expect(200);
    // Refusals that leave nothing behind.
    let unknown = json!({
        "source_wallet_id": stage.ana.wallet, "destination_wallet_id": uuid::Uuid::from_u128(7), "amount": "1",
    });
    let unknown = stage.ana.caller.post("/v1/transfers", unknown).await;
    unknown.expect_problem(404, "wallet_not_found");
    let none = stage.ana.caller.post("/v1/transfers", stage.pay("0")).await;
    none.expect_problem(422, "invalid_amount");
    assert_eq!(stage.seen(&stage.operator, "", &begin).await, Vec::<Value>::new());
    assert_eq!(stage.now().await, begin);
}
