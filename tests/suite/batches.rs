//! Batches of a known size: each command in a batch is decided on its own.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::db::FaultKind;
use service::ledger::{
    Action, Command, Destination, Failure, Idempotency, Opening, Outcome, Owner, SubmitError, WalletRefusal,
};
use service::values::{Currency, Digest, TransferStatus, UserId};
use uuid::Uuid;

use crate::own_committer::{Committer, ana_pays_ben, but, command, deposit, idempotency, sides, status};
use crate::requests::{MOST, quiet_customer};

on_every_backend!(
    a_full_method_refuses_alone_and_not_its_batch,
    a_poisoned_command_fails_alone_and_not_its_batch,
    a_poisoned_command_does_not_use_its_key_up,
    an_opening_for_a_user_who_is_gone_is_refused_alone,
    many_openings_for_users_who_are_gone_share_several_batches,
    money_moves_round_in_one_batch,
    a_key_twice_in_one_batch_moves_money_once,
);

async fn a_full_method_refuses_alone_and_not_its_batch(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let (_, full) = quiet_customer(&bank, "full").await;
    bank.fund(full, MOST, "full").await;
    let [source, destination] = sides(&pay);
    let full_method = deposit(&bank, "full", destination, "0.0001").await;
    let method = deposit(&bank, "visa", destination, "0.0001").await;
    let into_full = but(&pay, |movement| movement.destination = Destination::Wallet(full));
    let batch = vec![full_method.clone(), method, into_full, pay.clone(), full_method];
    let outcomes = committer.commit(&bank, batch).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        let Ok(Outcome::Recorded {
            transfer,
            replayed: false,
        }) = outcome
        else {
            panic!("{outcome:?}")
        };
        let expected = if index % 2 == 0 {
            Some(Failure::BalanceOutOfRange)
        } else {
            None
        };
        assert_eq!(transfer.failure, expected, "number {index}");
    }
    assert_eq!(
        bank.balances(&[source, destination, full]).await,
        ["9.9999", "0.0002", MOST]
    );
}

async fn a_poisoned_command_fails_alone_and_not_its_batch(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    bank.refuse_described_as("poison").await;
    let mut batch = vec![pay.clone(); 16];
    for index in [0, 5, 15] {
        batch[index] = but(&pay, |movement| movement.texts.description = Some("poison".to_owned()));
    }
    let rows = bank.row_counts().await;
    let before = committer.metrics();
    let outcomes = committer.commit(&bank, batch).await;
    assert!(committer.metrics().splits > before.splits, "they were in one batch");
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(SubmitError::Fault(fault)) => {
                assert!([0, 5, 15].contains(&index), "number {index}: {fault:?}");
                assert_eq!(fault.kind, FaultKind::Constraint);
            }
            other => {
                assert!(![0, 5, 15].contains(&index), "number {index} was poisoned: {other:?}");
                assert_eq!(status(other), Some(TransferStatus::Completed));
            }
        }
    }
    // The thirteen, and the one that kept the committer busy.
    assert_eq!(bank.row_counts().await, (rows.0 + 14, rows.1 + 28));
    assert_eq!(bank.balances(&sides(&pay)).await, ["9.9987", "0.0013"]);
}

async fn a_poisoned_command_does_not_use_its_key_up(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    bank.refuse_described_as("poison").await;
    let poisoned = Command {
        idempotency: idempotency(1),
        ..but(&pay, |movement| movement.texts.description = Some("poison".to_owned()))
    };
    let outcomes = committer.commit(&bank, vec![poisoned.clone(), poisoned.clone()]).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(SubmitError::Fault(_)))),
        "{outcomes:?}"
    );
    assert_eq!(bank.balances(&sides(&pay)[1..]).await, ["0.0000"]);
    bank.refuse_none_described_as("poison").await;
    let outcomes = committer.commit(&bank, vec![poisoned]).await;
    assert!(
        matches!(outcomes[..], [Ok(Outcome::Recorded { replayed: false, .. })]),
        "{outcomes:?}"
    );
    assert_eq!(bank.balances(&sides(&pay)[1..]).await, ["0.0001"]);
}

