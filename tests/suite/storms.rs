//! The same request many times at once: one transfer and one answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use harness::{TestBank, all_at_once, on_every_backend};
use service::identity::Actor;
use service::transfers::{Asking, TransferError};
use service::values::WalletId;
use service::{Services, ledger};

use crate::requests::{key, new_transfer, payment, transfer, wallet_path};

on_every_backend!(
    fifty_requests_with_one_key_make_one_transfer,
    fifty_refusals_with_one_key_record_one,
    fifty_deposits_with_one_key_make_one,
    fifty_requests_through_two_replicas_make_one_transfer,
    a_thousand_requests_with_a_hundred_keys_make_a_hundred_transfers,
);

async fn fifty_requests_with_one_key_make_one_transfer(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let rows = bank.row_counts().await;
    let body = transfer(ana.wallet, ben.wallet, "1");
    let answers = all_at_once((0..50).map(|_| ana.caller.post_once("/v1/transfers", "k", body.clone()))).await;
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &answers[0].text));
    }
    let first = answers
        .iter()
        .filter(|answer| answer.header("idempotent-replayed").is_empty())
        .count();
    assert_eq!(first, 1, "one was the first, the others are replays");
    assert_eq!(bank.row_counts().await, (rows.0 + 1, rows.1 + 2));
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["99.0000", "1.0000"]);
}

async fn fifty_refusals_with_one_key_record_one(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let rows = bank.row_counts().await;
    let body = transfer(ana.wallet, ben.wallet, "101");
    let answers = all_at_once((0..50).map(|_| ana.caller.post_once("/v1/transfers", "k", body.clone()))).await;
    for answer in &answers {
        answer.expect_problem(422, "insufficient_funds");
        assert_eq!(answer.text_without_id(), answers[0].text_without_id());
    }
    assert_eq!(bank.row_counts().await, (rows.0 + 1, rows.1));
}

async fn fifty_deposits_with_one_key_make_one(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let operator = bank.operator().await;
    let (path, body) = (wallet_path(ana.wallet, "/deposits"), payment("1", "visa"));
    let answers = all_at_once((0..50).map(|_| operator.post_once(&path, "k", body.clone()))).await;
    assert!(
        answers
            .iter()
            .all(|answer| (answer.status, &answer.text) == (201, &answers[0].text)),
        "{answers:#?}"
    );
    assert_eq!(bank.balances(&[ana.wallet]).await, ["1.0000"]);
}

async fn fifty_requests_through_two_replicas_make_one_transfer(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let replicas = [bank.services.clone(), bank.replica().await];
    let pay = |index: usize| {
        let transfers = &replicas[index % 2].transfers;
        transfers.submit(
            Asking::by(&ana.actor).with_key(key("k")),
            new_transfer(ana.wallet, ben.wallet, "1"),
        )
    };
    let receipts = all_at_once((0..50).map(pay)).await;
    let receipts: Vec<_> = receipts
        .into_iter()
        .map(|receipt| receipt.expect("every caller gets the outcome"))
        .collect();
    assert!(receipts.iter().all(|receipt| receipt.transfer == receipts[0].transfer));
    assert_eq!(receipts.iter().filter(|receipt| !receipt.replayed).count(), 1);
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["99.0000", "1.0000"]);
}

const KEYS: usize = 100;
const WORKERS: usize = 20;
/// Each worker uses every other key once, so each key is used ten times.
const REQUESTS_PER_WORKER: usize = KEYS / 2;

/// The answer to a request: its number, and the transfer.
type Answered = (usize, ledger::Transfer);

async fn a_thousand_requests_with_a_hundred_keys_make_a_hundred_transfers(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let ben = bank.customer("ben").await;
    let rows = bank.row_counts().await;
    let replicas = [bank.services.clone(), bank.replica().await];
    let workers = (0..WORKERS).map(|worker| {
        let services = &replicas[(worker / 2) % 2];
        worker_asks(services, worker, ana.actor.clone(), [ana.wallet, ben.wallet])
    });
    let mut by_key: BTreeMap<usize, Vec<ledger::Transfer>> = BTreeMap::new();
    for (number, transfer) in all_at_once(workers).await.into_iter().flatten() {
        by_key.entry(number).or_default().push(transfer);
    }
    assert_eq!(by_key.len(), KEYS);
    for (number, answers) in &by_key {
        assert_eq!(answers.len(), WORKERS / 2);
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "key {number}: {answers:#?}"
        );
        assert_eq!(answers[0].failure.is_some(), asks_too_much(*number), "key {number}");
    }
    assert_eq!(bank.row_counts().await, (rows.0 + 100, rows.1 + 180));
    assert_eq!(bank.balances(&[ana.wallet, ben.wallet]).await, ["10.0000", "90.0000"]);
}

/// Every tenth request is refused.
fn asks_too_much(number: usize) -> bool {
    number.is_multiple_of(10)
}

async fn worker_asks(services: &Services, worker: usize, ana: Actor, wallets: [WalletId; 2]) -> Vec<Answered> {
    let [source, destination] = wallets;
    let mut answers = Vec::new();
    for step in 0..REQUESTS_PER_WORKER {
        let number = (worker / 2 * 13 + step * 2 + worker % 2) % KEYS;
        let amount = if asks_too_much(number) { "1000" } else { "1" };
        let new = new_transfer(source, destination, amount);
        let answer = services
            .transfers
            .submit(Asking::by(&ana).with_key(key(&format!("key-{number}"))), new)
            .await;
        let transfer = match answer {
            Ok(receipt) => receipt.transfer.transfer.as_ref().clone(),
            Err(TransferError::Failed { transfer: Some(id), .. }) => services
                .transfers
                .get(&ana, id)
                .await
                .expect("a recorded refusal can be seen")
                .transfer
                .as_ref()
                .clone(),
            Err(other) => panic!("key {number}: {other}"),
        };
        answers.push((number, transfer));
    }
    answers
}
