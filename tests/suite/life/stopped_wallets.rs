//! Holds on wallets that are frozen or closed: never captured, and released all the same.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::values::{TransferKind, TransferStatus, WalletStatus};

use super::acts::{LATER, made, recorded};
use super::{LifeStage, code};
use crate::requests::submit;

on_every_backend!(
    a_frozen_source_refuses_captures_until_it_is_unfrozen,
    a_frozen_destination_refuses_captures_and_allows_voids,
    a_closed_destination_refuses_captures_and_allows_voids,
    a_hold_of_a_frozen_wallet_expires,
    a_hold_for_a_closed_wallet_expires,
    a_frozen_wallet_holds_no_more_money,
);

async fn a_frozen_source_refuses_captures_until_it_is_unfrozen(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    made(stage.capture(&stage.ben.0, hold, Some("10"), false).await);
    stage.freeze(stage.ana.1).await;
    for amount in [Some("1"), None] {
        let refused = stage.capture(&stage.operator, hold, amount, true).await;
        assert_eq!(code(&refused), "wallet_frozen", "for operators too");
        let record = stage.get(recorded(&refused)).await.transfer;
        assert_eq!((record.parent, record.status), (Some(hold), TransferStatus::Failed));
    }
    assert_eq!(stage.amounts(stage.ana.1).await, ["90.0000", "20.0000", "70.0000"]);
    stage.unfreeze(stage.ana.1).await;
    made(stage.capture(&stage.ben.0, hold, None, true).await);
    assert_eq!(stage.amounts(stage.ana.1).await, ["70.0000", "0.0000", "70.0000"]);
    let statuses: Vec<TransferStatus> = stage.children(hold).await.iter().map(|one| one.status()).collect();
    let (done, failed) = (TransferStatus::Completed, TransferStatus::Failed);
    assert_eq!(statuses, [done, failed, failed, done]);
}

async fn a_frozen_destination_refuses_captures_and_allows_voids(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    stage.freeze(stage.ben.1).await;
    let refused = stage.capture(&stage.ben.0, hold, None, true).await;
    assert_eq!(code(&refused), "wallet_frozen");
    assert_eq!(stage.get(recorded(&refused)).await.transfer.parent, Some(hold));
    made(stage.void(&stage.ben.0, hold).await);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}

async fn a_closed_destination_refuses_captures_and_allows_voids(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let [first, second] = [stage.hold("30").await, stage.hold("5").await];
    stage.close(stage.ben.1).await;
    for actor in [stage.ben.0.clone(), stage.operator.clone()] {
        let refused = stage.capture(&actor, first, None, true).await;
        assert_eq!(code(&refused), "wallet_closed");
        assert_eq!(stage.get(recorded(&refused)).await.transfer.parent, Some(first));
    }
    made(stage.void(&stage.ben.0, first).await);
    made(stage.void(&stage.operator, second).await);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    assert_eq!(stage.amounts(stage.ben.1).await, ["0.0000", "0.0000", "0.0000"]);
}

async fn a_hold_of_a_frozen_wallet_expires(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    stage.freeze(stage.ana.1).await;
    bank.advance(LATER).await;
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    let refused = stage.capture(&stage.ben.0, hold, None, true).await;
    assert_eq!(code(&refused), "hold_closed", "comes before the frozen wallet");
    let transfers = &stage.services.transfers;
    // The refused capture left nothing behind, or the release: either way one is there after a sweep.
    transfers.expire_holds().await.expect("it can sweep");
    let children = stage.children(hold).await;
    let kinds: Vec<TransferKind> = children.iter().map(|one| one.transfer.kind).collect();
    assert_eq!(kinds, [TransferKind::Release]);
    assert_eq!(children[0].transfer.created_by, None);
    assert_eq!(children[0].transfer.amount.to_string(), "30.0000");
    assert_eq!(transfers.expire_holds().await.expect("it can sweep"), 0);
    let wallet = stage.services.wallets.get(&stage.operator, stage.ana.1).await;
    assert_eq!(wallet.expect("it is there").status, WalletStatus::Frozen);
}

async fn a_hold_for_a_closed_wallet_expires(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    stage.close(stage.ben.1).await;
    bank.advance(LATER).await;
    assert_eq!(stage.services.transfers.expire_holds().await.expect("it can sweep"), 1);
    let shown = stage.get(hold).await;
    assert_eq!(
        (shown.status(), shown.failure_reason()),
        (TransferStatus::Failed, Some("expired"))
    );
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    assert_eq!(stage.amounts(stage.ben.1).await, ["0.0000", "0.0000", "0.0000"]);
}

async fn a_frozen_wallet_holds_no_more_money(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    for wallet in [stage.ana.1, stage.ben.1] {
        stage.freeze(wallet).await;
        let refused = submit(&stage.services, &stage.ana.0, stage.new_hold("1")).await;
        assert_eq!(code(&refused), "wallet_frozen");
        let record = stage.get(recorded(&refused)).await;
        assert_eq!(
            (record.transfer.kind, record.transfer.expires_at, record.hold),
            (TransferKind::Hold, None, None)
        );
        stage.unfreeze(wallet).await;
    }
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}
