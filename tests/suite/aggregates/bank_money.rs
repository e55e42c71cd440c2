//! The bank's own deposits and withdrawals enter the aggregates once, whichever step a process dies after.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::TestBank;
use serde_json::json;
use service::aggregates::Verdict;
use service::transfers::{Asking, NewPayment};
use service::values::Method;

use super::{Shown, answer, deposit, on_every_store, restarted, settle};
use crate::requests::{money, new_transfer, payment, submit, wallet_path};

on_every_store!(
    everywhere: [deposits_and_withdrawals_count_once_and_transfers_not_at_all,
    what_is_refused_or_replayed_does_not_count,
    many_payments_are_relayed_in_steps,
    two_relays_at_once_count_once,
    a_relay_that_slept_adds_nothing_that_another_one_has,
    transfers_between_customers_move_the_mark_alone,],
    with_redis: [a_crash_before_the_database_is_told_counts_once],
);

fn of(sums: &[(&str, &str)]) -> Shown {
    sums.iter()
        .map(|(name, sum)| ((*name).to_owned(), (*sum).to_owned()))
        .collect()
}

async fn deposits_and_withdrawals_count_once_and_transfers_not_at_all(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "100.5").await, bank.customer("ben").await);
    bank.fund(ana.wallet, "0.0001", "wire").await;
    bank.advance(TimeDelta::days(1)).await;
    bank.fund(ben.wallet, "7", "visa").await;
    let transfers = &bank.services.transfers;
    let withdrawal = NewPayment::new(
        ana.wallet,
        Some(money("20.25")),
        Method::try_new("visa").expect("this is a method"),
    );
    transfers
        .withdraw(Asking::by(&ana.actor), withdrawal)
        .await
        .expect("ana has enough");
    submit(&bank.services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "30"))
        .await
        .expect("ana has enough");
    let aggregates = &bank.services.aggregates;
    assert_eq!(answer(aggregates).await, Shown::new(), "nothing is relayed yet");
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!((proof.aggregates.verdict, proof.aggregates.lag), (Verdict::Equal, 4));
    let expected = of(&[
        ("2026-01-05 deposit visa", "1005000/1"),
        ("2026-01-05 deposit wire", "1/1"),
        ("2026-01-06 deposit visa", "70000/1"),
        ("2026-01-06 withdrawal visa", "202500/1"),
    ]);
    for _ in 0..3 {
        settle(aggregates).await;
        assert_eq!(answer(aggregates).await, expected);
    }
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!((proof.aggregates.verdict, proof.aggregates.lag), (Verdict::Equal, 0));
}

async fn what_is_refused_or_replayed_does_not_count(bank: Arc<TestBank>) {
    let ana = bank.customer_with("ana", "10").await;
    bank.open_method("wire", "USD").await;
    let withdrawals = wallet_path(ana.wallet, "/withdrawals");
    for amount in ["11", "0", "nothing"] {
        ana.caller.post(&withdrawals, payment(amount, "visa")).await.expect(422);
    }
    for _ in 0..3 {
        ana.caller
            .post_once(&withdrawals, "rent", json!({ "amount": "4", "method": "wire" }))
            .await
            .expect(201);
    }
    settle(&bank.services.aggregates).await;
    let expected = of(&[
        ("2026-01-05 deposit visa", "100000/1"),
        ("2026-01-05 withdrawal wire", "40000/1"),
    ]);
    assert_eq!(answer(&bank.services.aggregates).await, expected);
}

async fn many_payments_are_relayed_in_steps(bank: Arc<TestBank>) {
    const DEPOSITS: u64 = 3_500;
    let ana = bank.customer("ana").await;
    let operator = bank.operator_actor().await;
    // With Redis, a new epoch begins with everything that is in the books: it must begin before the deposits.
    settle(&bank.services.aggregates).await;
    let deposits = (0..DEPOSITS).map(|_| {
        let (bank, operator, wallet) = (bank.clone(), operator.clone(), ana.wallet);
        tokio::spawn(async move { deposit(&bank, &operator, wallet, "1", "visa").await })
    });
    for deposit in deposits.collect::<Vec<_>>() {
        deposit.await.expect("a deposit is made");
    }
    let aggregates = &bank.services.aggregates;
    let mut steps = Vec::new();
    loop {
        match aggregates.relay().run_once().await.expect("the relay works") {
            0 => break,
            taken => steps.push(taken),
        }
    }
    assert_eq!(steps.iter().sum::<u64>(), DEPOSITS);
    // A step takes a thousand payments, and up to one piece of the journal more.
    assert!(steps.iter().all(|taken| *taken < 3_000), "{steps:?}");
    let all = format!("{}/{DEPOSITS}", DEPOSITS * 10_000);
    assert_eq!(answer(aggregates).await, of(&[("2026-01-05 deposit visa", &all)]));
}

