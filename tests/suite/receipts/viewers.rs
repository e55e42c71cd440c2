//! Who gets a receipt: the callers who may look at the transfer, and no others.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::actor::Actor;
use service::receipts::ReceiptError;
use service::transfers::TransferError;
use service::values::TransferId;
use uuid::Uuid;

use super::proved;
use crate::life::LifeStage;
use crate::requests::quiet_customer;

on_every_backend!(
    both_sides_and_staff_get_a_receipt,
    another_customer_gets_none,
    a_refusal_is_for_the_one_who_asked,
);

/// Fails unless the actor gets neither the transfer nor its receipt.
async fn sees_nothing(stage: &LifeStage, actor: &Actor, id: TransferId) {
    let receipt = stage.services.receipts.receipt(actor, id).await;
    assert!(matches!(receipt, Err(ReceiptError::NotFound)), "{receipt:?}");
    let transfer = stage.services.transfers.get(actor, id).await;
    assert!(matches!(transfer, Err(TransferError::NotFound)), "{transfer:?}");
}

async fn both_sides_and_staff_get_a_receipt(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let anas = proved(&stage.services, &stage.ana.0, paid).await;
    assert_eq!(proved(&stage.services, &stage.ben.0, paid).await, anas);
    assert_eq!(proved(&stage.services, &stage.operator, paid).await, anas);
}

async fn another_customer_gets_none(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let (eve, _) = quiet_customer(&bank, "eve").await;
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let hold = stage.hold("1").await;
    for id in [paid, hold, TransferId(Uuid::from_u128(1))] {
        sees_nothing(&stage, &eve, id).await;
    }
    sees_nothing(&stage, &stage.operator, TransferId(Uuid::from_u128(1))).await;
}

async fn a_refusal_is_for_the_one_who_asked(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let refused = stage.pay("1000").await;
    let Err(TransferError::Failed { transfer: Some(id), .. }) = refused else {
        panic!("no recorded refusal: {refused:?}")
    };
    sees_nothing(&stage, &stage.ben.0, id).await;
    proved(&stage.services, &stage.ana.0, id).await;
    proved(&stage.services, &stage.operator, id).await;
}
