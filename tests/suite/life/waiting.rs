//! What waits in the queue is decided on the wallets as they are when its turn comes: a freeze, a closing, an unfreezing or
//! new limits hold for everything behind them, and for nothing before.

use std::pin::Pin;
use std::sync::Arc;

use harness::{TestBank, begin, on_every_backend};
use service::transfers::{Asking, NewBatch, TransferError};
use service::values::{TransferId, WalletId};
use service::wallets::{Expected, Wallet, WalletError, WalletLimits};

use super::acts::{code_of, codes_of, limits, made};
use super::{LifeStage, capture, code};
use crate::requests::{MOST, new_transfer, submit};

on_every_backend!(
    a_freeze_holds_for_what_waits_behind_it,
    a_closing_holds_for_what_waits_behind_it,
    limits_hold_for_what_waits_behind_them,
    limits_that_are_lifted_hold_no_more,
    a_freeze_stops_captures_that_wait_and_not_voids,
    a_freeze_stops_an_atomic_batch_that_waits,
    a_closing_waits_for_the_end_of_a_hold,
    what_another_replica_changed_holds_at_once,
);

/// A request, and then the code of its answer.
pub type Asked<'a> = Pin<Box<dyn Future<Output = &'static str> + Send + 'a>>;

fn wallet_code(changed: &Result<Wallet, WalletError>) -> &'static str {
    match changed {
        Ok(_) => "done",
        Err(WalletError::NotEmpty) => "wallet_not_empty",
        Err(other) => panic!("{other:?}"),
    }
}

impl LifeStage {
    /// Asks in this order while an earlier commit is held, so that all of it waits in the queue. Gives the codes of the
    /// answers.
    pub async fn in_the_queue(&self, bank: &TestBank, asked: Vec<Asked<'_>>) -> Vec<&'static str> {
        let held = bank.hold_commits().await;
        // Ben never has that much: it is recorded as refused, and moves no money.
        let refused = new_transfer(self.ben.1, self.ana.1, MOST);
        let first = begin([submit(&self.services, &self.ben.0, refused)]).await;
        while self.services.ops.queue_depth() > 0 {
            tokio::task::yield_now().await;
        }
        let count = asked.len();
        let waiting = begin(asked).await;
        assert_eq!(waiting.waiting(), count, "they are queued");
        held.release().await;
        for answer in first.all().await {
            assert_eq!(code_of(&answer.expect_err("it is too much")), "insufficient_funds");
        }
        waiting.all().await
    }

    pub fn paying<'a>(&'a self, amount: &'a str) -> Asked<'a> {
        Box::pin(async move { code(&self.pay(amount).await) })
    }

    fn holding<'a>(&'a self, amount: &'a str) -> Asked<'a> {
        Box::pin(async move { code(&submit(&self.services, &self.ana.0, self.new_hold(amount)).await) })
    }

    fn paying_to_ana<'a>(&'a self, amount: &'a str) -> Asked<'a> {
        let new = new_transfer(self.ben.1, self.ana.1, amount);
        Box::pin(async move { code(&submit(&self.services, &self.ben.0, new).await) })
    }

    fn capturing(&self, hold: TransferId) -> Asked<'_> {
        Box::pin(async move { code(&self.capture(&self.ben.0, hold, None, true).await) })
    }

