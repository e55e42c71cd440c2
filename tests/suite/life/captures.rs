//! Captures: several of one hold, of several holds at once, and those that cannot be done.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::transfers::TransferError;
use service::values::{HoldEnd, TransferKind, TransferStatus};

use super::acts::{made, recorded};
use super::{LifeStage, code};
use crate::requests::{MOST, new_transfer, quiet_customer, submit};

on_every_backend!(
    captures_one_after_the_other_end_a_hold_with_its_last_part,
    a_capture_of_everything_gives_nothing_back,
    the_rest_is_what_earlier_captures_have_left,
    the_holds_of_one_wallet_are_apart,
    an_operators_capture_names_the_operator,
    a_capture_into_a_full_wallet_is_refused_and_recorded,
    both_sides_see_a_hold_and_its_captures,
    a_refused_hold_is_shown_to_its_source_only,
);

async fn captures_one_after_the_other_end_a_hold_with_its_last_part(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    let (_, entries) = bank.row_counts().await;
    for amount in ["10", "15", "5"] {
        made(stage.capture(&stage.ben.0, hold, Some(amount), false).await);
    }
    assert_eq!(bank.row_counts().await.1, entries + 6, "each moved money");
    let captures = stage.children(hold).await;
    for capture in &captures {
        assert_eq!(
            (capture.transfer.kind, capture.transfer.released),
            (TransferKind::Capture, None)
        );
        assert_eq!(capture.status(), TransferStatus::Completed);
    }
    let amounts: Vec<String> = captures.iter().map(|one| one.transfer.amount.to_string()).collect();
    assert_eq!(amounts, ["10.0000", "15.0000", "5.0000"]);
    let ended = stage.get(hold).await.hold.and_then(|hold| hold.end);
    assert_eq!(ended, Some((HoldEnd::Captured, captures[2].transfer.created_at)));
    assert_eq!(
        code(&stage.capture(&stage.ben.0, hold, None, true).await),
        "hold_closed"
    );
    assert_eq!(stage.amounts(stage.ana.1).await, ["70.0000", "0.0000", "70.0000"]);
    assert_eq!(stage.amounts(stage.ben.1).await, ["30.0000", "0.0000", "30.0000"]);
}

async fn a_capture_of_everything_gives_nothing_back(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    for is_final in [false, true] {
        let hold = stage.hold("5").await;
        let captured = stage.capture(&stage.ben.0, hold, Some("5"), is_final).await;
        let captured = captured.expect("it is open");
        assert_eq!(captured.transfer.transfer.released, None);
        assert_eq!(stage.children(hold).await.len(), 1, "no release follows");
    }
}

async fn the_rest_is_what_earlier_captures_have_left(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    made(stage.capture(&stage.ben.0, hold, Some("12.5"), false).await);
    let refused = stage.capture(&stage.ben.0, hold, Some("17.5001"), false).await;
    assert_eq!(code(&refused), "amount_exceeds_hold");
    let rest = stage
        .capture(&stage.operator, hold, None, false)
        .await
        .expect("it is open");
    assert_eq!(rest.transfer.transfer.amount.to_string(), "17.5000");
    let state = stage.get(hold).await.hold.expect("it is a hold");
    assert_eq!(
        (state.captured.to_string(), state.remaining.to_string()),
        ("30.0000".to_owned(), "0.0000".to_owned())
    );
}

async fn the_holds_of_one_wallet_are_apart(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let [voided, captured, open] = [stage.hold("10").await, stage.hold("20").await, stage.hold("30").await];
    made(stage.void(&stage.ben.0, voided).await);
    made(stage.capture(&stage.ben.0, captured, Some("15"), true).await);
    assert_eq!(stage.amounts(stage.ana.1).await, ["85.0000", "30.0000", "55.0000"]);
    let state = stage.get(open).await.hold.expect("it is a hold");
    assert_eq!((state.remaining.to_string(), state.end), ("30.0000".to_owned(), None));
    made(stage.capture(&stage.ben.0, open, None, true).await);
    assert_eq!(stage.amounts(stage.ana.1).await, ["55.0000", "0.0000", "55.0000"]);
}

async fn an_operators_capture_names_the_operator(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let hold = stage.hold("30").await;
    for actor in [stage.operator.clone(), stage.ben.0.clone()] {
        let captured = stage.capture(&actor, hold, Some("1"), false).await.expect("it is open");
        let captured = captured.transfer.transfer;
        assert_eq!(captured.created_by, Some(actor.user), "the source's owner did not ask");
        assert_eq!((captured.source, captured.destination), (stage.ana.1, stage.ben.1));
    }
    assert_eq!(
        stage.get(hold).await.transfer.created_by,
        None,
        "ana asked for the hold"
    );
}

async fn a_capture_into_a_full_wallet_is_refused_and_recorded(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let full = quiet_customer(&bank, "full").await;
    bank.fund(full.1, MOST, "wire").await;
    let hold = stage.hold_for(full.1, "10").await;
    let refused = stage.capture(&full.0, hold, None, true).await;
    assert_eq!(code(&refused), "balance_out_of_range");
    let record = stage.get(recorded(&refused)).await;
    assert_eq!(
        (record.transfer.kind, record.transfer.parent, record.transfer.released),
        (TransferKind::Capture, Some(hold), None)
    );
    assert_eq!(stage.get(hold).await.status(), TransferStatus::Pending);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "10.0000", "90.0000"]);
    made(submit(&stage.services, &full.0, new_transfer(full.1, stage.ana.1, "10")).await);
    made(stage.capture(&full.0, hold, None, true).await);
    assert_eq!(bank.balances(&[stage.ana.1, full.1]).await, ["100.0000", MOST]);
}

async fn both_sides_see_a_hold_and_its_captures(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let eve = quiet_customer(&bank, "eve").await;
    let hold = stage.hold("30").await;
    let capture = made(stage.capture(&stage.ben.0, hold, Some("10"), false).await);
    let release = made(stage.void(&stage.ben.0, hold).await);
    let transfers = &stage.services.transfers;
    for id in [hold, capture, release] {
        for actor in [stage.ana.0.clone(), stage.ben.0.clone(), stage.operator.clone()] {
            let seen = transfers.get(&actor, id).await.expect("it is theirs");
            assert_eq!(seen, stage.get(id).await);
        }
        let hidden = transfers.get(&eve.0, id).await;
        assert!(matches!(hidden, Err(TransferError::NotFound)), "{hidden:?}");
    }
}

async fn a_refused_hold_is_shown_to_its_source_only(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let refused = submit(&stage.services, &stage.ana.0, stage.new_hold("100.0001")).await;
    assert_eq!(code(&refused), "insufficient_funds");
    let id = recorded(&refused);
    let transfers = &stage.services.transfers;
    let seen = transfers.get(&stage.ana.0, id).await.expect("it is ana's");
    assert_eq!((seen.transfer.kind, seen.hold), (TransferKind::Hold, None));
    assert_eq!(
        (seen.status(), seen.failure_reason()),
        (TransferStatus::Failed, Some("insufficient_funds"))
    );
    let hidden = transfers.get(&stage.ben.0, id).await;
    assert!(matches!(hidden, Err(TransferError::NotFound)), "{hidden:?}");
    assert_eq!(code(&stage.void(&stage.ben.0, id).await), "transfer_not_found");
    assert_eq!(code(&stage.void(&stage.operator, id).await), "not_a_hold");
}
