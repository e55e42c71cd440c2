//! Transfers of every kind, for receipts of every kind.

use std::sync::Arc;

use harness::TestBank;
use service::identity::Actor;
use service::transfers::{Asking, Metadata, NewTransfer, TransferFilter};
use service::values::TransferId;

use crate::life::LifeStage;
use crate::life::acts::{LATER, made, recorded};
use crate::requests::{key, new_transfer, withdraw};

const ROUNDS: u32 = 6;
/// Transfers of a batch: one commit, and so a tree that no power of two fills.
const BATCHED: usize = 11;

/// Makes transfers of every kind and status, alone and many in one commit, with texts and keys and without. Gives an
/// operator and the ids, the newest first.
pub async fn transfers_of_every_kind(bank: &Arc<TestBank>) -> (Actor, Vec<TransferId>) {
    let stage = LifeStage::set(bank).await;
    bank.open_method("wire", "USD").await;
    let expiring = stage.hold("6").await;
    bank.advance(LATER).await;
    let released = bank.services.transfers.expire_holds().await;
    assert_eq!(released.expect("the holds can be read"), 1, "{expiring} has run out");
    for round in 0..ROUNDS {
        bank.fund(stage.ana.1, "100", "visa").await;
        one_round(&stage, round).await;
    }
    let mut found = stage.found(TransferFilter::default()).await;
    found.reverse();
    let ids = found.iter().map(|shown| shown.transfer.id).collect();
    (stage.operator, ids)
}

async fn one_round(stage: &LifeStage, round: u32) {
    let (services, (ana, from), (ben, to)) = (&stage.services, &stage.ana, &stage.ben);
    let new = NewTransfer {
        description: Some(format!("lunch {round}")),
        metadata: Metadata::try_new(r#"{"order":"A-17"}"#),
        ..new_transfer(*from, *to, "3")
    };
    let asking = Asking::by(ana).with_key(key(&format!("lunch-{round}")));
    let paid = made(services.transfers.submit(asking, new).await);
    recorded(&stage.pay("100000").await);
    made(stage.reverse(paid, Some("1")).await);
    let hold = stage.hold("5").await;
    made(stage.capture(ben, hold, Some("2"), false).await);
    made(stage.capture(ben, hold, Some("1"), true).await);
    let voided = stage.hold("4").await;
    made(stage.void(ben, voided).await);
    made(withdraw(services, ana, *from, "2").await);
    let transfers = (1..=BATCHED).map(|item| {
        // The last one is refused.
        let amount = if item == BATCHED { "100000" } else { "0.5" };
        new_transfer(*from, *to, amount)
    });
    let batch = stage
        .ask_together(&format!("batch-{round}"), false, transfers.collect())
        .await;
    assert_eq!(batch.expect("a batch has outcomes").items.len(), BATCHED);
}