async fn two_relays_at_once_count_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    let (one, other) = (restarted(&bank), restarted(&bank));
    let operator = bank.operator_actor().await;
    for _ in 0..20 {
        deposit(&bank, &operator, ana.wallet, "1", "visa").await;
        let (mut left, mut right) = (one.relay(), other.relay());
        let (left, right) = tokio::join!(left.run_once(), right.run_once());
        // The second relay may be refused because another writer is at work; the next step goes on.
        assert!(left.is_ok() || right.is_ok(), "{left:?} {right:?}");
    }
    settle(&one).await;
    assert_eq!(answer(&one).await, of(&[("2026-01-05 deposit visa", "200000/20")]));
}

/// A relay reads, and pauses before it adds what it has read.
async fn a_relay_that_slept_adds_nothing_that_another_one_has(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    bank.fund(ana.wallet, "1", "visa").await;
    let slow = restarted(&bank);
    let beyond = slow.relay().read_once().await.expect("the journal can be read");
    bank.fund(ana.wallet, "2", "visa").await;
    settle(&restarted(&bank)).await;
    for _ in 0..2 {
        assert_eq!(slow.relay().apply_once(&beyond).await.expect("the stores answer"), 0);
    }
    let expected = of(&[("2026-01-05 deposit visa", "30000/2")]);
    assert_eq!(answer(&slow).await, expected);
    // It does not add its own payments twice either.
    bank.fund(ana.wallet, "4", "visa").await;
    let beyond = slow.relay().read_once().await.expect("the journal can be read");
    assert_eq!(slow.relay().apply_once(&beyond).await.expect("the stores answer"), 1);
    assert_eq!(slow.relay().apply_once(&beyond).await.expect("the stores answer"), 0);
    assert_eq!(answer(&slow).await, of(&[("2026-01-05 deposit visa", "70000/3")]));
}

/// Transfers between customers move the mark and add nothing to the totals.
async fn transfers_between_customers_move_the_mark_alone(bank: Arc<TestBank>) {
    let (ana, ben) = (bank.customer_with("ana", "10").await, bank.customer("ben").await);
    settle(&bank.services.aggregates).await;
    let mark = async || {
        let proof = bank.services.ops.verify().await.expect("the books can be read");
        (proof.aggregates.mark, proof.aggregates.lag)
    };
    let before = mark().await.0.expect("there is a mark");
    for _ in 0..3 {
        submit(&bank.services, &ana.actor, new_transfer(ana.wallet, ben.wallet, "1"))
            .await
            .expect("ana has enough");
    }
    assert_eq!(mark().await, (Some(before), 0));
    let relayed = bank.services.aggregates.relay().run_once().await;
    assert_eq!(relayed.expect("the relay works"), 0);
    assert_eq!(mark().await, (Some(before + 3), 0));
}

async fn a_crash_before_the_database_is_told_counts_once(bank: Arc<TestBank>) {
    let ana = bank.customer("ana").await;
    bank.fund(ana.wallet, "1", "visa").await;
    settle(&restarted(&bank)).await;
    bank.fund(ana.wallet, "2", "visa").await;
    let dying = restarted(&bank);
    let beyond = dying.relay().read_once().await.expect("the journal can be read");
    assert_eq!(dying.relay().apply_once(&beyond).await.expect("the stores answer"), 1);
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert_eq!((proof.aggregates.verdict, proof.aggregates.lag), (Verdict::Equal, 0));
    settle(&restarted(&bank)).await;
    assert_eq!(
        answer(&bank.services.aggregates).await,
        of(&[("2026-01-05 deposit visa", "30000/2")])
    );
}
