//! A key with the same request moves money once, and always gets the same answer.

use std::sync::Arc;

use harness::{Answer, Customer, TestBank, on_every_backend};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::requests::{act, payment, transfer, wallet_path};

on_every_backend!(
    same_key_twice_moves_money_once,
    without_a_key_each_request_stands_alone,
    deposits_and_withdrawals_are_replayed_too,
    refusals_are_replayed_with_the_available_of_that_time,
    a_replay_does_not_see_what_changed_since,
    a_key_for_another_request_is_refused_before_any_rule,
    equal_values_are_the_same_request,
    what_is_not_recorded_does_not_use_a_key_up,
);

pub async fn ana_and_ben(bank: &TestBank) -> (Customer, Customer) {
    (bank.customer_with("ana", "10").await, bank.customer("ben").await)
}

/// The part of an answer that a replay must repeat: everything, except the request id of a problem.
fn answered(answer: &Answer) -> String {
    if answer.status < 400 {
        answer.text.clone()
    } else {
        answer.text_without_id()
    }
}

/// Fails unless both answers are the same, and only the second is marked as a replay.
#[track_caller]
pub fn assert_replayed(first: &Answer, again: &Answer) {
    assert_eq!((first.status, answered(first)), (again.status, answered(again)));
    assert_eq!(first.header("content-type"), again.header("content-type"));
    assert_eq!(
        (first.header("idempotent-replayed"), again.header("idempotent-replayed")),
        ("", "true")
    );
}

async fn same_key_twice_moves_money_once(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let rows = bank.row_counts().await;
    let mut body = transfer(ana.wallet, ben.wallet, "4");
    body["description"] = json!("rent");
    body["metadata"] = json!({ "order": "A-17" });
    let first = ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    let again = ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_replayed(&first, &again);
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["6.0000", "4.0000"]);
    assert_eq!(bank.row_counts().await, (rows.0 + 1, rows.1 + 2));
    let other = ana.caller.post_once("/v1/transfers", "l", body).await;
    assert_ne!(other.expect(201)["id"], first.json["id"]);
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["2.0000", "8.0000"]);
}

async fn without_a_key_each_request_stands_alone(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let body = transfer(ana.wallet, ben.wallet, "4");
    let first = ana.caller.post("/v1/transfers", body.clone()).await.expect(201);
    let second = ana.caller.post("/v1/transfers", body).await;
    assert_eq!(second.header("idempotent-replayed"), "");
    assert_ne!(second.expect(201)["id"], first["id"]);
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["2.0000", "8.0000"]);
}

async fn deposits_and_withdrawals_are_replayed_too(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    // A method is open once an operator has made a payment with it.
    bank.fund(ben.wallet, "1", "wire").await;
    let operator = bank.operator().await;
    let deposits = wallet_path(ana.wallet, "/deposits");
    let first = operator.post_once(&deposits, "in", payment("5", "visa")).await;
    assert_replayed(&first, &operator.post_once(&deposits, "in", payment("5", "visa")).await);
    let withdrawals = wallet_path(ana.wallet, "/withdrawals");
    let first = ana.caller.post_once(&withdrawals, "out", payment("1", "wire")).await;
    assert_replayed(
        &first,
        &ana.caller.post_once(&withdrawals, "out", payment("1", "wire")).await,
    );
    assert_eq!(bank.balances(&[ana.wallet]).await, ["14.0000"]);
    let another_method = operator.post_once(&deposits, "in", payment("5", "wire")).await;
    another_method.expect_problem(422, "idempotency_key_reused");
}

async fn refusals_are_replayed_with_the_available_of_that_time(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let body = transfer(ana.wallet, ben.wallet, "11");
    let first = ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    first.expect_problem(422, "insufficient_funds");
    assert_eq!(first.json["available"], "10.0000");
    bank.fund(ana.wallet, "90", "visa").await;
    let rows = bank.row_counts().await;
    let again = ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    assert_replayed(&first, &again);
    assert_eq!(bank.row_counts().await, rows, "a replay records nothing");
    ana.caller.post_once("/v1/transfers", "l", body).await.expect(201);
}

