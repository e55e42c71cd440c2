//! Holds: what is held, what captures and voids do with it, and who may ask for them.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::transfers::{Asking, TransferError};
use service::values::{TransferKind, TransferStatus};
use service::wallets::Expected;

use super::{LifeStage, code};
use crate::requests::key;

on_every_backend!(
    a_hold_moves_money_from_available_to_held,
    a_capture_moves_what_is_held,
    captures_in_part_leave_the_rest_held,
    a_final_capture_gives_the_rest_back,
    a_void_gives_everything_back,
    only_the_destinations_owner_or_an_operator_ends_a_hold,
    what_is_held_cannot_be_spent,
    more_than_a_hold_cannot_be_captured,
    a_frozen_wallet_refuses_captures_and_allows_voids,
    a_held_withdrawal_is_captured_by_an_operator,
    a_repeated_hold_and_capture_are_answered_as_they_were,
    a_wallet_with_held_money_is_not_closed,
);

async fn a_hold_moves_money_from_available_to_held(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "30.0000", "70.0000"]);
    assert_eq!(stage.amounts(stage.ben.1).await, ["0.0000", "0.0000", "0.0000"]);
    let shown = stage.get(hold).await;
    assert_eq!(
        (shown.transfer.kind, shown.status()),
        (TransferKind::Hold, TransferStatus::Pending)
    );
    assert_eq!(shown.hold.expect("it is a hold").remaining.to_string(), "30.0000");
    assert_eq!((shown.completed_at(), shown.failure_reason()), (None, None));
}

async fn a_capture_moves_what_is_held(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let capture = stage.capture(&stage.ben.0, hold, None, true).await.expect("it is open");
    let capture = &capture.transfer.transfer;
    assert_eq!((capture.kind, capture.parent), (TransferKind::Capture, Some(hold)));
    assert_eq!(
        (capture.amount.to_string(), capture.released),
        ("30.0000".to_owned(), None)
    );
    assert_eq!(stage.amounts(stage.ana.1).await, ["70.0000", "0.0000", "70.0000"]);
    assert_eq!(stage.amounts(stage.ben.1).await, ["30.0000", "0.0000", "30.0000"]);
    let shown = stage.get(hold).await;
    assert_eq!(
        (shown.status(), shown.completed_at()),
        (TransferStatus::Completed, Some(capture.created_at))
    );
    assert_eq!(
        code(&stage.capture(&stage.ben.0, hold, None, true).await),
        "hold_closed"
    );
}

async fn captures_in_part_leave_the_rest_held(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    for amount in ["10", "5"] {
        stage
            .capture(&stage.ben.0, hold, Some(amount), false)
            .await
            .expect("it is open");
    }
    assert_eq!(stage.amounts(stage.ana.1).await, ["85.0000", "15.0000", "70.0000"]);
    let shown = stage.get(hold).await;
    assert_eq!(shown.status(), TransferStatus::Pending);
    assert_eq!(
        shown.hold.map(|hold| hold.captured.to_string()).as_deref(),
        Some("15.0000")
    );
    stage
        .capture(&stage.ben.0, hold, Some("15"), false)
        .await
        .expect("it is open");
    assert_eq!(
        stage.get(hold).await.status(),
        TransferStatus::Completed,
        "nothing remains"
    );
}

async fn a_final_capture_gives_the_rest_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let capture = stage
        .capture(&stage.ben.0, hold, Some("12"), true)
        .await
        .expect("it is open");
    let released = capture.transfer.transfer.released.map(|released| released.to_string());
    assert_eq!(released.as_deref(), Some("18.0000"));
    assert_eq!(stage.amounts(stage.ana.1).await, ["88.0000", "0.0000", "88.0000"]);
    assert_eq!(code(&stage.void(&stage.ben.0, hold).await), "hold_closed");
}

async fn a_void_gives_everything_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let release = stage.void(&stage.ben.0, hold).await.expect("it is open");
    let release = &release.transfer.transfer;
    assert_eq!(
        (release.kind, release.status),
        (TransferKind::Release, TransferStatus::Completed)
    );
    assert_eq!(
        (release.parent, release.created_by),
        (Some(hold), Some(stage.ben.0.user))
    );
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
    let shown = stage.get(hold).await;
    assert_eq!(
        (shown.status(), shown.failure_reason()),
        (TransferStatus::Failed, Some("voided"))
    );
}

