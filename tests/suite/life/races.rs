//! Captures, voids, expiries and reversals of one transfer at once, through two replicas: sums hold.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::values::Money;

use super::{LifeStage, capture, code, reverse};

on_every_backend!(
    one_hold_is_not_captured_twice_by_two_simultaneous_calls,
    captures_and_voids_at_once_never_take_more_than_the_hold,
    a_hold_that_expires_while_it_is_captured_ends_once,
    reversals_at_once_never_exceed_the_original,
);

const RUNS: usize = 50;

async fn one_hold_is_not_captured_twice_by_two_simultaneous_calls(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    for _ in 0..RUNS {
        let hold = stage.hold("1").await;
        let (one, other) = tokio::join!(
            stage.capture(&stage.ben.0, hold, None, true),
            capture(&replica, stage.ben.0.clone(), hold, None, true)
        );
        let mut codes = [code(&one), code(&other)];
        codes.sort_unstable();
        assert_eq!(codes, ["done", "hold_closed"]);
    }
    assert_eq!(stage.amounts(stage.ben.1).await[0], format!("{RUNS}.0000"));
}

async fn captures_and_voids_at_once_never_take_more_than_the_hold(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    for _ in 0..RUNS {
        let hold = stage.hold("1").await;
        let (one, other, void) = tokio::join!(
            stage.capture(&stage.ben.0, hold, Some("0.6"), false),
            capture(&replica, stage.operator.clone(), hold, Some("0.6"), true),
            stage.void(&stage.ben.0, hold)
        );
        for answer in [&one, &other, &void] {
            assert!(
                ["done", "hold_closed", "amount_exceeds_hold"].contains(&code(answer)),
                "{answer:?}"
            );
        }
        let state = stage.get(hold).await.hold.expect("it is a hold");
        assert!(
            state.captured <= Money::parse_unsigned("0.6").expect("an amount"),
            "{state:?}"
        );
    }
    assert_eq!(stage.amounts(stage.ana.1).await[1], "0.0000");
}

async fn a_hold_that_expires_while_it_is_captured_ends_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    for _ in 0..RUNS / 5 {
        let hold = stage.hold("1").await;
        bank.advance(TimeDelta::seconds(3_601)).await;
        let (captured, swept, paid) = tokio::join!(
            stage.capture(&stage.ben.0, hold, None, true),
            replica.transfers.expire_holds(),
            stage.pay("0.1")
        );
        assert_eq!((code(&captured), code(&paid)), ("hold_closed", "done"));
        swept.expect("it can sweep");
        assert_eq!(stage.amounts(stage.ana.1).await[1], "0.0000");
    }
}

async fn reversals_at_once_never_exceed_the_original(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    for _ in 0..RUNS {
        let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
        let (one, other, third) = tokio::join!(
            stage.reverse(paid, Some("0.6")),
            reverse(&replica, &stage.operator, paid, Some("0.6")),
            reverse(&replica, &stage.operator, paid, Some("0.4"))
        );
        let done = [&one, &other, &third]
            .iter()
            .filter(|answer| code(answer) == "done")
            .count();
        assert_eq!(done, 2);
        assert_eq!(stage.get(paid).await.reversed.to_string(), "1.0000");
    }
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["100.0000", "0.0000"]);
}