async fn a_replay_does_not_see_what_changed_since(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let operator = bank.operator().await;
    let body = transfer(ana.wallet, ben.wallet, "10");
    let made = ana.caller.post_once("/v1/transfers", "made", body.clone()).await;
    act(&operator, &wallet_path(ben.wallet, "/freeze")).await.expect(200);
    let refused = ana.caller.post_once("/v1/transfers", "refused", body.clone()).await;
    refused.expect_problem(422, "wallet_frozen");
    act(&operator, &wallet_path(ana.wallet, "/close")).await.expect(200);
    act(&operator, &wallet_path(ben.wallet, "/unfreeze")).await.expect(200);
    assert_replayed(
        &made,
        &ana.caller.post_once("/v1/transfers", "made", body.clone()).await,
    );
    assert_replayed(
        &refused,
        &ana.caller.post_once("/v1/transfers", "refused", body.clone()).await,
    );
    ana.caller
        .post_once("/v1/transfers", "new", body)
        .await
        .expect_problem(422, "wallet_closed");
}

async fn a_key_for_another_request_is_refused_before_any_rule(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let euro = bank.open_wallet(&ana, "EUR").await;
    let body = transfer(ana.wallet, ben.wallet, "1");
    ana.caller
        .post_once("/v1/transfers", "k", body.clone())
        .await
        .expect(201);
    let rows = bank.row_counts().await;
    let nobody = json!(Uuid::from_u128(1));
    for (member, value) in [
        ("amount", json!("2")),
        ("amount", json!("11")),
        ("amount", json!("0")),
        ("amount", json!("no amount")),
        ("destination_wallet_id", json!(euro)),
        ("destination_wallet_id", json!(ana.wallet)),
        ("destination_wallet_id", nobody.clone()),
        ("source_wallet_id", nobody),
        ("source_wallet_id", json!(ben.wallet)),
        ("description", json!("rent")),
        ("description", json!("")),
        ("metadata", json!({})),
    ] {
        let mut other = body.clone();
        other[member] = value;
        let answer = ana.caller.post_once("/v1/transfers", "k", other.clone()).await;
        assert_eq!(
            (answer.status, answer.text_of("code")),
            (422, "idempotency_key_reused"),
            "{other}: {}",
            answer.text
        );
        assert_eq!(answer.header("idempotent-replayed"), "");
    }
    assert_eq!(bank.row_counts().await, rows);
    let mut unreadable = body;
    unreadable["amount"] = Value::Null;
    ana.caller
        .post_once("/v1/transfers", "k", unreadable)
        .await
        .expect_problem(400, "invalid_request");
}

async fn equal_values_are_the_same_request(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let metadata = json!({ "a": 1, "b": { "c": "ä", "d": [1, 2] } });
    let mut body = transfer(ana.wallet, ben.wallet, "1");
    body["metadata"] = metadata.clone();
    let first = ana.caller.post_once("/v1/transfers", "k", body.clone()).await;
    for amount in [json!("1.0"), json!("1.0000"), json!(1)] {
        body["amount"] = amount;
        assert_replayed(&first, &ana.caller.post_once("/v1/transfers", "k", body.clone()).await);
    }
    body["metadata"] = json!({ "b": { "d": [1, 2], "c": "ä" }, "a": 1 });
    body["description"] = Value::Null;
    assert_replayed(&first, &ana.caller.post_once("/v1/transfers", "k", body.clone()).await);
    body["metadata"] = json!({ "a": 1, "b": { "c": "ä", "d": [2, 1] } });
    let answer = ana.caller.post_once("/v1/transfers", "k", body).await;
    answer.expect_problem(422, "idempotency_key_reused");
    assert_eq!(bank.balances(&[ben.wallet]).await, ["1.0000"]);
}

async fn what_is_not_recorded_does_not_use_a_key_up(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let nobody = json!(Uuid::from_u128(1));
    let post = async |body: Value| ana.caller.post_once("/v1/transfers", "k", body).await;
    for _ in 0..2 {
        let mut unknown = transfer(ana.wallet, ben.wallet, "1");
        unknown["destination_wallet_id"] = nobody.clone();
        post(unknown).await.expect_problem(404, "wallet_not_found");
        post(transfer(ana.wallet, ben.wallet, "0"))
            .await
            .expect_problem(422, "invalid_amount");
        post(transfer(ana.wallet, ana.wallet, "1"))
            .await
            .expect_problem(422, "same_wallet");
        post(transfer(ben.wallet, ana.wallet, "1"))
            .await
            .expect_problem(404, "wallet_not_found");
    }
    let made = post(transfer(ana.wallet, ben.wallet, "1")).await;
    assert_eq!(
        (made.status, made.header("idempotent-replayed")),
        (201, ""),
        "{}",
        made.text
    );
    post(transfer(ana.wallet, ben.wallet, "0"))
        .await
        .expect_problem(422, "idempotency_key_reused");
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["9.0000", "1.0000"]);
}
