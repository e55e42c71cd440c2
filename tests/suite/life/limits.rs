//! Limits of a wallet: what counts, what gives back, and that they are never passed.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, all_at_once, on_every_backend};
use service::transfers::{Failure, LimitKind, TransferError};
use service::wallets::{Expected, WalletLimits};

use super::{LifeStage, code};
use crate::requests::{money, new_transfer, submit};

on_every_backend!(
    one_transfer_may_not_pass_its_limit,
    the_amount_and_the_number_of_a_day_are_limited,
    a_limit_looks_at_what_counted_today,
    a_release_gives_back_on_the_same_day_only,
    the_same_limits_again_change_nothing,
    parallel_callers_on_two_replicas_never_pass_a_limit,
);

const DAY: TimeDelta = TimeDelta::days(1);

impl LifeStage {
    async fn limit(&self, per_transfer: Option<&str>, per_day: Option<&str>, count: Option<i64>) {
        let limits = WalletLimits {
            per_transfer: per_transfer.map(money),
            per_day_amount: per_day.map(money),
            per_day_count: count,
        };
        let set = self
            .services
            .wallets
            .set_limits(&self.operator, self.ana.1, limits, Expected::Anything)
            .await;
        let shown = set
            .expect("limits can be set")
            .limits
            .map(|state| state.limits)
            .unwrap_or_default();
        assert_eq!(shown, limits);
    }

    async fn refusal(&self, amount: &str) -> (LimitKind, String) {
        match self.pay(amount).await {
            Err(TransferError::Failed {
                failure: Failure::LimitExceeded { limit, remaining },
                ..
            }) => (limit, remaining.to_string()),
            other => panic!("{other:?}"),
        }
    }
}

async fn one_transfer_may_not_pass_its_limit(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.limit(Some("10"), None, None).await;
    assert_eq!(
        stage.refusal("10.0001").await,
        (LimitKind::PerTransfer, "10.0000".to_owned())
    );
    stage.pay("10").await.expect("it is within the limit");
    stage.limit(None, None, None).await;
    stage.pay("50").await.expect("there is no limit any more");
}

async fn the_amount_and_the_number_of_a_day_are_limited(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.limit(None, Some("30"), Some(3)).await;
    stage.pay("20").await.expect("it is within the limits");
    assert_eq!(
        stage.refusal("11").await,
        (LimitKind::PerDayAmount, "10.0000".to_owned())
    );
    stage.hold("5").await;
    stage.pay("5").await.expect("it is within the limits");
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    stage.limit(None, Some("40"), Some(3)).await;
    assert_eq!(stage.refusal("1").await, (LimitKind::PerDayCount, "0.0000".to_owned()));
    bank.advance(DAY).await;
    stage.pay("30").await.expect("a new day has begun");
}

async fn a_limit_looks_at_what_counted_today(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.pay("10").await.expect("there is enough");
    let hold = stage.hold("10").await;
    stage
        .capture(&stage.ben.0, hold, Some("4"), true)
        .await
        .expect("it is open");
    let voided = stage.hold("20").await;
    stage.void(&stage.ben.0, voided).await.expect("it is open");
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    stage.reverse(paid, None).await.expect("ben has it");
    // 10 and 1 paid, 4 captured; the reversal gives nothing back, and what was released counts no more.
    stage.limit(None, Some("20"), Some(4)).await;
    assert_eq!(
        stage.refusal("5.0001").await,
        (LimitKind::PerDayAmount, "5.0000".to_owned())
    );
    stage.pay("5").await.expect("it is within the limits");
    assert_eq!(stage.refusal("0.0001").await.0, LimitKind::PerDayAmount);
}

async fn a_release_gives_back_on_the_same_day_only(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.limit(None, Some("30"), Some(2)).await;
    let hold = stage.hold("30").await;
    assert_eq!(code(&stage.pay("1").await), "limit_exceeded");
    stage.void(&stage.ben.0, hold).await.expect("it is open");
    let new = service::transfers::NewTransfer {
        hold: service::transfers::HoldTerms::try_new(172_800),
        ..stage.new_hold("30")
    };
    let hold = submit(&stage.services, &stage.ana.0, new)
        .await
        .expect("all was given back");
    bank.advance(DAY).await;
    stage.pay("20").await.expect("a new day has begun");
    stage
        .void(&stage.ben.0, hold.transfer.transfer.id)
        .await
        .expect("it is open");
    assert_eq!(
        stage.refusal("10.0001").await,
        (LimitKind::PerDayAmount, "10.0000".to_owned())
    );
}

async fn the_same_limits_again_change_nothing(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.limit(None, Some("30"), None).await;
    stage.pay("20").await.expect("it is within the limits");
    stage.limit(None, Some("30"), None).await;
    assert_eq!(stage.refusal("11").await.1, "10.0000");
}

async fn parallel_callers_on_two_replicas_never_pass_a_limit(bank: Arc<TestBank>) {
    const CALLERS: usize = 64;
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    for run in 0..10_i64 {
        bank.advance(DAY).await;
        let (amount, count) = if run % 2 == 0 {
            (Some("0.5"), None)
        } else {
            (None, Some(5))
        };
        stage.limit(None, amount, count).await;
        let calls = (0..CALLERS).map(|caller| {
            let services = if caller % 2 == 0 { &stage.services } else { &replica };
            let (services, ana, new) = (
                services.clone(),
                stage.ana.0.clone(),
                new_transfer(stage.ana.1, stage.ben.1, "0.1"),
            );
            async move { submit(&services, &ana, new).await }
        });
        let answers = all_at_once(calls).await;
        let made = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(made, 5, "in run {run}");
    }
}
