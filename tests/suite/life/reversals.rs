//! Reversals: full, in part, never above the original.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::transfers::{Refusal, TransferError};
use service::values::{TransferKind, TransferStatus};

use super::{LifeStage, code};

on_every_backend!(
    a_reversal_takes_money_back,
    reversals_in_part_never_exceed_the_original,
    deposits_withdrawals_and_captures_are_reversed,
    a_wallet_that_cannot_pay_back_refuses_and_that_is_recorded,
    only_what_moved_money_is_reversed,
);

async fn a_reversal_takes_money_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    let reversal = stage.reverse(paid, None).await.expect("ben has it");
    let reversal = &reversal.transfer.transfer;
    assert_eq!((reversal.kind, reversal.parent), (TransferKind::Reversal, Some(paid)));
    assert_eq!((reversal.source, reversal.destination), (stage.ben.1, stage.ana.1));
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["100.0000", "0.0000"]);
    assert_eq!(stage.get(paid).await.reversed.to_string(), "40.0000");
    assert_eq!(code(&stage.reverse(paid, None).await), "amount_exceeds_original");
    assert_eq!(code(&stage.reverse(reversal.id, None).await), "not_reversible");
}

async fn reversals_in_part_never_exceed_the_original(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    stage.reverse(paid, Some("15")).await.expect("ben has it");
    stage.reverse(paid, Some("15")).await.expect("ben has it");
    let refused = stage.reverse(paid, Some("10.0001")).await;
    assert!(
        matches!(
            &refused,
            Err(TransferError::Refused(Refusal::AmountExceedsOriginal { remaining })) if remaining.to_string() == "10.0000"
        ),
        "{refused:?}"
    );
    let rest = stage.reverse(paid, None).await.expect("the rest");
    assert_eq!(rest.transfer.transfer.amount.to_string(), "10.0000");
}

async fn deposits_withdrawals_and_captures_are_reversed(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    let withdrawal = crate::requests::withdraw(&stage.services, &stage.ana.0, stage.ana.1, "5").await;
    let withdrawal = withdrawal.expect("there is enough").transfer.transfer.id;
    stage.reverse(withdrawal, None).await.expect("the bank pays back");
    let hold = stage.hold("30").await;
    let capture = stage.capture(&stage.ben.0, hold, None, true).await.expect("it is open");
    stage
        .reverse(capture.transfer.transfer.id, Some("1"))
        .await
        .expect("ben has it");
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["71.0000", "29.0000"]);
}

async fn a_wallet_that_cannot_pay_back_refuses_and_that_is_recorded(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("40").await.expect("there is enough").transfer.transfer.id;
    crate::requests::submit(
        &stage.services,
        &stage.ben.0,
        crate::requests::new_transfer(stage.ben.1, stage.ana.1, "30"),
    )
    .await
    .expect("ben has it");
    let refused = stage.reverse(paid, None).await;
    assert_eq!(code(&refused), "insufficient_funds");
    let Err(TransferError::Failed {
        transfer: Some(failed), ..
    }) = refused
    else {
        panic!("it is recorded");
    };
    let failed = stage.get(failed).await;
    assert_eq!(
        (failed.transfer.parent, failed.status()),
        (Some(paid), TransferStatus::Failed)
    );
    assert_eq!(stage.get(paid).await.reversed.to_string(), "0.0000");
}

async fn only_what_moved_money_is_reversed(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    assert_eq!(code(&stage.reverse(hold, None).await), "not_reversible");
    let release = stage
        .void(&stage.ben.0, hold)
        .await
        .expect("it is open")
        .transfer
        .transfer
        .id;
    assert_eq!(code(&stage.reverse(release, None).await), "not_reversible");
    let refused = super::reverse(&stage.services, &stage.ana.0, hold, None).await;
    assert_eq!(code(&refused), "transfer_not_found", "an operator's command");
}
