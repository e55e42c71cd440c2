//! The day of a limit, from one midnight in UTC to the next: what counts on it, and what gives back.

use std::sync::Arc;

use chrono::{NaiveTime, TimeDelta};
use harness::{TestBank, on_every_backend};
use service::clock::Clock;
use service::transfers::{Failure, HoldTerms, LimitKind, NewTransfer, ShownTransfer, TransferError};
use service::values::{Timestamp, TransferStatus};

use super::acts::{advance_to, codes_of, limits, made};
use super::outflow::assert_limits_held;
use super::{LifeStage, code};
use crate::requests::{new_transfer, submit};

on_every_backend!(
    a_day_ends_at_midnight,
    a_batch_over_midnight_is_counted_transfer_by_transfer,
    a_release_after_midnight_gives_nothing_back,
    an_expiry_gives_back_on_the_same_day,
    a_final_capture_gives_its_rest_back,
    reversals_and_failures_neither_count_nor_give_back,
    captures_and_money_that_comes_in_do_not_count,
    the_holds_of_yesterday_do_not_count_today,
    withdrawals_count_like_transfers,
);

/// The midnight that ends the bank's day.
fn midnight(bank: &TestBank) -> Timestamp {
    let tomorrow = bank.clock.now().date_naive() + TimeDelta::days(1);
    tomorrow.and_time(NaiveTime::MIN).and_utc()
}

/// Ana's money, held for ben for some seconds.
fn held_for(stage: &LifeStage, seconds: i64, amount: &str) -> NewTransfer {
    NewTransfer {
        hold: HoldTerms::try_new(seconds),
        ..new_transfer(stage.ana.1, stage.ben.1, amount)
    }
}

