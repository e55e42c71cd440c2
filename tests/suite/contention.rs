//! Many writers at once: no update is lost, and what must happen once happens once.

use std::collections::HashMap;
use std::sync::Arc;

use harness::{Backend, TestBank, all_at_once, in_two_slices, on_every_backend};
use serde_json::json;
use service::Services;
use service::identity::Actor;
use service::ledger::Transfer;
use service::transfers::{Failure, TransferError};
use service::values::{Money, TransferStatus, WalletId};

use crate::requests::{
    act, new_transfer, payment, quiet_customer, submit, transfer, wallet_path, wallets_now, withdraw,
};

on_every_backend!(
    two_replicas_lose_no_update,
    batches_over_the_same_wallets_do_not_deadlock,
    of_many_withdrawals_of_everything_one_succeeds,
    of_many_withdrawals_through_two_replicas_one_succeeds,
    nothing_moves_after_a_freeze_was_answered,
    a_wallet_opens_once_however_many_ask,
    an_address_is_registered_once_however_many_ask,
    a_system_wallet_opens_once_however_many_ask,
);

in_two_slices!(two_replicas_lose_no_update);

const WORKERS: usize = 16;
const TRANSFERS_PER_WORKER: usize = 60;

async fn two_replicas_lose_no_update(bank: Arc<TestBank>) {
    let mut customers = Vec::new();
    for name in ["ana", "ben", "cara", "dan"] {
        let (actor, wallet) = quiet_customer(&bank, name).await;
        bank.fund(wallet, "10", "visa").await;
        customers.push((actor, wallet));
    }
    let wallets: Vec<WalletId> = customers.iter().map(|(_, wallet)| *wallet).collect();
    let rows = bank.row_counts().await;
    let replicas = [bank.services.clone(), bank.replica().await];
    let workers = (0..WORKERS).map(|worker| moves_money(&replicas[worker % 2], worker, &customers));
    let transfers: Vec<Transfer> = all_at_once(workers).await.into_iter().flatten().collect();
    let mut balances: HashMap<WalletId, i64> = wallets.iter().map(|wallet| (*wallet, 100_000)).collect();
    let completed: Vec<_> = transfers
        .iter()
        .filter(|made| made.status == TransferStatus::Completed)
        .collect();
    for made in &completed {
        *balances.get_mut(&made.source).expect("money moves among the four") -= made.amount.units();
        *balances.get_mut(&made.destination).expect("money moves among the four") += made.amount.units();
    }
    let expected: Vec<String> = wallets
        .iter()
        .map(|wallet| Money::from_units(balances[wallet]).expect("it is small").to_string())
        .collect();
    assert_eq!(bank.balances(&wallets).await, expected);
    assert!(
        completed.len() > transfers.len() / 4 && completed.len() < transfers.len(),
        "{}",
        completed.len()
    );
    let (made, entries) = (transfers.len() as u64, 2 * completed.len() as u64);
    assert_eq!(bank.row_counts().await, (rows.0 + made, rows.1 + entries));
    let stale: u64 = replicas
        .iter()
        .map(|services| services.ops.metrics().stale_retries)
        .sum();
    match bank.backend {
        Backend::Postgres => assert!(stale > 0, "the two must have met"),
        Backend::Sqlite => assert_eq!(stale, 0, "the write lock comes before the reading"),
    }
}

/// A worker's transfers around the four customers, one after the other. Amounts differ, and some exceed every balance.
async fn moves_money(services: &Services, worker: usize, customers: &[(Actor, WalletId)]) -> Vec<Transfer> {
    let mut made = Vec::new();
    for step in 0..TRANSFERS_PER_WORKER {
        let (actor, source) = &customers[(worker + step) % 4];
        let (_, destination) = customers[(worker + step + 1 + step % 3) % 4];
        let amount = format!("{}.{}", 1 + (worker * 7 + step * 5) % 9, 1 + worker % 9);
        match submit(services, actor, new_transfer(*source, destination, &amount)).await {
            Ok(receipt) => made.push(receipt.transfer.transfer.as_ref().clone()),
            Err(TransferError::Failed {
                failure: Failure::InsufficientFunds { .. },
                transfer: Some(id),
                ..
            }) => {
                made.push(
                    services
                        .transfers
                        .get(actor, id)
                        .await
                        .expect("a recorded refusal can be seen")
                        .transfer
                        .as_ref()
                        .clone(),
                );
            }
            Err(other) => panic!("{other}"),
        }
    }
    made
}

async fn batches_over_the_same_wallets_do_not_deadlock(bank: Arc<TestBank>) {
    let mut customers = Vec::new();
    for index in 0..16 {
        let customer = quiet_customer(&bank, &format!("customer{index}")).await;
        bank.fund(customer.1, "100", "visa").await;
        customers.push(customer);
    }
    let replicas = [bank.services.clone(), bank.replica().await];
    let streams = replicas.iter().enumerate().map(|(offset, services)| {
        let customers = &customers;
        async move {
            for round in 0..20 {
                // The two clients go through the wallets in opposite directions.
                let batch = (0..16).map(|step| {
                    let index = if offset == 0 { step } else { 15 - step };
                    let (actor, source) = &customers[index];
                    let (_, destination) = customers[(index + 1 + round % 15) % 16];
                    submit(services, actor, new_transfer(*source, destination, "0.01"))
                });
                for outcome in all_at_once(batch).await {
                    outcome.expect("there is enough for all");
                }
            }
        }
    });
    all_at_once(streams).await;
    for services in &replicas {
        let metrics = services.ops.metrics();
        assert_eq!(metrics.conflict_retries, 0, "{metrics:?}");
        assert_eq!(metrics.splits, 0, "{metrics:?}");
    }
    let balances: Vec<WalletId> = customers.iter().map(|(_, wallet)| *wallet).collect();
    assert_eq!(
        bank.balances(&balances).await,
        ["100.0000"; 16],
        "each paid and was paid as often"
    );
}