    fn voiding(&self, hold: TransferId) -> Asked<'_> {
        Box::pin(async move { code(&self.void(&self.ben.0, hold).await) })
    }

    fn freezing(&self, wallet: WalletId) -> Asked<'_> {
        let wallets = &self.services.wallets;
        Box::pin(async move {
            let frozen = wallets.freeze(&self.operator, wallet, None, Expected::Anything).await;
            wallet_code(&frozen)
        })
    }

    fn unfreezing(&self, wallet: WalletId) -> Asked<'_> {
        let wallets = &self.services.wallets;
        Box::pin(async move {
            let unfrozen = wallets.unfreeze(&self.operator, wallet, None, Expected::Anything).await;
            wallet_code(&unfrozen)
        })
    }

    fn closing(&self, wallet: WalletId) -> Asked<'_> {
        let wallets = &self.services.wallets;
        Box::pin(async move { wallet_code(&wallets.close(&self.operator, wallet, Expected::Anything).await) })
    }

    fn limiting(&self, wallet: WalletId, limits: WalletLimits) -> Asked<'_> {
        let wallets = &self.services.wallets;
        Box::pin(async move {
            wallet_code(
                &wallets
                    .set_limits(&self.operator, wallet, limits, Expected::Anything)
                    .await,
            )
        })
    }

    /// Pays together, all or nothing.
    fn paying_together<'a>(&'a self, amounts: &'a [&'a str]) -> Asked<'a> {
        let own = |amount: &&str| new_transfer(self.ana.1, self.ben.1, amount);
        let new = NewBatch {
            is_atomic: true,
            transfers: amounts.iter().map(own).collect(),
        };
        Box::pin(async move {
            let answer = self.services.transfers.batch(Asking::by(&self.ana.0), new).await;
            answer.map_or_else(|error| code_of(&error), |answer| codes_of(&answer)[0])
        })
    }
}

async fn a_freeze_holds_for_what_waits_behind_it(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let asked = vec![
        stage.paying("1"),
        stage.freezing(stage.ana.1),
        stage.paying("1"),
        stage.holding("1"),
        stage.unfreezing(stage.ana.1),
        stage.paying("1"),
        stage.freezing(stage.ben.1),
        stage.paying("1"),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    let frozen = "wallet_frozen";
    assert_eq!(codes, ["done", "done", frozen, frozen, "done", "done", "done", frozen]);
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["98.0000", "2.0000"]);
    assert_eq!(code(&stage.pay("1").await), frozen, "until it is unfrozen");
}

async fn a_closing_holds_for_what_waits_behind_it(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let asked = vec![
        stage.closing(stage.ana.1),
        stage.paying("100"),
        stage.closing(stage.ana.1),
        stage.holding("1"),
        stage.paying_to_ana("1"),
        stage.paying_together(&["1", "1"]),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    let closed = "wallet_closed";
    assert_eq!(codes, ["wallet_not_empty", "done", "done", closed, closed, closed]);
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["0.0000", "100.0000"]);
}

