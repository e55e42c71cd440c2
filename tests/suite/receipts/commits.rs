//! Receipts out of commits of one transfer, of hundreds, and of transfers with changes between them; by several replicas.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::ledger::{Action, Command, Opening, Outcome, Owner};
use service::transfers::{Asking, NewBatch, TransferFilter};
use service::values::{Currency, TransferId};

use super::proved;
use crate::life::LifeStage;
use crate::own_committer::{Committer, ana_pays_ben};
use crate::requests::{new_transfer, submit};

on_every_backend!(
    a_commit_of_one_has_no_path,
    every_transfer_of_a_large_commit_has_a_receipt,
    changes_have_their_places_in_the_tree,
    the_first_and_the_last_transfer_of_the_journal_have_receipts,
    receipts_of_many_commits_are_found,
    two_replicas_give_the_same_receipt,
);

/// Not a power of two: the tree is not even.
const LARGE: usize = 300;

async fn a_commit_of_one_has_no_path(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let receipt = proved(&stage.services, &stage.ana.0, paid).await;
    assert_eq!((receipt.path.len(), receipt.head.transfers), (0, 1));
    assert_eq!((receipt.commit.changes, receipt.commit.last_id), (0, paid.into()));
}

async fn every_transfer_of_a_large_commit_has_a_receipt(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let batch = NewBatch {
        is_atomic: true,
        transfers: vec![new_transfer(stage.ana.1, stage.ben.1, "0.01"); LARGE],
    };
    let made = stage.services.transfers.batch(Asking::by(&stage.ana.0), batch).await;
    let made = made.expect("there is enough").items;
    let ids: Vec<TransferId> = made.iter().flatten().map(|shown| shown.transfer.id).collect();
    assert_eq!(ids.len(), LARGE);
    let mut heads = Vec::new();
    for id in &ids {
        let receipt = proved(&stage.services, &stage.ben.0, *id).await;
        assert!((2..=9).contains(&receipt.path.len()), "{} steps", receipt.path.len());
        assert_eq!(receipt.commit.last_id, ids[LARGE - 1].into());
        heads.push(receipt.head);
    }
    assert_eq!(heads[0].transfers as usize, LARGE);
    assert!(heads.iter().all(|head| *head == heads[0]), "they are of one commit");
}

async fn changes_have_their_places_in_the_tree(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let opening = Command {
        action: Action::Open(Opening {
            owner: Owner::Customer(pay.actor.user),
            currency: Currency::from_code("EUR").expect("EUR is a currency"),
        }),
        ..pay.clone()
    };
    let mut commands = vec![pay.clone(); 21];
    commands[7] = opening;
    let outcomes = committer.commit(&bank, commands).await;
    let ids = outcomes.iter().filter_map(|outcome| match outcome {
        Ok(Outcome::Recorded { transfer, .. }) => Some(transfer.id),
        _ => None,
    });
    let ids: Vec<TransferId> = ids.collect();
    assert_eq!(ids.len(), 20, "{outcomes:?}");
    for id in ids {
        let receipt = proved(&bank.services, &pay.actor, id).await;
        // The committer's own first payment may be in the same commit.
        let (transfers, changes) = (receipt.head.transfers, receipt.commit.changes);
        assert!(
            matches!((transfers, changes), (20 | 21, 1)),
            "{transfers} and {changes}"
        );
    }
}

async fn the_first_and_the_last_transfer_of_the_journal_have_receipts(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    for amount in ["1", "2", "3"] {
        stage.pay(amount).await.expect("there is enough");
    }
    let all = stage.found(TransferFilter::default()).await;
    let [first, .., last] = &all[..] else { panic!("{all:?}") };
    let first = proved(&stage.services, &stage.operator, first.transfer.id).await;
    let last = proved(&stage.services, &stage.operator, last.transfer.id).await;
    assert!(first.head.number < last.head.number);
    let newest = stage.services.receipts.head().await.expect("the journal can be read");
    assert!(last.head.number <= newest.number);
}

/// The binary search comes to each row by another way.
async fn receipts_of_many_commits_are_found(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(stage.pay("0.01").await.expect("there is enough").transfer.transfer.id);
    }
    let mut last = None;
    for id in ids {
        let head = proved(&stage.services, &stage.ana.0, id).await.head;
        assert!(last < Some(head.number), "each has a commit of its own");
        last = Some(head.number);
    }
}

async fn two_replicas_give_the_same_receipt(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let here = stage.pay("1").await.expect("there is enough").transfer.transfer.id;
    let new = new_transfer(stage.ana.1, stage.ben.1, "2");
    let there = submit(&replica, &stage.ana.0, new).await;
    let there = there.expect("there is enough").transfer.transfer.id;
    for id in [here, there] {
        let one = proved(&stage.services, &stage.ben.0, id).await;
        assert_eq!(proved(&replica, &stage.ben.0, id).await, one);
    }
}