async fn of_many_withdrawals_of_everything_one_succeeds(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "77.7777").await;
    bank.open_method("wire", "USD").await;
    let rows = bank.row_counts().await;
    let path = wallet_path(ana.wallet, "/withdrawals");
    let answers = all_at_once((0..64).map(|_| ana.caller.post(&path, payment("77.7777", "wire")))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.expect_problem(422, "insufficient_funds");
        assert_eq!(refused.json["available"], "0.0000");
    }
    assert_eq!(bank.balances(&[ana.wallet]).await, ["0.0000"]);
    assert_eq!(bank.row_counts().await, (rows.0 + 64, rows.1 + 2));
}

async fn of_many_withdrawals_through_two_replicas_one_succeeds(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "77.7777").await;
    bank.open_method("wire", "USD").await;
    let replicas = [bank.services.clone(), bank.replica().await];
    let withdrawals = (0..64).map(|index| withdraw(&replicas[index % 2], &ana.actor, ana.wallet, "77.7777"));
    let outcomes = all_at_once(withdrawals).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter_map(Result::err) {
        let TransferError::Failed { failure, .. } = outcome else {
            panic!("{outcome}")
        };
        assert_eq!(failure, Failure::InsufficientFunds { available: Money::ZERO });
    }
    assert_eq!(bank.balances(&[ana.wallet]).await, ["0.0000"]);
}

async fn nothing_moves_after_a_freeze_was_answered(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "1000").await;
    let ben = bank.customer("ben").await;
    let operator = bank.operator().await;
    let replicas = [bank.services.clone(), bank.replica().await];
    let stream = |index: usize| {
        let services = replicas[index].clone();
        let (actor, source, destination) = (ana.actor.clone(), ana.wallet, ben.wallet);
        tokio::spawn(async move {
            // Pays until the wallet is frozen, and then a few times more.
            let mut refused = 0;
            while refused < 10 {
                match submit(&services, &actor, new_transfer(source, destination, "0.0001")).await {
                    Ok(_) => assert_eq!(refused, 0, "the wallet was frozen"),
                    Err(TransferError::Failed {
                        failure: Failure::WalletFrozen,
                        ..
                    }) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        })
    };
    let streams = [stream(0), stream(1)];
    while bank.balances(&[ben.wallet]).await == ["0.0000"] {}
    let frozen = act(&operator, &wallet_path(ben.wallet, "/freeze")).await.expect(200);
    let now = wallets_now(&operator, &[ben.wallet]).await;
    for stream in streams {
        stream.await.expect("a stream ends in refusals");
    }
    assert_eq!(wallets_now(&operator, &[ben.wallet]).await, now);
    assert_eq!(now[0][0], frozen["balance"].to_string());
    ana.caller
        .post("/v1/transfers", transfer(ana.wallet, ben.wallet, "1"))
        .await
        .expect_problem(422, "wallet_frozen");
}

async fn a_wallet_opens_once_however_many_ask(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let body = json!({ "currency": "EUR" });
    let answers = all_at_once((0..16).map(|_| ana.caller.post("/v1/wallets", body.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.expect_problem(409, "wallet_exists");
    }
    assert_eq!(
        bank.number("SELECT count(*) AS n FROM wallets WHERE currency = 'EUR'")
            .await,
        1
    );
}

async fn an_address_is_registered_once_however_many_ask(bank: Arc<TestBank>) {
    let anybody = bank.anonymous();
    let body = json!({ "email": "ana@example.com", "password": harness::bank::PASSWORD, "full_name": "Ana" });
    let answers = all_at_once((0..8).map(|_| anybody.post("/v1/auth/register", body.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        refused.expect_problem(409, "email_taken");
    }
    let counts = "SELECT (SELECT count(*) FROM users) * 100 + (SELECT count(*) FROM wallets) AS n";
    assert_eq!(bank.number(counts).await, 101, "one user with one wallet");
}

async fn a_system_wallet_opens_once_however_many_ask(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "100").await;
    let replicas = [bank.services.clone(), bank.replica().await];
    let operator = bank.operator_actor().await;
    let withdrawals = (0..32).map(|index| withdraw(&replicas[index % 2], &operator, ana.wallet, "1"));
    for outcome in all_at_once(withdrawals).await {
        outcome.expect("there is enough for all");
    }
    let sql = "SELECT count(*) AS n FROM wallets WHERE method = 'wire'";
    assert_eq!(bank.number(sql).await, 1);
    assert_eq!(
        bank.balances(&[ana.wallet, bank.system_wallet("wire").await]).await,
        ["68.0000", "32.0000"]
    );
}
