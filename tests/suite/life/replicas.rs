//! Two replicas and many callers at one hold or one transfer: whatever comes first, the sums hold. With `races` more than
//! two hundred runs on each database.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, all_at_once, on_every_backend};
use service::Services;
use service::identity::Actor;
use service::transfers::Asking;
use service::values::{Money, TransferId, TransferKind};

use super::acts::{LATER, advance_to, made, stored_hold};
use super::{Answer, LifeStage, capture, code, reverse};
use crate::requests::{new_transfer, submit};

on_every_backend!(
    whoever_comes_first_a_hold_gives_away_what_it_held,
    a_hold_that_runs_out_in_the_middle_of_its_captures_ends_once,
    two_sweepers_release_a_hold_once,
    parallel_reversals_never_exceed_the_original,
    what_is_captured_and_taken_back_at_once_adds_up,
);

const RUNS: usize = 70;
const SHORT_RUNS: usize = 30;
const CALLERS: usize = 8;

/// Who asks about holds of one unit, which are ana's for ben.
#[derive(Clone)]
struct Askers {
    ben: Actor,
    operator: Actor,
}

impl Askers {
    /// One of the things that can be done with a hold.
    async fn end(&self, services: &Services, hold: TransferId, number: usize) -> &'static str {
        let answer: Answer = match number % 5 {
            0 => capture(services, self.ben.clone(), hold, Some("0.3"), false).await,
            1 => capture(services, self.operator.clone(), hold, Some("0.5"), true).await,
            2 => capture(services, self.ben.clone(), hold, None, true).await,
            3 => {
                let asking = Asking::by(&self.ben);
                services.transfers.void(asking, hold).await
            }
            _ => {
                services.transfers.expire_holds().await.expect("it can sweep");
                return "done";
            }
        };
        code(&answer)
    }
}

/// What the rows say about a hold of 1 unit that has ended: in ten-thousandths, what was captured. Fails unless it was
/// given away once.
async fn captured_of_ended(bank: &TestBank, stage: &LifeStage, hold: TransferId) -> i64 {
    let (mut captured, mut released, mut releases) = (0, 0, 0);
    for child in stage.children(hold).await {
        let transfer = &child.transfer;
        match transfer.kind {
            TransferKind::Capture => captured += transfer.amount.units(),
            TransferKind::Release => releases += 1,
            TransferKind::Transfer
            | TransferKind::Deposit
            | TransferKind::Withdrawal
            | TransferKind::Reversal
            | TransferKind::Hold => panic!("{child:?}"),
        }
        released += transfer.released.map_or(0, |released| released.units());
    }
    assert!(releases <= 1, "{releases} releases");
    assert_eq!(captured + released, 10_000, "captured {captured}, released {released}");
    let state = stored_hold(bank, hold).await.expect("a hold has a state");
    assert_eq!((state.captured.units(), state.remaining.units()), (captured, 0));
    captured
}

async fn storm(bank: &TestBank, stage: &LifeStage, replica: &Arc<Services>, (hold, run): (TransferId, usize)) -> i64 {
    let askers = Askers {
        ben: stage.ben.0.clone(),
        operator: stage.operator.clone(),
    };
    let replicas = [&stage.services, replica];
    let calls = (0..CALLERS).map(|caller| askers.end(replicas[caller % 2], hold, run + caller / 2));
    for code in all_at_once(calls).await {
        assert!(
            ["done", "hold_closed", "amount_exceeds_hold"].contains(&code),
            "{code} in run {run}"
        );
    }
    // Perhaps a part of it is still held.
    let last = stage.void(&stage.ben.0, hold).await;
    assert!(["done", "hold_closed"].contains(&code(&last)), "{last:?}");
    captured_of_ended(bank, stage, hold).await
}

async fn whoever_comes_first_a_hold_gives_away_what_it_held(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let mut captured = 0;
    for run in 0..RUNS {
        let hold = stage.hold("1").await;
        captured += storm(&bank, &stage, &replica, (hold, run)).await;
    }
    assert_eq!(stage.amounts(stage.ana.1).await[1], "0.0000");
    let bens = Money::from_units(captured).expect("it is small");
    assert_eq!(stage.amounts(stage.ben.1).await[0], bens.to_string());
    bank.assert_journal_is_sound().await;
}

/// Each record is dated a microsecond after the one before, so a hold that has some microseconds left runs out while its
/// callers are served.
async fn a_hold_that_runs_out_in_the_middle_of_its_captures_ends_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let mut expired = 0;
    for run in 0..SHORT_RUNS {
        let hold = stage.hold("1").await;
        let left = TimeDelta::microseconds(i64::try_from(run % 4).expect("it is small"));
        advance_to(&bank, stage.expiry(hold).await - left).await;
        storm(&bank, &stage, &replica, (hold, run)).await;
        for child in stage.children(hold).await {
            let transfer = &child.transfer;
            let ended = stage.get(hold).await.transfer.expires_at.expect("it is a hold");
            if transfer.kind == TransferKind::Capture {
                assert!(
                    transfer.created_at < ended,
                    "{transfer:?} came after the end at {ended}"
                );
            }
            expired += usize::from(transfer.kind == TransferKind::Release && transfer.created_by.is_none());
        }
    }
    assert!(expired > 0, "none ran out");
    assert_eq!(stage.amounts(stage.ana.1).await[1], "0.0000");
    bank.assert_journal_is_sound().await;
}