async fn limits_hold_for_what_waits_behind_them(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    made(stage.pay("1").await);
    let own = limits(None, Some("50"), Some(4));
    let asked = vec![
        stage.paying("20"),
        stage.holding("20"),
        stage.limiting(stage.ana.1, own),
        // What went out before counts: 41 in three transfers.
        stage.paying("9.0001"),
        stage.paying("9"),
        stage.paying("0.0001"),
        stage.limiting(stage.ana.1, limits(Some("5"), None, None)),
        stage.paying("5.0001"),
        stage.paying("5"),
        stage.paying_together(&["1", "6"]),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    let exceeded = "limit_exceeded";
    assert_eq!(
        codes,
        [
            "done", "done", "done", exceeded, "done", exceeded, "done", exceeded, "done", exceeded
        ]
    );
    assert_eq!(stage.amounts(stage.ana.1).await, ["65.0000", "20.0000", "45.0000"]);
}

async fn limits_that_are_lifted_hold_no_more(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    stage.restrict(stage.ana.1, limits(Some("10"), Some("15"), None)).await;
    let asked = vec![
        stage.paying("10"),
        stage.paying("6"),
        stage.limiting(stage.ana.1, WalletLimits::default()),
        stage.paying("20"),
        // Set anew, they look at the whole day, and so at the 20 too.
        stage.limiting(stage.ana.1, limits(None, Some("31"), None)),
        stage.paying("1.0001"),
        stage.paying("1"),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    let exceeded = "limit_exceeded";
    assert_eq!(codes, ["done", exceeded, "done", "done", "done", exceeded, "done"]);
    assert_eq!(bank.balances(&[stage.ben.1]).await, ["31.0000"]);
}

async fn a_freeze_stops_captures_that_wait_and_not_voids(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let [captured, kept, voided] = [stage.hold("1").await, stage.hold("2").await, stage.hold("4").await];
    let asked = vec![
        stage.capturing(captured),
        stage.freezing(stage.ana.1),
        stage.capturing(kept),
        stage.voiding(voided),
        stage.capturing(voided),
        stage.unfreezing(stage.ana.1),
        stage.capturing(kept),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    let expected = ["done", "done", "wallet_frozen", "done", "hold_closed", "done", "done"];
    assert_eq!(codes, expected);
    assert_eq!(stage.amounts(stage.ana.1).await, ["97.0000", "0.0000", "97.0000"]);
}

async fn a_freeze_stops_an_atomic_batch_that_waits(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let asked = vec![
        stage.paying_together(&["1", "2"]),
        stage.freezing(stage.ben.1),
        stage.paying_together(&["4", "8"]),
        stage.unfreezing(stage.ben.1),
        stage.paying_together(&["16", "32"]),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    assert_eq!(codes, ["done", "done", "wallet_frozen", "done", "done"]);
    assert_eq!(bank.balances(&[stage.ana.1, stage.ben.1]).await, ["49.0000", "51.0000"]);
}

async fn a_closing_waits_for_the_end_of_a_hold(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let [first, last] = [stage.hold("40").await, stage.hold("60").await];
    let asked = vec![
        stage.capturing(first),
        stage.closing(stage.ana.1),
        stage.capturing(last),
        stage.closing(stage.ana.1),
        stage.voiding(last),
    ];
    let codes = stage.in_the_queue(&bank, asked).await;
    assert_eq!(codes, ["done", "wallet_not_empty", "done", "done", "hold_closed"]);
}

async fn what_another_replica_changed_holds_at_once(bank: Arc<TestBank>) {
    let stage = LifeStage::set(&bank).await;
    let there = bank.replica().await;
    let hold = stage.hold("10").await;
    // Both processes remember both wallets.
    let pay_there = async |amount| {
        let new = new_transfer(stage.ana.1, stage.ben.1, amount);
        code(&submit(&there, &stage.ana.0, new).await)
    };
    assert_eq!(pay_there("1").await, "done");
    made(stage.pay("1").await);
    for _ in 0..3 {
        stage.restrict(stage.ana.1, limits(Some("2"), None, None)).await;
        assert_eq!(pay_there("3").await, "limit_exceeded");
        stage.restrict(stage.ana.1, WalletLimits::default()).await;
        assert_eq!(pay_there("3").await, "done");
        stage.freeze(stage.ana.1).await;
        let refused = capture(&there, stage.ben.0.clone(), hold, Some("1"), false).await;
        assert!(
            matches!(&refused, Err(TransferError::Failed { failure, .. }) if failure.code() == "wallet_frozen"),
            "{refused:?}"
        );
        stage.unfreeze(stage.ana.1).await;
        let captured = capture(&there, stage.ben.0.clone(), hold, Some("1"), false).await;
        assert_eq!(code(&captured), "done");
        // A limit that is set there looks at what went out here.
        let own = limits(None, Some("1"), None);
        let set = there
            .wallets
            .set_limits(&stage.operator, stage.ana.1, own, Expected::Anything)
            .await;
        assert_eq!(wallet_code(&set), "done");
        assert_eq!(code(&stage.pay("0.0001").await), "limit_exceeded");
        stage.restrict(stage.ana.1, WalletLimits::default()).await;
    }
    assert_eq!(stage.amounts(stage.ana.1).await, ["86.0000", "7.0000", "79.0000"]);
}
