//! Idempotency keys of everything that moves, holds or frees money: a repeated request gets the same answer, and a key
//! belongs to one operation.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::identity::Actor;
use service::transfers::{AskedAmount, Asking, HoldTerms, NewBatch, NewCapture, NewTransfer, TransferError};

use super::acts::{count_transfers, made, recorded};
use super::operations::{Operation, Targets};
use super::{LifeStage, code};
use crate::requests::{key, money, new_transfer};

on_every_backend!(
    everything_is_answered_again_as_it_was,
    a_key_belongs_to_one_operation,
    a_batch_and_its_transfers_do_not_share_a_key,
    a_recorded_refusal_of_a_capture_is_answered_again,
    an_unrecorded_refusal_uses_no_key_up,
    other_values_are_another_request,
);

const BY_ANA: [Operation; 4] = [
    Operation::Pay,
    Operation::Hold,
    Operation::Withdraw,
    Operation::WithdrawLater,
];
const BY_THE_OPERATOR: [Operation; 6] = [
    Operation::Deposit,
    Operation::Withdraw,
    Operation::WithdrawLater,
    Operation::Capture,
    Operation::Void,
    Operation::Reverse,
];

fn keyed(actor: &Actor, name: &str) -> Asking {
    Asking::by(actor).with_key(key(name))
}

async fn everything_is_answered_again_as_it_was(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    bank.open_method("wire", "USD").await;
    let targets = Targets::of(&stage).await;
    let mut all = Vec::new();
    for (actor, operations) in [(&stage.ana.0, &BY_ANA[..]), (&stage.operator, &BY_THE_OPERATOR[..])] {
        for operation in operations {
            let asking = keyed(actor, &format!("{operation:?}"));
            let first = stage.perform(&stage.services, asking, *operation, &targets).await;
            let first = first.expect("nothing is in its way");
            assert!(!first.replayed, "{operation:?}");
            all.push((actor, *operation, first.transfer));
        }
    }
    let stored = count_transfers(&bank).await;
    // By now some of it was captured, released or taken back, and the wallets have other balances.
    made(stage.void(&stage.ben.0, all[1].2.transfer.id).await);
    for services in [&stage.services, &replica] {
        for (actor, operation, first) in &all {
            let asking = keyed(actor, &format!("{operation:?}"));
            let again = stage.perform(services, asking, *operation, &targets).await;
            let again = again.expect("it is the same request");
            assert!(again.replayed, "{operation:?}");
            assert_eq!(&again.transfer, first, "{operation:?}");
        }
    }
    assert_eq!(count_transfers(&bank).await, stored + 1, "only the void came after");
}

async fn a_key_belongs_to_one_operation(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    bank.open_method("wire", "USD").await;
    for (actor, operations) in [(&stage.ana.0, &BY_ANA[..]), (&stage.operator, &BY_THE_OPERATOR[..])] {
        for first in operations {
            let targets = Targets::of(&stage).await;
            let asking = || keyed(actor, &format!("{first:?}"));
            made(stage.perform(&stage.services, asking(), *first, &targets).await);
            let stored = count_transfers(&bank).await;
            for other in operations.iter().filter(|other| *other != first) {
                let refused = stage.perform(&stage.services, asking(), *other, &targets).await;
                assert_eq!(code(&refused), "idempotency_key_reused", "{other:?} after {first:?}");
            }
            assert_eq!(count_transfers(&bank).await, stored);
        }
    }
}

async fn a_batch_and_its_transfers_do_not_share_a_key(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let targets = Targets::of(&stage).await;
    let one = || vec![new_transfer(stage.ana.1, stage.ben.1, "1")];
    let pay = async |name| {
        let asking = keyed(&stage.ana.0, name);
        stage.perform(&stage.services, asking, Operation::Pay, &targets).await
    };
    let together = stage.ask_together("together", true, one()).await;
    together.expect("there is enough");
    assert_eq!(code(&pay("together").await), "idempotency_key_reused");
    made(pay("alone").await);
    let refused = stage.ask_together("alone", true, one()).await;
    assert!(matches!(refused, Err(TransferError::KeyReused)), "{refused:?}");
    // Atomic and not atomic are two requests.
    let refused = stage.ask_together("together", false, one()).await;
    assert!(matches!(refused, Err(TransferError::KeyReused)), "{refused:?}");
    // Another user's key is another key.
    let bens = NewBatch {
        is_atomic: true,
        transfers: vec![new_transfer(stage.ben.1, stage.ana.1, "0.5")],
    };
    let transfers = &stage.services.transfers;
    let asked = transfers.batch(keyed(&stage.ben.0, "together"), bens);
    assert!(!asked.await.expect("ben has it").replayed);
}

async fn a_recorded_refusal_of_a_capture_is_answered_again(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let targets = Targets::of(&stage).await;
    let capture = async |name| {
        let asking = keyed(&stage.operator, name);
        stage
            .perform(&stage.services, asking, Operation::Capture, &targets)
            .await
    };
    stage.freeze(stage.ana.1).await;
    let first = capture("k").await;
    assert_eq!(code(&first), "wallet_frozen");
    stage.unfreeze(stage.ana.1).await;
    let again = capture("k").await;
    assert_eq!((code(&again), recorded(&again)), ("wallet_frozen", recorded(&first)));
    assert!(
        matches!(again, Err(TransferError::Failed { replayed: true, .. })),
        "{again:?}"
    );
    made(capture("another").await);
    assert_eq!(recorded(&capture("k").await), recorded(&first), "it was captured since");
}

async fn an_unrecorded_refusal_uses_no_key_up(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let targets = Targets::of(&stage).await;
    let capture = async |amount| {
        let new = NewCapture {
            hold: targets.captured,
            amount: AskedAmount::Exactly(Some(money(amount))),
            is_final: true,
        };
        let asking = keyed(&stage.ben.0, "k");
        stage.services.transfers.capture(asking, new).await
    };
    assert_eq!(code(&capture("4.0001").await), "amount_exceeds_hold");
    let captured = capture("4").await.expect("the key is free");
    assert!(!captured.replayed);
    assert_eq!(code(&capture("4.0001").await), "idempotency_key_reused");
    assert!(capture("4").await.expect("it is the same request").replayed);
}

async fn other_values_are_another_request(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let targets = Targets::of(&stage).await;
    let ask = async |hold, amount, is_final| {
        let new = NewCapture { hold, amount, is_final };
        let asking = keyed(&stage.operator, "k");
        code(&stage.services.transfers.capture(asking, new).await)
    };
    let (all, four) = (AskedAmount::Rest, AskedAmount::Exactly(Some(money("4"))));
    assert_eq!(ask(targets.captured, four, true).await, "done");
    for (hold, amount, is_final) in [
        (targets.captured, all, true),
        (targets.captured, four, false),
        (targets.captured, AskedAmount::Exactly(None), true),
        (targets.voided, four, true),
    ] {
        assert_eq!(ask(hold, amount, is_final).await, "idempotency_key_reused");
    }
    assert_eq!(ask(targets.captured, four, true).await, "done");
    let [short, long] = [60, 61].map(HoldTerms::try_new);
    let hold = async |terms| {
        let new = NewTransfer {
            hold: terms,
            ..new_transfer(stage.ana.1, stage.ben.1, "1")
        };
        let asking = keyed(&stage.ana.0, "h");
        code(&stage.services.transfers.submit(asking, new).await)
    };
    assert_eq!(hold(short).await, "done");
    assert_eq!(hold(long).await, "idempotency_key_reused");
    assert_eq!(hold(None).await, "idempotency_key_reused");
    assert_eq!(hold(short).await, "done");
}