async fn only_the_destinations_owner_or_an_operator_ends_a_hold(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let eve = crate::requests::quiet_customer(&bank, "eve").await;
    let hold = stage.hold("30").await;
    assert_eq!(
        code(&stage.void(&stage.ana.0, hold).await),
        "forbidden",
        "who promised cannot take it back"
    );
    assert_eq!(code(&stage.capture(&stage.ana.0, hold, None, true).await), "forbidden");
    assert_eq!(code(&stage.void(&eve.0, hold).await), "transfer_not_found");
    assert_eq!(
        code(&stage.capture(&eve.0, hold, None, true).await),
        "transfer_not_found"
    );
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    assert_eq!(code(&stage.void(&stage.ben.0, paid).await), "not_a_hold");
    stage.void(&stage.operator, hold).await.expect("an operator may");
}

async fn what_is_held_cannot_be_spent(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.hold("60").await;
    assert_eq!(code(&stage.pay("40.0001").await), "insufficient_funds");
    stage.pay("40").await.expect("that much is available");
}

async fn more_than_a_hold_cannot_be_captured(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let before = bank.row_counts().await;
    let refused = stage.capture(&stage.ben.0, hold, Some("30.0001"), true).await;
    assert_eq!(code(&refused), "amount_exceeds_hold");
    assert!(matches!(
        refused,
        Err(TransferError::Refused(service::transfers::Refusal::AmountExceedsHold { remaining }))
            if remaining.to_string() == "30.0000"
    ));
    assert_eq!(bank.row_counts().await, before, "nothing is recorded");
}

async fn a_frozen_wallet_refuses_captures_and_allows_voids(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let wallets = &stage.services.wallets;
    wallets
        .freeze(&stage.operator, stage.ana.1, None, Expected::Anything)
        .await
        .expect("it can be frozen");
    let refused = stage.capture(&stage.ben.0, hold, None, true).await;
    assert_eq!(code(&refused), "wallet_frozen");
    let Err(TransferError::Failed {
        transfer: Some(failed), ..
    }) = refused
    else {
        panic!("it is recorded");
    };
    assert_eq!(stage.get(failed).await.transfer.parent, Some(hold));
    assert_eq!(stage.get(hold).await.status(), TransferStatus::Pending);
    stage
        .void(&stage.ben.0, hold)
        .await
        .expect("held money goes back to a frozen wallet");
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}

async fn a_held_withdrawal_is_captured_by_an_operator(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let held = stage.withdraw_later(&stage.ana.0, "25").await.expect("there is enough");
    let held = held.transfer.transfer;
    assert_eq!((held.kind, held.method.is_some()), (TransferKind::Hold, true));
    assert_eq!(
        code(&stage.capture(&stage.ana.0, held.id, None, true).await),
        "forbidden"
    );
    stage
        .capture(&stage.operator, held.id, None, true)
        .await
        .expect("it was paid out");
    assert_eq!(stage.amounts(stage.ana.1).await, ["75.0000", "0.0000", "75.0000"]);
}

async fn a_repeated_hold_and_capture_are_answered_as_they_were(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let transfers = &stage.services.transfers;
    let ask = || transfers.submit(Asking::by(&stage.ana.0).with_key(key("h")), stage.new_hold("30"));
    let hold = ask().await.expect("there is enough").transfer;
    let capture = || {
        let new = service::transfers::NewCapture {
            hold: hold.transfer.id,
            amount: service::transfers::AskedAmount::Rest,
            is_final: true,
        };
        transfers.capture(Asking::by(&stage.ben.0).with_key(key("c")), new)
    };
    let captured = capture().await.expect("it is open");
    let again = capture().await.expect("it is the same request");
    assert!(again.replayed && again.transfer == captured.transfer);
    let again = ask().await.expect("it is the same request");
    assert!(again.replayed);
    assert_eq!(again.transfer, hold, "as it was, though it is captured by now");
    let other = transfers
        .void(Asking::by(&stage.ben.0).with_key(key("c")), hold.transfer.id)
        .await;
    assert_eq!(code(&other), "idempotency_key_reused");
}

async fn a_wallet_with_held_money_is_not_closed(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("100").await;
    let close = || {
        stage
            .services
            .wallets
            .close(&stage.operator, stage.ana.1, Expected::Anything)
    };
    assert!(close().await.is_err());
    stage.capture(&stage.ben.0, hold, None, true).await.expect("it is open");
    close().await.expect("it is empty");
}
