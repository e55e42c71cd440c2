//! Holds whose time runs out: exact when they are read and when something is decided, whether or not a sweeper was there.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::transfers::{Refusal, TransferError};
use service::values::{TransferKind, TransferStatus};
use service::wallets::Expected;

use super::{LifeStage, code};

on_every_backend!(
    a_hold_is_captured_until_its_last_microsecond,
    an_expired_hold_is_shown_as_such_before_any_sweeper_came,
    money_that_is_free_again_is_spent_before_any_sweeper_came,
    a_wallet_is_closed_before_any_sweeper_came,
    the_sweeper_releases_each_hold_once,
    more_holds_than_one_batch_releases_expire_at_once,
);

/// Every hold of an hour has run out by then: the bank dates each record a microsecond after the one before.
const LATER: TimeDelta = TimeDelta::seconds(3_601);
const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

async fn a_hold_is_captured_until_its_last_microsecond(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let [first, second] = [stage.hold("10").await, stage.hold("10").await];
    let ends = |shown: service::transfers::ShownTransfer| shown.hold.expect("it is a hold").expires_at;
    let (first_ends, second_ends) = (ends(stage.get(first).await), ends(stage.get(second).await));
    bank.advance(first_ends - MICROSECOND - service::clock::Clock::now(&*bank.clock))
        .await;
    stage
        .capture(&stage.ben.0, first, Some("1"), false)
        .await
        .expect("a microsecond is left");
    bank.advance(second_ends - service::clock::Clock::now(&*bank.clock))
        .await;
    let late = stage.capture(&stage.ben.0, second, None, true).await;
    assert!(
        matches!(
            late,
            Err(TransferError::Refused(Refusal::HoldClosed { has_expired: true }))
        ),
        "{late:?}"
    );
    assert_eq!(code(&stage.void(&stage.ben.0, second).await), "hold_closed");
}

async fn an_expired_hold_is_shown_as_such_before_any_sweeper_came(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    bank.advance(LATER).await;
    let shown = stage.get(hold).await;
    assert_eq!(
        (shown.status(), shown.failure_reason()),
        (TransferStatus::Failed, Some("expired"))
    );
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}

async fn money_that_is_free_again_is_spent_before_any_sweeper_came(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("100").await;
    assert_eq!(code(&stage.pay("100").await), "insufficient_funds");
    bank.advance(LATER).await;
    stage.pay("100").await.expect("the hold has run out");
    let shown = stage.get(hold).await;
    let ended_at = shown.hold.and_then(|hold| hold.end).map(|(_, at)| at);
    assert_eq!(ended_at, shown.transfer.expires_at, "it ended when its time ran out");
    assert_eq!(
        stage.services.transfers.expire_holds().await.expect("it can be read"),
        0
    );
}

async fn a_wallet_is_closed_before_any_sweeper_came(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.pay("70").await.expect("there is enough");
    stage.hold("30").await;
    bank.advance(LATER).await;
    let seen = stage
        .services
        .wallets
        .get(&stage.operator, stage.ana.1)
        .await
        .expect("it is there");
    stage.pay("30").await.expect("the hold has run out");
    let close = |expected| stage.services.wallets.close(&stage.operator, stage.ana.1, expected);
    assert!(
        close(Expected::OneOf(vec![seen.tag().to_string()])).await.is_err(),
        "it has changed since"
    );
    let seen = stage
        .services
        .wallets
        .get(&stage.operator, stage.ana.1)
        .await
        .expect("it is there");
    close(Expected::OneOf(vec![seen.tag().to_string()]))
        .await
        .expect("it is as it was seen");
}

async fn the_sweeper_releases_each_hold_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let holds = [stage.hold("10").await, stage.hold("20").await];
    bank.advance(LATER).await;
    let (one, other) = tokio::join!(
        stage.services.transfers.expire_holds(),
        replica.transfers.expire_holds()
    );
    assert!(one.expect("it can sweep") + other.expect("it can sweep") >= 1);
    for hold in holds {
        let filter = service::transfers::TransferFilter {
            parent: Some(hold),
            ..Default::default()
        };
        let request = service::page::PageRequest { limit: 10, after: None };
        let page = stage
            .services
            .transfers
            .list(&stage.operator, filter, request)
            .await
            .expect("it can be listed");
        let kinds: Vec<TransferKind> = page.items.iter().map(|shown| shown.transfer.kind).collect();
        assert_eq!(kinds, [TransferKind::Release]);
        assert_eq!(page.items[0].transfer.created_by, None, "nobody asked for it");
    }
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}

async fn more_holds_than_one_batch_releases_expire_at_once(bank: Arc<TestBank>) {
    const HOLDS: usize = 2_300;
    let stage = LifeStage::set(&bank).await;
    for _ in 0..HOLDS.div_ceil(500) {
        let batch = service::transfers::NewBatch {
            is_atomic: false,
            transfers: vec![stage.new_hold("0.01"); 500],
        };
        let made = stage
            .services
            .transfers
            .batch(service::transfers::Asking::by(&stage.ana.0), batch)
            .await;
        assert!(made.expect("there is enough").items.iter().all(Result::is_ok));
    }
    assert_eq!(stage.amounts(stage.ana.1).await[1], "25.0000");
    bank.advance(LATER).await;
    stage.pay("100").await.expect("all have run out");
    assert_eq!(stage.amounts(stage.ana.1).await, ["0.0000", "0.0000", "0.0000"]);
}