/// The limit that refuses an amount, and what is left of it.
async fn left_for(stage: &LifeStage, amount: &str) -> (LimitKind, String) {
    match stage.pay(amount).await {
        Err(TransferError::Failed {
            failure: Failure::LimitExceeded { limit, remaining },
            ..
        }) => (limit, remaining.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn a_day_ends_at_midnight(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let own = limits(None, Some("10"), Some(2));
    let since = stage.restrict(stage.ana.1, own).await;
    advance_to(&bank, midnight(&bank) - TimeDelta::seconds(1)).await;
    made(stage.pay("6").await);
    assert_eq!(
        left_for(&stage, "5").await,
        (LimitKind::PerDayAmount, "4.0000".to_owned())
    );
    made(stage.pay("4").await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    advance_to(&bank, midnight(&bank)).await;
    made(stage.pay("5").await);
    made(stage.pay("5").await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    assert_eq!((counted.amount, counted.transfers), (100_000, 2));
}

/// Each record is dated a microsecond after the one before, so a batch that begins before midnight may end after it.
async fn a_batch_over_midnight_is_counted_transfer_by_transfer(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let own = limits(None, None, Some(3));
    let since = stage.restrict(stage.ana.1, own).await;
    let next_day = midnight(&bank);
    advance_to(&bank, next_day - TimeDelta::microseconds(6)).await;
    let items = vec![new_transfer(stage.ana.1, stage.ben.1, "1"); 12];
    let answer = stage
        .ask_together("k", false, items)
        .await
        .expect("a batch has outcomes");
    let done: Vec<&ShownTransfer> = answer.items.iter().filter_map(|item| item.as_ref().ok()).collect();
    let before = done.iter().filter(|item| item.transfer.created_at < next_day).count();
    assert_eq!((before, done.len()), (3, 6), "{:?}", codes_of(&answer));
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    assert_eq!(counted.transfers, 3);
}

async fn a_release_after_midnight_gives_nothing_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let own = limits(None, Some("30"), Some(2));
    let since = stage.restrict(stage.ana.1, own).await;
    advance_to(&bank, midnight(&bank) - TimeDelta::seconds(30)).await;
    let expiring = made(submit(&stage.services, &stage.ana.0, held_for(&stage, 60, "20")).await);
    let voided = made(submit(&stage.services, &stage.ana.0, held_for(&stage, 7_200, "10")).await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    bank.advance(TimeDelta::seconds(90)).await;
    // The first has run out, and the worker `expiry` has not run.
    made(stage.pay("25").await);
    made(stage.void(&stage.ben.0, voided).await);
    assert_eq!(stage.get(expiring).await.status(), TransferStatus::Failed);
    assert_eq!(
        left_for(&stage, "6").await,
        (LimitKind::PerDayAmount, "5.0000".to_owned())
    );
    made(stage.pay("5").await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    assert_limits_held(&bank, stage.ana.1, own, since).await;
}

async fn an_expiry_gives_back_on_the_same_day(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let own = limits(None, Some("30"), Some(1));
    let since = stage.restrict(stage.ana.1, own).await;
    made(submit(&stage.services, &stage.ana.0, held_for(&stage, 60, "30")).await);
    assert_eq!(code(&stage.pay("1").await), "limit_exceeded");
    bank.advance(TimeDelta::seconds(61)).await;
    // The worker `expiry` has not run, and the amount and the number of the day are free again.
    made(stage.pay("30").await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    assert_eq!((counted.amount, counted.transfers), (300_000, 1));
}

async fn a_final_capture_gives_its_rest_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let own = limits(None, Some("30"), Some(3));
    let since = stage.restrict(stage.ana.1, own).await;
    let first = stage.hold("20").await;
    made(stage.capture(&stage.ben.0, first, Some("5"), false).await);
    assert_eq!(left_for(&stage, "11").await.1, "10.0000", "what is still held counts");
    made(stage.capture(&stage.ben.0, first, Some("3"), true).await);
    assert_eq!(
        left_for(&stage, "23").await.1,
        "22.0000",
        "only what was captured counts"
    );
    let second = stage.hold("10").await;
    made(stage.capture(&stage.ben.0, second, Some("1"), false).await);
    made(stage.void(&stage.ben.0, second).await);
    made(stage.pay("1").await);
    // Both holds count as transfers: something of each was captured.
    assert_eq!(left_for(&stage, "1").await.0, LimitKind::PerDayCount);
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    assert_eq!((counted.amount, counted.transfers), (100_000, 3));
}

async fn reversals_and_failures_neither_count_nor_give_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let own = limits(None, Some("30"), Some(2));
    let since = stage.restrict(stage.ana.1, own).await;
    let paid = made(stage.pay("20").await);
    made(stage.reverse(paid, None).await);
    assert_eq!(
        left_for(&stage, "11").await.1,
        "10.0000",
        "the reversal gives nothing back"
    );
    stage.freeze(stage.ben.1).await;
    assert_eq!(code(&stage.pay("10").await), "wallet_frozen");
    stage.unfreeze(stage.ben.1).await;
    // Ben pays ana, and an operator takes that back from her.
    bank.fund(stage.ben.1, "50", "visa").await;
    let bens = made(
        submit(
            &stage.services,
            &stage.ben.0,
            new_transfer(stage.ben.1, stage.ana.1, "50"),
        )
        .await,
    );
    made(stage.reverse(bens, None).await);
    made(stage.pay("10").await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    assert_eq!((counted.amount, counted.transfers), (300_000, 2));
}

async fn captures_and_money_that_comes_in_do_not_count(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    bank.advance(TimeDelta::minutes(1)).await;
    // The hold has counted already, and is above both limits that are set now.
    let own = limits(Some("5"), Some("40"), Some(2));
    let since = stage.restrict(stage.ana.1, own).await;
    made(stage.capture(&stage.ben.0, hold, None, true).await);
    bank.fund(stage.ana.1, "500", "visa").await;
    made(
        submit(
            &stage.services,
            &stage.ben.0,
            new_transfer(stage.ben.1, stage.ana.1, "30"),
        )
        .await,
    );
    made(stage.pay("5").await);
    assert_eq!(code(&stage.pay("1").await), "limit_exceeded");
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    assert_eq!((counted.amount, counted.transfers), (350_000, 2));
}

async fn the_holds_of_yesterday_do_not_count_today(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    advance_to(&bank, midnight(&bank) - TimeDelta::minutes(1)).await;
    let hold = stage.hold("20").await;
    bank.advance(TimeDelta::minutes(2)).await;
    made(stage.pay("10").await);
    made(stage.capture(&stage.ben.0, hold, Some("5"), true).await);
    // The limit is set for the first time, so the bank reads what has gone out today.
    let own = limits(None, Some("30"), Some(2));
    let since = stage.restrict(stage.ana.1, own).await;
    assert_eq!(
        left_for(&stage, "21").await,
        (LimitKind::PerDayAmount, "20.0000".to_owned())
    );
    made(stage.pay("20").await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    assert_eq!((counted.amount, counted.transfers), (300_000, 2));
}

async fn withdrawals_count_like_transfers(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let own = limits(Some("20"), Some("30"), None);
    let since = stage.restrict(stage.ana.1, own).await;
    let withdraw = async |actor, amount| crate::requests::withdraw(&stage.services, actor, stage.ana.1, amount).await;
    assert_eq!(
        code(&withdraw(&stage.operator, "20.0001").await),
        "limit_exceeded",
        "for operators too"
    );
    made(withdraw(&stage.ana.0, "20").await);
    assert_eq!(
        code(&stage.withdraw_later(&stage.ana.0, "10.0001").await),
        "limit_exceeded"
    );
    let held = made(stage.withdraw_later(&stage.ana.0, "10").await);
    assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
    made(stage.void(&stage.operator, held).await);
    assert_eq!(
        left_for(&stage, "10.0001").await,
        (LimitKind::PerDayAmount, "10.0000".to_owned())
    );
    assert_limits_held(&bank, stage.ana.1, own, since).await;
}
