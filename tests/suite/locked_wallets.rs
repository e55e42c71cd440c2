//! A wallet that another session has locked stops the transfers of that wallet, and no others.

use std::time::{Duration, Instant};

use harness::{Backend, TestBank, begin, run};
use serde_json::json;
use service::ledger::SubmitError;
use service::transfers::TransferError;
use tokio::task::JoinSet;

use crate::requests::{new_transfer, submit, transfer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_wallet_stops_nobody_else() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
        let (cara, dan) = (bank.customer_with("cara", "10").await, bank.customer("dan").await);
        let lock = bank.lock_wallet(ana.wallet).await;
        let began = Instant::now();
        let stopped = || submit(&bank.services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1"));
        let waiting = begin([stopped()]).await;
        let free = || submit(&bank.services, &cara.actor, new_transfer(cara.wallet, dan.wallet, "1"));
        // This transfer is in one batch with the stopped one, and waits as long as a batch waits for a lock.
        free().await.expect("nothing is in its way");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        let one_by_one = Instant::now();
        for _ in 0..5 {
            free().await.expect("nothing is in its way");
        }
        assert!(
            one_by_one.elapsed() < Duration::from_secs(1),
            "{:?}",
            one_by_one.elapsed()
        );
        let outcome = waiting.all().await.pop().expect("one was begun");
        let took = began.elapsed();
        let contended = matches!(outcome, Err(TransferError::Submit(SubmitError::Contended)));
        assert!(contended && took < Duration::from_secs(3), "{outcome:?} after {took:?}");
        lock.release().await;
        assert_eq!(bank.balances(&[ana.wallet, dan.wallet]).await, ["10.0000", "6.0000"]);
        stopped().await.expect("the lock is gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_goes_in_time_is_waited_for() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
        let lock = bank.lock_wallet(ben.wallet).await;
        let waiting = begin([submit(
            &bank.services,
            &ana.actor,
            new_transfer(ana.wallet, ben.wallet, "1"),
        )])
        .await;
        until_set_aside(&bank).await;
        lock.release().await;
        let outcome = waiting.all().await.pop().expect("one was begun");
        outcome.expect("the lock went in time");
        assert_eq!(bank.balances(&[ben.wallet]).await, ["1.0000"]);
    })
    .await;
}

async fn until_set_aside(bank: &TestBank) {
    while bank.services.ops.metrics().set_aside == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn freezes_of_a_locked_wallet_are_told_soon_and_stop_no_other_request() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = (bank.customer("ana").await, bank.customer("ben").await);
        let operator = bank.operator().await;
        let lock = bank.lock_wallet(ana.wallet).await;
        let mut freezes = JoinSet::new();
        for _ in 0..24 {
            let (operator, path) = (operator.clone(), format!("/v1/wallets/{}/freeze", ana.wallet));
            freezes.spawn(async move {
                let began = Instant::now();
                (operator.post(&path, json!({})).await, began.elapsed())
            });
        }
        while bank.services.ops.metrics().set_aside < 24 {
            tokio::task::yield_now().await;
        }
        let wallet = format!("/v1/wallets/{}", ben.wallet);
        for path in [&*wallet, "/v1/users/me", "/readyz"] {
            let began = Instant::now();
            ben.caller.get(path).await.expect(200);
            assert!(
                began.elapsed() < Duration::from_secs(1),
                "{path}: {:?}",
                began.elapsed()
            );
        }
        assert!(!freezes.is_empty(), "they wait all the while");
        while let Some(freeze) = freezes.join_next().await {
            let (answer, took) = freeze.expect("it does not panic");
            answer.expect_problem(503, "contended");
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
        lock.release().await;
        let path = format!("/v1/wallets/{}/freeze", ana.wallet);
        operator.post(&path, json!({})).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_for_a_locked_user_stops_nobody_else() {
    run(Backend::Postgres, |bank| async move {
        let (ana, ben) = (bank.customer("ana").await, bank.customer_with("ben", "10").await);
        let lock = bank.lock_user(ana.actor.user).await;
        let open = async || ana.caller.post("/v1/wallets", json!({ "currency": "EUR" })).await;
        let pay = async || {
            let began = Instant::now();
            for _ in 0..4 {
                let body = transfer(ben.wallet, ana.wallet, "1");
                ben.caller.post("/v1/transfers", body).await.expect(201);
            }
            began.elapsed()
        };
        let (opened, took) = tokio::join!(open(), pay());
        opened.expect_problem(503, "contended");
        assert!(took < Duration::from_secs(3), "{took:?}");
        lock.release().await;
        open().await.expect(201);
    })
    .await;
}
