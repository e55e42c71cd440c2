//! A receipt of every kind of transfer, and of a refused one, says what is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::journal::PublicTransfer;
use service::ledger::Transfer;
use service::transfers::{TransferError, TransferFilter};
use service::values::{TransferKind, TransferStatus};
use service::wallets::WalletLimits;

use super::proved;
use crate::life::LifeStage;
use crate::requests::{money, withdraw};

on_every_backend!(
    every_kind_of_transfer_has_a_receipt,
    a_hold_is_shown_as_it_began,
    what_ends_a_hold_says_so,
    a_refusal_has_a_receipt_with_its_reason,
);

/// What the receipt must say of a stored transfer.
fn said_of(stored: &Transfer) -> PublicTransfer {
    PublicTransfer {
        id: stored.id,
        created_at: stored.created_at,
        kind: stored.kind,
        status: stored.status,
        source: stored.source,
        destination: stored.destination,
        amount: stored.amount,
        currency: stored.currency,
        method: stored.method.clone(),
        reason: stored.failure.map(|failure| failure.stored().to_owned()),
        parent: stored.parent,
        batch: stored.batch,
        created_by: stored.created_by,
        expires_at: stored.expires_at,
        released: stored.released,
        texts: stored.texts.map(|texts| texts.digest),
    }
}

async fn every_kind_of_transfer_has_a_receipt(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let paid = stage.pay("5").await.expect("there is enough").transfer.transfer.id;
    stage.reverse(paid, Some("1")).await.expect("ben has it");
    let out = withdraw(&stage.services, &stage.ana.0, stage.ana.1, "2").await;
    out.expect("there is enough");
    let hold = stage.hold("30").await;
    for (amount, is_final) in [("10", false), ("5", true)] {
        let captured = stage.capture(&stage.ben.0, hold, Some(amount), is_final).await;
        captured.expect("it is open");
    }
    let voided = stage.hold("3").await;
    stage.void(&stage.ben.0, voided).await.expect("it is open");
    stage.hold("4").await;
    bank.advance(TimeDelta::seconds(3_601)).await;
    let expired = stage.services.transfers.expire_holds().await;
    assert_eq!(expired.expect("it can sweep"), 1);
    stage.pay("1000").await.expect_err("ana has less");
    let (mut kinds, mut statuses) = (BTreeSet::new(), BTreeSet::new());
    for shown in stage.found(TransferFilter::default()).await {
        let stored = &shown.transfer;
        let receipt = proved(&stage.services, &stage.operator, stored.id).await;
        assert_eq!(receipt.transfer, said_of(stored));
        kinds.insert(stored.kind.as_str());
        statuses.insert(stored.status.as_str());
    }
    assert_eq!(kinds.len(), TransferKind::ALL.len(), "{kinds:?}");
    assert_eq!(statuses.len(), TransferStatus::ALL.len(), "{statuses:?}");
}

async fn a_hold_is_shown_as_it_began(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let before = proved(&stage.services, &stage.ana.0, hold).await;
    assert_eq!(before.transfer.status, TransferStatus::Pending);
    stage
        .capture(&stage.ben.0, hold, Some("12"), true)
        .await
        .expect("it is open");
    assert_eq!(stage.get(hold).await.status(), TransferStatus::Completed);
    assert_eq!(proved(&stage.services, &stage.ben.0, hold).await, before);
}

async fn what_ends_a_hold_says_so(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let captured = stage.hold("30").await;
    stage
        .capture(&stage.ben.0, captured, Some("12"), true)
        .await
        .expect("it is open");
    let voided = stage.hold("5").await;
    stage.void(&stage.ben.0, voided).await.expect("it is open");
    for (hold, kind, amount, released) in [
        (captured, TransferKind::Capture, "12.0000", "18.0000"),
        (voided, TransferKind::Release, "5.0000", "5.0000"),
    ] {
        let children = stage.children(hold).await;
        assert_eq!(children.len(), 1, "{children:?}");
        let transfer = proved(&stage.services, &stage.ana.0, children[0].transfer.id)
            .await
            .transfer;
        let back = transfer.released.map(|released| released.to_string());
        assert_eq!((transfer.kind, transfer.parent), (kind, Some(hold)));
        assert_eq!(
            (transfer.amount.to_string().as_str(), back.as_deref()),
            (amount, Some(released))
        );
    }
}

async fn a_refusal_has_a_receipt_with_its_reason(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let limits = WalletLimits {
        per_transfer: Some(money("50")),
        ..WalletLimits::default()
    };
    let poor = stage.pay("1000").await;
    stage.restrict(stage.ana.1, limits).await;
    let limited = stage.pay("60").await;
    for (answer, reason) in [(poor, "insufficient_funds"), (limited, "limit_exceeded/per_transfer")] {
        let Err(TransferError::Failed {
            transfer: Some(refused),
            ..
        }) = answer
        else {
            panic!("no recorded refusal: {answer:?}")
        };
        let transfer = proved(&stage.services, &stage.ana.0, refused).await.transfer;
        assert_eq!(transfer.status, TransferStatus::Failed);
        assert_eq!(transfer.reason.as_deref(), Some(reason));
    }
}
