//! Idempotency keys: their form, their owner, and how long they are valid.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{Answer, TestBank, on_every_backend};
use reqwest::Method;
use reqwest::header::HeaderValue;
use service::values::WalletId;
use uuid::Uuid;

use crate::idempotency::{ana_and_ben, assert_replayed};
use crate::requests::{key, new_transfer, payment, transfer, wallet_path};

on_every_backend!(
    a_key_in_quotes_is_the_same_key,
    a_key_belongs_to_its_user,
    a_key_belongs_to_its_operation,
    malformed_keys_cannot_be_read,
    keys_outlive_processes_and_years,
);

async fn a_key_in_quotes_is_the_same_key(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let body = transfer(ana.wallet, ben.wallet, "1");
    let first = ana.caller.post_once("/v1/transfers", "\"k\"", body.clone()).await;
    assert_replayed(&first, &ana.caller.post_once("/v1/transfers", "k", body.clone()).await);
    let capital = ana.caller.post_once("/v1/transfers", "K", body).await;
    assert_eq!(
        (capital.status, capital.header("idempotent-replayed")),
        (201, ""),
        "K is another key than k"
    );
}

async fn a_key_belongs_to_its_user(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    bank.fund(ben.wallet, "10", "visa").await;
    ana.caller
        .post_once("/v1/transfers", "k", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    let of_ben = ben
        .caller
        .post_once("/v1/transfers", "k", transfer(ben.wallet, ana.wallet, "3"))
        .await;
    assert_eq!(
        (of_ben.status, of_ben.header("idempotent-replayed")),
        (201, ""),
        "{}",
        of_ben.text
    );
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["12.0000", "8.0000"]);
}

async fn a_key_belongs_to_its_operation(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let operator = bank.operator().await;
    let withdrawals = wallet_path(ana.wallet, "/withdrawals");
    ana.caller
        .post_once("/v1/transfers", "k", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect(201);
    let answer = ana.caller.post_once(&withdrawals, "k", payment("1", "visa")).await;
    answer.expect_problem(422, "idempotency_key_reused");
    let nowhere = wallet_path(WalletId(Uuid::from_u128(1)), "/withdrawals");
    let answer = ana.caller.post_once(&nowhere, "k", payment("1", "visa")).await;
    answer.expect_problem(422, "idempotency_key_reused");
    operator
        .post_once(&wallet_path(ana.wallet, "/deposits"), "p", payment("1", "visa"))
        .await
        .expect(201);
    let answer = operator.post_once(&withdrawals, "p", payment("1", "visa")).await;
    answer.expect_problem(422, "idempotency_key_reused");
    let answer = operator
        .post_once(&wallet_path(ben.wallet, "/deposits"), "p", payment("1", "visa"))
        .await;
    answer.expect_problem(422, "idempotency_key_reused");
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["10.0000", "1.0000"]);
}

async fn malformed_keys_cannot_be_read(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let body = transfer(ana.wallet, ben.wallet, "1");
    let rows = bank.row_counts().await;
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    let malformed: [&[u8]; 10] = [
        b"",
        b"\"\"",
        b"a b",
        b"a\tb",
        b"\"k",
        b"k\"",
        b"k\xff",
        "clé".as_bytes(),
        b"\xf0\x9f\xa6\x80",
        too_long.as_bytes(),
    ];
    for bytes in malformed {
        let value = HeaderValue::from_bytes(bytes).expect("HTTP itself allows this");
        for path in ["/v1/transfers", &wallet_path(ana.wallet, "/withdrawals")] {
            let request = ana
                .caller
                .request(Method::POST, path)
                .header("Idempotency-Key", &value)
                .json(&body);
            let answer = Answer::of(request).await;
            let code = answer.text_of("code");
            assert_eq!(
                (answer.status, code),
                (400, "invalid_idempotency_key"),
                "{bytes:?}: {}",
                answer.text
            );
        }
    }
    let twice = ana
        .caller
        .request(Method::POST, "/v1/transfers")
        .header("Idempotency-Key", "a");
    let answer = Answer::of(twice.header("Idempotency-Key", "b").json(&body)).await;
    answer.expect_problem(400, "invalid_idempotency_key");
    assert_eq!(bank.row_counts().await, rows);
    for good in [
        longest.as_str(),
        "!",
        "~",
        "a,b;c=d",
        "\u{7c}",
        "8e03978e-40d5-43dd-bc93-6894a57f9324",
    ] {
        ana.caller
            .post_once("/v1/transfers", good, body.clone())
            .await
            .expect(201);
    }
    assert_eq!(bank.balances(&[ben.wallet]).await, ["6.0000"]);
}

async fn keys_outlive_processes_and_years(bank: Arc<TestBank>) {
    let (ana, ben) = ana_and_ben(&bank).await;
    let pay = async |services: &service::Services, amount: &str| {
        services
            .transfers
            .submit(
                service::transfers::Asking::by(&ana.actor).with_key(key("k")),
                new_transfer(ana.wallet, ben.wallet, amount),
            )
            .await
    };
    let first = pay(&bank.services, "1").await.expect("the transfer is made");
    bank.advance(TimeDelta::days(3_650)).await;
    let replica = bank.replica().await;
    let again = pay(&replica, "1").await.expect("the stored outcome comes back");
    assert!(again.replayed && !first.replayed);
    assert_eq!(again.transfer, first.transfer);
    pay(&replica, "2").await.expect_err("the key is used up");
    assert_eq!(bank.balances(&[ben.wallet]).await, ["1.0000"]);
}