async fn two_sweepers_release_a_hold_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    for _ in 0..SHORT_RUNS {
        let holds = [stage.hold("1").await, stage.hold("2").await, stage.hold("3").await];
        made(stage.capture(&stage.ben.0, holds[1], Some("0.1"), false).await);
        bank.advance(LATER).await;
        let sweepers = [&stage.services, &replica, &stage.services, &replica];
        let sweeps = sweepers.map(|services| services.transfers.expire_holds());
        for swept in all_at_once(sweeps).await {
            assert!(swept.expect("it can sweep") <= 1, "there is one wallet");
        }
        for (hold, released) in holds.into_iter().zip(["1.0000", "1.9000", "3.0000"]) {
            let mut children = stage.children(hold).await;
            children.retain(|child| child.transfer.kind == TransferKind::Release);
            assert_eq!(children.len(), 1, "{children:?}");
            let release = &children[0].transfer;
            assert_eq!(
                (release.amount.to_string().as_str(), release.created_by),
                (released, None)
            );
        }
        assert_eq!(stage.amounts(stage.ana.1).await[1], "0.0000");
        let again = replica.transfers.expire_holds().await;
        assert_eq!(again.expect("it can sweep"), 0);
    }
    bank.assert_journal_is_sound().await;
}

async fn parallel_reversals_never_exceed_the_original(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    let replicas = [&stage.services, &replica];
    let mut refusals = 0;
    for run in 0..RUNS {
        let paid = made(stage.pay("1").await);
        let amounts = [Some("0.6"), Some("0.4"), None, Some("0.25"), Some("0.75"), Some("1")];
        let operator = stage.operator.clone();
        let calls = (0..CALLERS).map(|caller| {
            let (amount, operator) = (amounts[(run + caller) % amounts.len()], &operator);
            async move { reverse(replicas[caller % 2], operator, paid, amount).await }
        });
        // In every third run ben spends some of the money meanwhile.
        let spends = async {
            if run % 3 == 0 {
                let new = new_transfer(stage.ben.1, stage.ana.1, "0.5");
                let _ = submit(&replica, &stage.ben.0, new).await;
            }
        };
        let (answers, ()) = tokio::join!(all_at_once(calls), spends);
        for answer in &answers {
            let allowed = ["done", "amount_exceeds_original", "insufficient_funds"];
            assert!(allowed.contains(&code(answer)), "{answer:?}");
            refusals += usize::from(answer.is_err());
        }
        let reversed = stage.get(paid).await.reversed.units();
        assert!(reversed <= 10_000, "{reversed} in run {run}");
        let done = answers.iter().filter_map(|answer| answer.as_ref().ok());
        let sum: i64 = done.map(|made| made.transfer.transfer.amount.units()).sum();
        assert_eq!(sum, reversed, "in run {run}");
        // Ben begins the next run with nothing.
        let left = stage.amounts(stage.ben.1).await[0].clone();
        if left != "0.0000" {
            let new = new_transfer(stage.ben.1, stage.ana.1, &left);
            made(submit(&stage.services, &stage.ben.0, new).await);
        }
    }
    assert!(refusals > 0, "nothing was refused");
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["100.0000", "0.0000"]);
    bank.assert_journal_is_sound().await;
}

async fn what_is_captured_and_taken_back_at_once_adds_up(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let replica = bank.replica().await;
    for run in 0..SHORT_RUNS {
        let hold = stage.hold("1").await;
        let first = made(stage.capture(&stage.ben.0, hold, Some("0.5"), false).await);
        let (captured, back, again) = tokio::join!(
            capture(&replica, stage.ben.0.clone(), hold, Some("0.5"), true),
            stage.reverse(first, None),
            reverse(&replica, &stage.operator, first, Some("0.3")),
        );
        assert_eq!(
            code(&captured),
            "done",
            "what a hold has left is not what came back of it"
        );
        let mut codes = [code(&back), code(&again)];
        codes.sort_unstable();
        // The reversal of the rest comes first, or second and takes what is left.
        assert!(
            codes == ["amount_exceeds_original", "done"] || codes == ["done", "done"],
            "{codes:?} in run {run}"
        );
        assert_eq!(stage.get(first).await.reversed.to_string(), "0.5000");
        let state = stage.get(hold).await.hold.expect("it is a hold");
        assert_eq!(state.captured.to_string(), "1.0000");
    }
    // In each run ben keeps what was captured second.
    let kept = Money::from_units(SHORT_RUNS as i64 * 5_000).expect("it is small");
    assert_eq!(stage.amounts(stage.ben.1).await[0], kept.to_string());
    bank.assert_journal_is_sound().await;
}
