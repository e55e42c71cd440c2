//! Transfers that one request asks for together.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::page::PageRequest;
use service::transfers::{Asking, BatchAnswer, NewBatch, NewTransfer, Refusal, TransferError, TransferFilter};
use service::values::TransferStatus;

use super::LifeStage;
use crate::requests::{key, new_transfer};

on_every_backend!(
    each_transfer_of_a_batch_has_its_own_outcome,
    an_atomic_batch_spends_no_more_than_there_is,
    an_atomic_batch_is_made_as_a_whole_or_not_at_all,
    an_atomic_batch_with_an_unrecorded_refusal_leaves_nothing_behind,
    a_repeated_batch_is_answered_as_it_was,
    a_thousand_transfers_are_one_commit,
    a_dry_run_writes_nothing,
);

impl LifeStage {
    fn own(&self, amount: &str) -> NewTransfer {
        new_transfer(self.ana.1, self.ben.1, amount)
    }

    async fn batch(&self, is_atomic: bool, transfers: Vec<NewTransfer>) -> Result<BatchAnswer, TransferError> {
        let new = NewBatch { is_atomic, transfers };
        self.services.transfers.batch(Asking::by(&self.ana.0), new).await
    }
}

fn codes(answer: &BatchAnswer) -> Vec<&'static str> {
    let code = |item: &Result<_, TransferError>| match item {
        Ok(_) => "done",
        Err(TransferError::Refused(refusal)) => refusal.code(),
        Err(TransferError::Failed { failure, .. }) => failure.code(),
        Err(other) => panic!("{other:?}"),
    };
    answer.items.iter().map(code).collect()
}

async fn each_transfer_of_a_batch_has_its_own_outcome(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let same = new_transfer(stage.ana.1, stage.ana.1, "1");
    let made = stage
        .batch(false, vec![stage.own("60"), stage.own("60"), same, stage.own("40")])
        .await;
    let made = made.expect("a batch has outcomes");
    assert_eq!(codes(&made), ["done", "insufficient_funds", "same_wallet", "done"]);
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["0.0000", "100.0000"]);
    let filter = TransferFilter {
        batch: Some(made.id),
        ..TransferFilter::default()
    };
    let page = stage
        .services
        .transfers
        .list(&stage.operator, filter, PageRequest { limit: 10, after: None });
    let listed: Vec<TransferStatus> = page
        .await
        .expect("it can be listed")
        .items
        .iter()
        .map(|one| one.status())
        .collect();
    assert_eq!(
        listed,
        [
            TransferStatus::Completed,
            TransferStatus::Failed,
            TransferStatus::Completed
        ]
    );
}

async fn an_atomic_batch_spends_no_more_than_there_is(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let other = crate::requests::quiet_customer(&bank, "cy").await;
    let refused = stage
        .batch(true, vec![stage.own("100"), new_transfer(stage.ana.1, other.1, "1")])
        .await;
    assert!(
        matches!(refused, Err(TransferError::BatchRefused { index: 1, .. })),
        "{refused:?}"
    );
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["100.0000", "0.0000"]);
    let made = stage
        .batch(true, vec![stage.own("99"), new_transfer(stage.ana.1, other.1, "1")])
        .await;
    assert_eq!(codes(&made.expect("there is enough")), ["done", "done"]);
}

async fn an_atomic_batch_is_made_as_a_whole_or_not_at_all(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let before = bank.row_counts().await;
    let refused = stage
        .batch(
            true,
            vec![stage.own("60"), stage.own("30"), stage.own("20"), stage.own("1")],
        )
        .await;
    let Err(TransferError::BatchRefused { index: 2, error, .. }) = refused else {
        panic!("{refused:?}");
    };
    let TransferError::Failed {
        transfer: Some(failed), ..
    } = *error
    else {
        panic!("{error:?}");
    };
    let failed = stage.get(failed).await;
    assert!(failed.transfer.batch.is_some() && failed.status() == TransferStatus::Failed);
    let available = failed.transfer.failure.and_then(|failure| failure.available());
    assert_eq!(available.map(|money| money.to_string()).as_deref(), Some("10.0000"));
    assert_eq!(
        bank.row_counts().await,
        (before.0 + 1, before.1),
        "only the refusal is recorded"
    );
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["100.0000", "0.0000"]);
    stage.pay("100").await.expect("nothing was taken");
}

