//! Sixty-four callers at once and two replicas never pass a limit, in a hundred runs.

use std::sync::Arc;

use chrono::TimeDelta;
use harness::{TestBank, all_at_once, on_every_backend};
use service::Services;
use service::identity::Actor;
use service::transfers::{Asking, Failure, HoldTerms, LimitKind, NewTransfer, TransferError};
use service::values::WalletId;

use super::acts::{limits, made};
use super::outflow::assert_limits_held;
use super::{Answer, LifeStage, code};
use crate::requests::{new_transfer, submit, withdraw};

on_every_backend!(
    no_limit_is_passed_in_a_hundred_runs,
    a_limit_that_is_set_in_a_storm_holds_from_there_on,
);

const CALLERS: usize = 64;
const RUNS: usize = 100;

/// One side of the storm: ana's wallet, and where its money goes.
#[derive(Clone)]
struct Payer {
    ana: (Actor, WalletId),
    bens: WalletId,
}

impl Payer {
    /// Pays, holds or withdraws, as the number says.
    async fn spend(&self, services: &Services, number: usize, amount: &str) -> Answer {
        let new = new_transfer(self.ana.1, self.bens, amount);
        match number % 4 {
            0 => {
                let hold = HoldTerms::try_new(3_600);
                submit(services, &self.ana.0, NewTransfer { hold, ..new }).await
            }
            1 => withdraw(services, &self.ana.0, self.ana.1, amount).await,
            _ => submit(services, &self.ana.0, new).await,
        }
    }
}

async fn payer(bank: &Arc<TestBank>) -> (LifeStage, Payer) {
    let stage = LifeStage::set(bank).await;
    bank.open_method("wire", "USD").await;
    bank.fund(stage.ana.1, "2000", "visa").await;
    let payer = Payer {
        ana: stage.ana.clone(),
        bens: stage.ben.1,
    };
    (stage, payer)
}

async fn no_limit_is_passed_in_a_hundred_runs(bank: Arc<TestBank>) {
    let (stage, payer) = payer(&bank).await;
    let replica = bank.replica().await;
    let replicas = [&stage.services, &replica];
    let own = limits(Some("1"), Some("5"), Some(8));
    let since = stage.restrict(stage.ana.1, own).await;
    for run in 0..RUNS {
        bank.advance(TimeDelta::days(1)).await;
        let open = stage.hold("0.5").await;
        // By turns each of the three limits is the one that is met first.
        let amounts = [["0.9", "1.0001"], ["0.1", "0.2"], ["1", "0.7"]][run % 3];
        let calls = (0..CALLERS).map(|caller| {
            let amount = amounts[caller % 2];
            let (stage, payer) = (&stage, &payer);
            async move {
                // One caller gives something back meanwhile.
                if caller == CALLERS / 2 {
                    let asking = Asking::by(&stage.ben.0);
                    return replicas[1].transfers.void(asking, open).await;
                }
                payer.spend(replicas[caller / 2 % 2], run + caller / 4, amount).await
            }
        });
        let answers = all_at_once(calls).await;
        let made = answers.iter().filter(|answer| answer.is_ok()).count();
        for answer in &answers {
            assert!(
                ["done", "limit_exceeded"].contains(&code(answer)),
                "{answer:?} in run {run}"
            );
        }
        // The void, and at least what fits while the other half unit is still held.
        assert!((1 + 4..=1 + 8).contains(&made), "{made} in run {run}");
    }
    let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
    let wallet = stage.services.wallets.get(&stage.operator, stage.ana.1).await;
    let state = wallet.expect("it is there").limits.expect("it has limits");
    let outflow = state.outflow_on(counted.day);
    assert_eq!(
        (outflow.amount.units(), outflow.transfers),
        (counted.amount, counted.transfers)
    );
    bank.assert_journal_is_sound().await;
}

async fn a_limit_that_is_set_in_a_storm_holds_from_there_on(bank: Arc<TestBank>) {
    let (stage, payer) = payer(&bank).await;
    let replica = bank.replica().await;
    let replicas = [&stage.services, &replica];
    for run in 0..10 {
        bank.advance(TimeDelta::days(1)).await;
        stage.restrict(stage.ana.1, limits(None, None, None)).await;
        let own = limits(None, Some("3"), Some(20 + run));
        let calls = all_at_once((0..CALLERS).map(|caller| {
            let payer = &payer;
            async move { payer.spend(replicas[caller % 2], caller, "0.1").await }
        }));
        let (answers, since) = tokio::join!(calls, stage.restrict(stage.ana.1, own));
        for answer in &answers {
            assert!(["done", "limit_exceeded"].contains(&code(answer)), "{answer:?}");
        }
        let counted = assert_limits_held(&bank, stage.ana.1, own, since).await;
        assert!(counted.transfers >= 20 + run, "{counted:?}: what fits is made");
        let late = payer.spend(&replica, 2, "0.1").await;
        assert_eq!(code(&late), "limit_exceeded");
    }
    let own = limits(None, Some("3"), None);
    stage.restrict(stage.ana.1, own).await;
    bank.advance(TimeDelta::days(1)).await;
    made(payer.spend(&replica, 2, "3").await);
    let refused = payer.spend(&stage.services, 2, "0.0001").await;
    assert!(
        matches!(
            &refused,
            Err(TransferError::Failed {
                failure: Failure::LimitExceeded {
                    limit: LimitKind::PerDayAmount,
                    ..
                },
                ..
            })
        ),
        "{refused:?}"
    );
}
