//! Batches under a key: asked for again, asked for at once through two replicas, and a thousand transfers long.

use std::collections::BTreeSet;
use std::sync::Arc;

use harness::{TestBank, all_at_once, on_every_backend};
use service::Services;
use service::identity::Actor;
use service::transfers::{Asking, BATCH_MAX, BatchAnswer, NewBatch, NewTransfer, TransferError};
use service::values::{RecordId, TransferId};

use super::LifeStage;
use super::acts::{code_of, codes_of, count_transfers, journal_of, made};
use crate::requests::{key, new_transfer};

on_every_backend!(
    another_replica_gives_the_same_outcomes,
    outcomes_are_told_as_they_were_decided,
    a_refused_batch_is_refused_again_when_it_could_be_made,
    a_batch_that_records_nothing_uses_no_key_up,
    a_batch_that_is_asked_for_twice_at_once_is_made_once,
    other_transfers_are_another_batch,
    a_thousand_outcomes_are_one_commit_and_are_told_again,
    batches_are_not_divided_between_commits,
);

type Told = Result<BatchAnswer, TransferError>;

async fn together(services: &Services, actor: &Actor, name: &str, new: NewBatch) -> Told {
    let asking = Asking::by(actor).with_key(key(name));
    services.transfers.batch(asking, new).await
}

/// Fails unless both are the outcomes of one batch.
#[track_caller]
fn assert_same(first: &BatchAnswer, again: &BatchAnswer) {
    assert!(again.replayed);
    assert_eq!((again.id, again.items.len()), (first.id, first.items.len()));
    for (item, as_before) in again.items.iter().zip(&first.items) {
        match (item, as_before) {
            (Ok(item), Ok(before)) => assert_eq!(item, before),
            (Err(item), Err(before)) => assert_eq!(refusal(item), refusal(before)),
            other => panic!("{other:?}"),
        }
    }
}

/// A refusal with all that it tells.
fn refusal(error: &TransferError) -> (String, Option<TransferId>) {
    match error {
        TransferError::Refused(refusal) => (format!("{refusal:?}"), None),
        TransferError::Failed { failure, transfer, .. } => (format!("{failure:?}"), *transfer),
        other => panic!("{other:?}"),
    }
}

/// The place and the refusal of an atomic batch, and whether it is told again.
#[track_caller]
fn refused(answer: &Told) -> (usize, String, Option<TransferId>, bool) {
    let Err(TransferError::BatchRefused {
        index, error, replayed, ..
    }) = answer
    else {
        panic!("{answer:?}");
    };
    let (text, id) = refusal(error);
    (*index, text, id, *replayed)
}

impl LifeStage {
    /// A batch with every kind of outcome: moved, held, refused with a record and without.
    fn mixed(&self) -> NewBatch {
        let transfers = vec![
            new_transfer(self.ana.1, self.ana.1, "1"),
            NewTransfer {
                description: Some("rent".to_owned()),
                ..new_transfer(self.ana.1, self.ben.1, "10")
            },
            new_transfer(self.ana.1, self.ben.1, "1000"),
            self.new_hold("5"),
            new_transfer(self.ben.1, self.ana.1, "1"),
            NewTransfer::new(self.ana.1, self.ben.1, None),
        ];
        NewBatch {
            is_atomic: false,
            transfers,
        }
    }
}

const MIXED: [&str; 6] = [
    "same_wallet",
    "done",
    "insufficient_funds",
    "done",
    "wallet_not_found",
    "invalid_amount",
];

async fn another_replica_gives_the_same_outcomes(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let first = together(&stage.services, &stage.ana.0, "k", stage.mixed()).await;
    let first = first.expect("a batch has outcomes");
    assert_eq!(codes_of(&first), MIXED);
    assert!(!first.replayed);
    let stored = count_transfers(&bank).await;
    for services in [&replica, &stage.services, &replica] {
        let again = together(services, &stage.ana.0, "k", stage.mixed()).await;
        assert_same(&first, &again.expect("it is the same request"));
    }
    assert_eq!(count_transfers(&bank).await, stored);
    assert_eq!(stage.amounts(stage.ana.1).await, ["90.0000", "5.0000", "85.0000"]);
}

async fn outcomes_are_told_as_they_were_decided(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let first = together(&stage.services, &stage.ana.0, "k", stage.mixed()).await;
    let first = first.expect("a batch has outcomes");
    let ids: Vec<TransferId> = first.items.iter().flatten().map(|item| item.transfer.id).collect();
    made(stage.reverse(ids[0], None).await);
    made(stage.void(&stage.ben.0, ids[1]).await);
    stage.freeze(stage.ana.1).await;
    let again = together(&stage.services, &stage.ana.0, "k", stage.mixed()).await;
    assert_same(&first, &again.expect("it is the same request"));
}

async fn a_refused_batch_is_refused_again_when_it_could_be_made(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let new = || NewBatch {
        is_atomic: true,
        transfers: vec![
            new_transfer(stage.ana.1, stage.ben.1, "60"),
            new_transfer(stage.ana.1, stage.ben.1, "60"),
        ],
    };
    let first = together(&stage.services, &stage.ana.0, "k", new()).await;
    let (index, text, id, replayed) = refused(&first);
    assert_eq!((index, replayed), (1, false));
    assert!(text.contains("40.0000"), "what was available after the first: {text}");
    bank.fund(stage.ana.1, "1000", "visa").await;
    for services in [&replica, &stage.services] {
        let again = together(services, &stage.ana.0, "k", new()).await;
        assert_eq!(refused(&again), (index, text.clone(), id, true));
    }
    let made = together(&replica, &stage.ana.0, "another", new()).await;
    assert_eq!(codes_of(&made.expect("there is enough by now")), ["done", "done"]);
    assert_eq!(bank.balances(&[stage.ben.1]).await, ["120.0000"]);
}

