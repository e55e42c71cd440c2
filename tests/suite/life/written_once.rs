//! What becomes of a hold, or of a transfer that is taken back, adds rows and changes none.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::values::{HoldEnd, TransferStatus};

use super::LifeStage;
use super::acts::{LATER, WrittenRows, made, recorded, stored_hold};
use crate::requests::{new_transfer, submit};

on_every_backend!(
    captures_and_the_end_of_a_hold_change_no_row,
    a_void_and_an_expiry_change_no_row,
    a_reversal_changes_no_row,
    a_refused_hold_has_no_state,
    a_batch_keeps_its_outcomes_beside_its_rows,
);

async fn captures_and_the_end_of_a_hold_change_no_row(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let before = WrittenRows::of(&bank).await;
    let hold = stage.hold("30").await;
    let held = WrittenRows::of(&bank).await;
    held.assert_grown_from(&before, (1, 0));
    let state = stored_hold(&bank, hold).await.expect("a hold has a state");
    assert_eq!((state.wallet_id, state.end, state.ended_at), (stage.ana.1, None, None));
    made(stage.capture(&stage.ben.0, hold, Some("10"), false).await);
    let partly = WrittenRows::of(&bank).await;
    partly.assert_grown_from(&held, (1, 2));
    let state = stored_hold(&bank, hold).await.expect("a hold has a state");
    assert_eq!((state.remaining.to_string(), state.end), ("20.0000".to_owned(), None));
    made(stage.capture(&stage.ben.0, hold, Some("5"), true).await);
    let ended = WrittenRows::of(&bank).await;
    ended.assert_grown_from(&partly, (1, 2));
    let state = stored_hold(&bank, hold).await.expect("a hold has a state");
    let (remaining, captured) = (state.remaining.to_string(), state.captured.to_string());
    assert_eq!((remaining.as_str(), captured.as_str()), ("0.0000", "15.0000"));
    assert_eq!(state.end, Some(HoldEnd::Captured));
    assert_eq!(state.ended_at, ended.transfers.last().map(|last| last.created_at));
    let row = ended.transfers.iter().find(|row| row.id == hold);
    assert_eq!(row.map(|row| row.status), Some(TransferStatus::Pending), "for good");
    bank.assert_journal_is_sound().await;
}

async fn a_void_and_an_expiry_change_no_row(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let [voided, expiring] = [stage.hold("10").await, stage.hold("20").await];
    let held = WrittenRows::of(&bank).await;
    let void = made(stage.void(&stage.ben.0, voided).await);
    let after_void = WrittenRows::of(&bank).await;
    after_void.assert_grown_from(&held, (1, 0));
    let state = stored_hold(&bank, voided).await.expect("a hold has a state");
    let voided_at = stage.get(void).await.transfer.created_at;
    assert_eq!((state.end, state.ended_at), (Some(HoldEnd::Voided), Some(voided_at)));
    bank.advance(LATER).await;
    let state = stored_hold(&bank, expiring).await.expect("a hold has a state");
    assert_eq!(state.end, None, "the release is not written yet");
    stage.services.transfers.expire_holds().await.expect("it can sweep");
    let after_expiry = WrittenRows::of(&bank).await;
    after_expiry.assert_grown_from(&after_void, (1, 0));
    let release = after_expiry.transfers.last().expect("it was released");
    assert_eq!((release.parent_id, release.created_by), (Some(expiring), None));
    assert_eq!(release.released, Some(release.amount));
    let state = stored_hold(&bank, expiring).await.expect("a hold has a state");
    assert_eq!(state.end, Some(HoldEnd::Expired));
    assert_eq!(state.ended_at, Some(state.expires_at), "not when it was swept");
    bank.assert_journal_is_sound().await;
}

async fn a_reversal_changes_no_row(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let paid = made(stage.pay("40").await);
    let before = WrittenRows::of(&bank).await;
    made(stage.reverse(paid, Some("15")).await);
    made(stage.reverse(paid, None).await);
    assert!(stage.reverse(paid, None).await.is_err());
    let after = WrittenRows::of(&bank).await;
    after.assert_grown_from(&before, (2, 4));
    let parents: Vec<_> = after.transfers.iter().rev().take(2).map(|row| row.parent_id).collect();
    assert_eq!(parents, [Some(paid), Some(paid)]);
    bank.assert_journal_is_sound().await;
}

async fn a_refused_hold_has_no_state(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let before = WrittenRows::of(&bank).await;
    let refused = submit(&stage.services, &stage.ana.0, stage.new_hold("100.0001")).await;
    let id = recorded(&refused);
    WrittenRows::of(&bank).await.assert_grown_from(&before, (1, 0));
    assert_eq!(stored_hold(&bank, id).await, None);
    assert_eq!(stage.amounts(stage.ana.1).await, ["100.0000", "0.0000", "100.0000"]);
}

async fn a_batch_keeps_its_outcomes_beside_its_rows(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let own = |amount| new_transfer(stage.ana.1, stage.ben.1, amount);
    let kept = async || bank.number("SELECT count(*) AS n FROM batches").await;
    let keyed = async || {
        bank.number("SELECT count(*) AS n FROM transfers WHERE batch_id IS NOT NULL AND idempotency_key IS NOT NULL")
            .await
    };
    let before = WrittenRows::of(&bank).await;
    let made = stage
        .ask_together("k", false, vec![own("1"), own("1000"), stage.new_hold("1")])
        .await;
    made.expect("a batch has outcomes");
    let after = WrittenRows::of(&bank).await;
    after.assert_grown_from(&before, (3, 2));
    assert_eq!((kept().await, keyed().await), (1, 1), "the key stands on one row");
    let first = &after.transfers[before.transfers.len()];
    assert!(first.idempotency_key.is_some() && first.batch_id.is_some());
    // One that records nothing keeps nothing.
    let same = new_transfer(stage.ana.1, stage.ana.1, "1");
    let refused = stage.ask_together("unused", false, vec![same]).await;
    refused.expect("a batch has outcomes");
    WrittenRows::of(&bank).await.assert_grown_from(&after, (0, 0));
    assert_eq!((kept().await, keyed().await), (1, 1));
}