async fn an_opening_for_a_user_who_is_gone_is_refused_alone(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let mut batch = vec![pay.clone(); 16];
    batch.insert(5, opening(&pay, UserId(Uuid::from_u128(1))));
    batch.push(opening(&pay, pay.actor.user));
    let before = committer.metrics();
    let outcomes = committer.commit(&bank, batch).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        match index {
            5 => assert_eq!(
                outcome.as_ref().ok(),
                Some(&Outcome::WalletRefused(WalletRefusal::NoOwner)),
                "{outcome:?}"
            ),
            17 => assert!(matches!(outcome, Ok(Outcome::Wallet(_))), "{outcome:?}"),
            _ => assert_eq!(status(outcome), Some(TransferStatus::Completed), "number {index}"),
        }
    }
    // The payments are split from the openings, and the openings from each other.
    assert_eq!(committer.metrics().splits, before.splits + 2);
    assert_eq!(bank.balances(&sides(&pay)).await, ["9.9984", "0.0016"]);
}

fn opening(pay: &Command, user: UserId) -> Command {
    Command {
        action: Action::Open(Opening {
            owner: Owner::Customer(user),
            currency: Currency::from_code("EUR").expect("EUR is a currency"),
        }),
        ..pay.clone()
    }
}

/// To refuse each of them alone would cost two turns, while all other callers wait.
async fn many_openings_for_users_who_are_gone_share_several_batches(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let gone = (1..=40).map(|user| opening(&pay, UserId(Uuid::from_u128(user))));
    let before = committer.metrics();
    let outcomes = committer.commit(&bank, gone.collect()).await;
    for outcome in &outcomes {
        assert_eq!(
            outcome.as_ref().ok(),
            Some(&Outcome::WalletRefused(WalletRefusal::NoOwner)),
            "{outcome:?}"
        );
    }
    assert!(
        committer.metrics().set_aside > before.set_aside,
        "some wait for a later batch"
    );
}

async fn money_moves_round_in_one_batch(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let (ana, anas) = quiet_customer(&bank, "ana").await;
    let (ben, bens) = quiet_customer(&bank, "ben").await;
    bank.fund(anas, "5", "visa").await;
    let there = command(&ana, anas, bens, "5");
    let back = command(&ben, bens, anas, "5");
    // Each one can pay only with the money that has just come in.
    let outcomes = committer
        .commit(&bank, vec![back.clone(), there.clone(), back, there.clone(), there])
        .await;
    let statuses: Vec<_> = outcomes.iter().map(status).collect();
    let (done, failed) = (Some(TransferStatus::Completed), Some(TransferStatus::Failed));
    assert_eq!(statuses, [failed, done, done, done, failed]);
    assert_eq!(bank.balances(&[anas, bens]).await, ["0.0000", "5.0000"]);
}

async fn a_key_twice_in_one_batch_moves_money_once(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let once = Command {
        idempotency: idempotency(1),
        ..pay.clone()
    };
    let mut other = once.clone();
    other.idempotency = Some(Idempotency {
        key: Digest([1; 16]),
        request: Digest([2; 16]),
    });
    let outcomes = committer
        .commit(&bank, vec![once.clone(), other, once, pay.clone()])
        .await;
    let [
        Ok(Outcome::Recorded {
            transfer: first,
            replayed: false,
        }),
        Ok(Outcome::KeyReused),
        again,
        Ok(_),
    ] = &outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        again.as_ref().ok(),
        Some(&Outcome::Recorded {
            transfer: first.clone(),
            replayed: true
        })
    );
    assert_eq!(bank.balances(&sides(&pay)[1..]).await, ["0.0002"]);
}