async fn a_batch_that_records_nothing_uses_no_key_up(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let one = |amount| new_transfer(stage.ana.1, stage.ben.1, amount);
    let same = || new_transfer(stage.ana.1, stage.ana.1, "1");
    let stored = count_transfers(&bank).await;
    let nothing = stage.ask_together("k", false, vec![same(), same()]).await;
    assert_eq!(codes_of(&nothing.expect("a batch has outcomes")), ["same_wallet"; 2]);
    let nothing = stage.ask_together("k", true, vec![one("1"), same()]).await;
    assert_eq!(code_of(&nothing.expect_err("it was refused")), "same_wallet");
    assert_eq!(count_transfers(&bank).await, stored);
    let answer = stage.ask_together("k", true, vec![one("1")]).await;
    assert!(!answer.expect("the key is free").replayed);
}

async fn a_batch_that_is_asked_for_twice_at_once_is_made_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let replicas = [&stage.services, &replica];
    for (run, is_atomic) in [true, false, true, false, true, false].into_iter().enumerate() {
        let name = format!("k{run}");
        let new = || NewBatch {
            is_atomic,
            transfers: vec![new_transfer(stage.ana.1, stage.ben.1, "0.1"); 20],
        };
        let calls = (0..6).map(|caller| together(replicas[caller % 2], &stage.ana.0, &name, new()));
        let answers = all_at_once(calls).await;
        let answers: Vec<BatchAnswer> = answers
            .into_iter()
            .map(|answer| answer.expect("there is enough"))
            .collect();
        let first: Vec<&BatchAnswer> = answers.iter().filter(|answer| !answer.replayed).collect();
        assert_eq!(first.len(), 1, "one was the first, the others are replays");
        for again in answers.iter().filter(|answer| answer.replayed) {
            assert_same(first[0], again);
        }
    }
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["88.0000", "12.0000"]);
}

async fn other_transfers_are_another_batch(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let one = |amount| new_transfer(stage.ana.1, stage.ben.1, amount);
    let made = stage.ask_together("k", true, vec![one("1"), one("2")]).await;
    made.expect("there is enough");
    let held = vec![stage.new_hold("1"), one("2")];
    for transfers in [
        vec![one("2"), one("1")],
        vec![one("1")],
        vec![one("1"), one("2"), one("3")],
        held,
    ] {
        let refused = stage.ask_together("k", true, transfers).await;
        assert!(matches!(refused, Err(TransferError::KeyReused)), "{refused:?}");
    }
    assert!(
        stage
            .ask_together("k", true, vec![one("1"), one("2")])
            .await
            .expect("the same")
            .replayed
    );
}

async fn a_thousand_outcomes_are_one_commit_and_are_told_again(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let new = || NewBatch {
        is_atomic: false,
        transfers: (0..BATCH_MAX)
            .map(|number| match number % 4 {
                0 => new_transfer(stage.ana.1, stage.ben.1, "1000"),
                1 => new_transfer(stage.ana.1, stage.ana.1, "1"),
                2 => stage.new_hold("0.01"),
                _ => new_transfer(stage.ana.1, stage.ben.1, "0.01"),
            })
            .collect(),
    };
    let before = journal_of(&bank).await.len();
    let first = together(&stage.services, &stage.ana.0, "k", new()).await;
    let first = first.expect("a batch has outcomes");
    let rows = journal_of(&bank).await;
    assert_eq!(rows.len(), before + 1, "on SQLite too");
    assert_eq!(rows.last().map(|row| row.transfers), Some(750));
    assert_eq!(
        codes_of(&first)[..4],
        ["insufficient_funds", "same_wallet", "done", "done"]
    );
    let again = together(&replica, &stage.ana.0, "k", new()).await;
    assert_same(&first, &again.expect("it is the same request"));
    assert_eq!(stage.amounts(stage.ana.1).await, ["97.5000", "2.5000", "95.0000"]);
}

async fn batches_are_not_divided_between_commits(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let replicas = [&stage.services, &replica];
    let calls = (0..12).map(|caller| {
        let new = NewBatch {
            is_atomic: caller % 2 == 0,
            transfers: vec![new_transfer(stage.ana.1, stage.ben.1, "0.001"); 150 + 50 * caller],
        };
        let ana = &stage.ana.0;
        async move { together(replicas[caller / 2 % 2], ana, &format!("k{caller}"), new).await }
    });
    let answers = all_at_once(calls).await;
    let rows = journal_of(&bank).await;
    for answer in answers {
        let answer = answer.expect("there is enough");
        assert!(answer.items.iter().all(Result::is_ok));
        let ids = answer
            .items
            .iter()
            .flatten()
            .map(|item| RecordId::from(item.transfer.id));
        // The row that counts an id is the first whose last id is not before it.
        let commits: BTreeSet<usize> = ids.map(|id| rows.partition_point(|row| row.last_id < id)).collect();
        assert_eq!(commits.len(), 1, "{} transfers", answer.items.len());
    }
    bank.assert_journal_is_sound().await;
}