async fn an_atomic_batch_with_an_unrecorded_refusal_leaves_nothing_behind(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let before = bank.row_counts().await;
    let same = new_transfer(stage.ana.1, stage.ana.1, "1");
    let refused = stage.batch(true, vec![stage.own("60"), same]).await;
    assert!(matches!(
        &refused,
        Err(TransferError::BatchRefused { index: 1, error, .. })
            if matches!(**error, TransferError::Refused(Refusal::SameWallet))
    ));
    assert_eq!(bank.row_counts().await, before);
}

async fn a_repeated_batch_is_answered_as_it_was(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let same = new_transfer(stage.ana.1, stage.ana.1, "1");
    for is_atomic in [false, true] {
        let name = format!("batch-{is_atomic}");
        let ask = async |amount: &str| {
            let new = NewBatch {
                is_atomic,
                transfers: vec![stage.own("1"), stage.own(amount), same.clone()],
            };
            stage
                .services
                .transfers
                .batch(Asking::by(&stage.ana.0).with_key(key(&name)), new)
                .await
        };
        if is_atomic {
            let new = || NewBatch {
                is_atomic,
                transfers: vec![stage.own("1"), stage.own("1000")],
            };
            let ask = || {
                stage
                    .services
                    .transfers
                    .batch(Asking::by(&stage.ana.0).with_key(key(&name)), new())
            };
            let (first, again) = (ask().await, ask().await);
            let failed = |answer: &Result<BatchAnswer, TransferError>| match answer {
                Err(TransferError::BatchRefused {
                    index: 1,
                    error,
                    replayed,
                    ..
                }) => match **error {
                    TransferError::Failed { transfer, .. } => (transfer, *replayed),
                    _ => panic!("{error:?}"),
                },
                other => panic!("{other:?}"),
            };
            assert_eq!(failed(&first).0, failed(&again).0);
            assert_eq!((failed(&first).1, failed(&again).1), (false, true));
        } else {
            let first = ask("1000").await.expect("a batch has outcomes");
            let again = ask("1000").await.expect("it is the same request");
            assert!(again.replayed && !first.replayed);
            assert_eq!((first.id, codes(&first)), (again.id, codes(&again)));
            let other = ask("2").await;
            assert!(matches!(other, Err(TransferError::KeyReused)), "{other:?}");
        }
    }
    assert_eq!(bank.balances(&[stage.ben.1]).await, ["1.0000"]);
}

async fn a_thousand_transfers_are_one_commit(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let before = bank.services.ops.metrics().batches;
    let made = stage
        .batch(true, vec![stage.own("0.1"); 1_000])
        .await
        .expect("there is enough");
    assert!(made.items.iter().all(Result::is_ok));
    assert_eq!(bank.services.ops.metrics().batches, before + 1);
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["0.0000", "100.0000"]);
}

async fn a_dry_run_writes_nothing(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("10").await;
    let before = bank.row_counts().await;
    let dry = |actor| Asking {
        is_dry_run: true,
        ..Asking::by(actor)
    };
    let transfers = &stage.services.transfers;
    let would = transfers
        .submit(dry(&stage.ana.0), stage.own("5"))
        .await
        .expect("it would be made");
    assert_eq!(would.transfer.status(), TransferStatus::Completed);
    let refused = transfers.submit(dry(&stage.ana.0), stage.own("500")).await;
    assert!(
        matches!(refused, Err(TransferError::Failed { transfer: None, .. })),
        "{refused:?}"
    );
    transfers
        .void(dry(&stage.ben.0), hold)
        .await
        .expect("it would be voided");
    let new = NewBatch {
        is_atomic: true,
        transfers: vec![stage.own("1"); 3],
    };
    assert_eq!(
        codes(&transfers.batch(dry(&stage.ana.0), new).await.expect("it would be made")),
        ["done"; 3]
    );
    let method = service::values::Method::try_new("never_used").expect("this is a method");
    let new = service::transfers::NewPayment::new(stage.ana.1, Some(crate::requests::money("1")), method);
    transfers
        .deposit(dry(&stage.operator), new)
        .await
        .expect("the method would be opened");
    assert_eq!(bank.row_counts().await, before);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "10.0000", "90.0000"]);
}
