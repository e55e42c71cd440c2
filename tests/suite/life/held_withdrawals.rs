//! Withdrawals that are held until the outside world has paid: an operator captures or voids them.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, on_every_backend};
use service::transfers::{HoldTerms, TransferError};
use service::values::{TransferKind, TransferStatus};

use super::acts::{MICROSECOND, advance_to, made};
use super::{LifeStage, code};

on_every_backend!(
    money_leaves_the_bank_when_a_held_withdrawal_is_captured,
    its_owner_sees_a_held_withdrawal_and_cannot_end_it,
    an_operator_voids_a_held_withdrawal,
    a_held_withdrawal_is_paid_out_in_part,
    a_held_withdrawal_expires_after_seven_days,
    a_captured_withdrawal_is_taken_back,
    an_operator_holds_a_withdrawal_for_a_customer,
);

async fn money_leaves_the_bank_when_a_held_withdrawal_is_captured(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let wire = bank.open_method("wire", "USD").await;
    let held = stage.withdraw_later(&stage.ana.0, "25").await.expect("there is enough");
    let held = held.transfer.transfer;
    assert_eq!((held.source, held.destination), (stage.ana.1, wire));
    assert_eq!((held.kind, held.status), (TransferKind::Hold, TransferStatus::Pending));
    assert_eq!(bank.balances(&[stage.ana.1, wire]).await, ["100.0000", "0.0000"]);
    made(stage.capture(&stage.operator, held.id, None, true).await);
    assert_eq!(bank.balances(&[stage.ana.1, wire]).await, ["75.0000", "25.0000"]);
}

async fn its_owner_sees_a_held_withdrawal_and_cannot_end_it(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let held = made(stage.withdraw_later(&stage.ana.0, "25").await);
    assert_eq!(code(&stage.capture(&stage.ana.0, held, None, true).await), "forbidden");
    assert_eq!(code(&stage.void(&stage.ana.0, held).await), "forbidden");
    assert_eq!(code(&stage.void(&stage.ben.0, held).await), "transfer_not_found");
    let seen = stage.services.transfers.get(&stage.ana.0, held).await;
    assert_eq!(seen.expect("it is ana's").status(), TransferStatus::Pending);
    let hidden = stage.services.transfers.get(&stage.ben.0, held).await;
    assert!(matches!(hidden, Err(TransferError::NotFound)), "{hidden:?}");
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "25.0000", "75.0000"]);
}

async fn an_operator_voids_a_held_withdrawal(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let held = made(stage.withdraw_later(&stage.ana.0, "25").await);
    let release = stage.void(&stage.operator, held).await.expect("it is open");
    let release = release.transfer.transfer;
    assert_eq!(release.created_by, Some(stage.operator.user));
    assert_eq!(release.released, Some(release.amount));
    assert_eq!(stage.get(held).await.failure_reason(), Some("voided"));
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}

async fn a_held_withdrawal_is_paid_out_in_part(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let wire = bank.open_method("wire", "USD").await;
    let held = made(stage.withdraw_later(&stage.ana.0, "25").await);
    made(stage.capture(&stage.operator, held, Some("10"), false).await);
    made(stage.capture(&stage.operator, held, Some("5"), true).await);
    assert_eq!(stage.amounts(stage.ana.1).await, ["85.0000", "0.0000", "85.0000"]);
    assert_eq!(bank.balances(&[wire]).await, ["15.0000"]);
    assert_eq!(stage.get(held).await.status(), TransferStatus::Completed);
}

async fn a_held_withdrawal_expires_after_seven_days(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let held = stage.withdraw_later(&stage.ana.0, "25").await.expect("there is enough");
    let held = held.transfer.transfer;
    let expiry = stage.expiry(held.id).await;
    assert_eq!(expiry - held.created_at, TimeDelta::days(7));
    assert_eq!(HoldTerms::DEFAULT.expires_in, TimeDelta::days(7));
    advance_to(&bank, expiry - MICROSECOND).await;
    assert_eq!(stage.get(held.id).await.status(), TransferStatus::Pending);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "25.0000", "75.0000"]);
    advance_to(&bank, expiry).await;
    assert_eq!(stage.get(held.id).await.failure_reason(), Some("expired"));
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    let late = stage.capture(&stage.operator, held.id, None, true).await;
    assert_eq!(code(&late), "hold_closed");
}

async fn a_captured_withdrawal_is_taken_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let wire = bank.open_method("wire", "USD").await;
    let held = made(stage.withdraw_later(&stage.ana.0, "25").await);
    let captured = made(stage.capture(&stage.operator, held, None, true).await);
    assert_eq!(code(&stage.reverse(held, None).await), "not_reversible");
    made(stage.reverse(captured, Some("5")).await);
    assert_eq!(bank.balances(&[stage.ana.1, wire]).await, ["80.0000", "20.0000"]);
    assert_eq!(stage.get(captured).await.reversed.to_string(), "5.0000");
}

async fn an_operator_holds_a_withdrawal_for_a_customer(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let held = stage.withdraw_later(&stage.operator, "25").await;
    let held = held
        .expect("an operator's first use opens the method")
        .transfer
        .transfer;
    assert_eq!(held.created_by, Some(stage.operator.user));
    assert_eq!(bank.system_wallet("wire").await, held.destination);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "25.0000", "75.0000"]);
    assert_eq!(code(&stage.withdraw_later(&stage.ben.0, "1").await), "wallet_not_found");
}
