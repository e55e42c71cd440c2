//! Reversals.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::identity::Actor;
use service::transfers::{AskedAmount, Asking, NewReversal, NewTransfer};
use service::values::{TransferId, WalletId};

use super::{
    ABOVE_ORIGINAL, CLOSED, FROZEN, FUNDS, INVALID_AMOUNT, NO_TRANSFER, NOT_REVERSIBLE, NOTHING, RANGE, UNKNOWN,
    expect_first,
};
use crate::life::LifeStage;
use crate::life::acts::{made, recorded};
use crate::requests::{MOST, money, new_transfer, quiet_customer, submit};

on_every_backend!(
    reversals_are_refused_in_order,
    dry_runs_of_reversals_are_refused_in_order,
);

/// Transfers in every state that a refusal needs.
struct ReversalCast {
    stage: LifeStage,
    unknown: TransferId,
    /// What moved no money, or took some back: a hold, a release, a refused transfer, a reversal.
    never: [TransferId; 4],
    /// A hold whose source is frozen.
    frozen_hold: TransferId,
    /// A transfer of 10 that can be taken back.
    paid: TransferId,
    /// One that was taken back.
    back: TransferId,
    /// The source is frozen, and the destination has the money.
    frozen: TransferId,
    /// The source is frozen, and the destination has spent the money and is closed.
    frozen_to_closed: TransferId,
    /// The destination has spent the money and is closed.
    to_closed: TransferId,
    /// The source is full, and the destination has spent the money.
    from_full: TransferId,
    poor: WalletId,
}

/// Pays an amount, and gives the transfer.
async fn pays(
    stage: &LifeStage,
    (actor, source): (Actor, WalletId),
    destination: WalletId,
    amount: &str,
) -> TransferId {
    made(submit(&stage.services, &actor, new_transfer(source, destination, amount)).await)
}

impl ReversalCast {
    async fn of(bank: &Arc<TestBank>) -> Self {
        let stage = LifeStage::set(bank).await;
        let (ana, bens) = (stage.ana.clone(), stage.ben.1);
        let [fay, cleo] = [quiet_customer(bank, "fay").await, quiet_customer(bank, "cleo").await];
        let [full, poor] = [quiet_customer(bank, "full").await, quiet_customer(bank, "poor").await];
        bank.fund(fay.1, "100", "visa").await;
        bank.fund(full.1, MOST, "wire").await;
        let hold = stage.hold("5").await;
        let voided = stage.hold("5").await;
        let release = made(stage.void(&stage.ben.0, voided).await);
        let refused = recorded(&stage.pay("1000").await);
        let back = pays(&stage, ana.clone(), bens, "10").await;
        let reversal = made(stage.reverse(back, None).await);
        let frozen_hold = NewTransfer {
            source: fay.1,
            ..stage.new_hold("10")
        };
        let frozen_hold = made(submit(&stage.services, &fay.0, frozen_hold).await);
        let cast = Self {
            unknown: TransferId(UNKNOWN),
            never: [hold, release, refused, reversal],
            frozen_hold,
            paid: pays(&stage, ana.clone(), bens, "10").await,
            back,
            frozen: pays(&stage, fay.clone(), bens, "10").await,
            frozen_to_closed: pays(&stage, fay.clone(), cleo.1, "10").await,
            to_closed: pays(&stage, ana, cleo.1, "10").await,
            from_full: pays(&stage, full.clone(), poor.1, "10").await,
            poor: poor.1,
            stage,
        };
        pays(&cast.stage, cleo.clone(), bens, "20").await;
        pays(&cast.stage, poor, bens, "10").await;
        bank.fund(full.1, "10", "cash").await;
        cast.stage.freeze(fay.1).await;
        cast.stage.close(cleo.1).await;
        cast
    }

    /// Both refusals of a line apply to a reversal of this amount.
    fn table(&self) -> Vec<([&'static str; 2], Actor, TransferId, AskedAmount)> {
        let (ben, operator) = (&self.stage.ben.0, &self.stage.operator);
        let [hold, release, refused, reversal] = self.never;
        let (none, rest) = (AskedAmount::Exactly(None), AskedAmount::Rest);
        let zero = AskedAmount::Exactly(Some(money("0")));
        let more = AskedAmount::Exactly(Some(money("10.0001")));
        vec![
            ([INVALID_AMOUNT, NO_TRANSFER], operator.clone(), self.unknown, none),
            ([INVALID_AMOUNT, NO_TRANSFER], ben.clone(), self.paid, zero),
            ([INVALID_AMOUNT, NOT_REVERSIBLE], operator.clone(), hold, zero),
            ([INVALID_AMOUNT, ABOVE_ORIGINAL], operator.clone(), self.back, none),
            ([NO_TRANSFER, NOT_REVERSIBLE], ben.clone(), hold, rest),
            ([NO_TRANSFER, ABOVE_ORIGINAL], ben.clone(), self.paid, more),
            ([NO_TRANSFER, NOTHING], operator.clone(), self.unknown, rest),
            ([NOT_REVERSIBLE, ABOVE_ORIGINAL], operator.clone(), hold, more),
            ([NOT_REVERSIBLE, ABOVE_ORIGINAL], operator.clone(), release, more),
            ([NOT_REVERSIBLE, ABOVE_ORIGINAL], operator.clone(), reversal, more),
            ([NOT_REVERSIBLE, FUNDS], operator.clone(), refused, rest),
            ([NOT_REVERSIBLE, FROZEN], operator.clone(), self.frozen_hold, rest),
            ([ABOVE_ORIGINAL, FROZEN], operator.clone(), self.frozen, more),
            ([ABOVE_ORIGINAL, CLOSED], operator.clone(), self.to_closed, more),
            ([ABOVE_ORIGINAL, FUNDS], operator.clone(), self.from_full, more),
            ([ABOVE_ORIGINAL, NOTHING], operator.clone(), self.back, rest),
            ([FROZEN, CLOSED], operator.clone(), self.frozen_to_closed, rest),
            ([FROZEN, NOTHING], operator.clone(), self.frozen, rest),
            ([CLOSED, FUNDS], operator.clone(), self.to_closed, rest),
            ([FUNDS, RANGE], operator.clone(), self.from_full, rest),
        ]
    }
}

async fn reversals_in_order(bank: &Arc<TestBank>, is_dry_run: bool) {
    let cast = ReversalCast::of(bank).await;
    let transfers = &cast.stage.services.transfers;
    let reverse = |actor: &Actor, original, amount| {
        let asking = Asking {
            is_dry_run,
            ..Asking::by(actor)
        };
        let new = NewReversal {
            original,
            amount,
            description: None,
        };
        transfers.reverse(asking, new)
    };
    for (codes, actor, original, amount) in cast.table() {
        expect_first(bank, codes, is_dry_run, reverse(&actor, original, amount)).await;
    }
    bank.fund(cast.poor, "10", "cash").await;
    let asked = reverse(&cast.stage.operator, cast.from_full, AskedAmount::Rest);
    expect_first(bank, [RANGE, NOTHING], is_dry_run, asked).await;
    let made = reverse(&cast.stage.operator, cast.paid, AskedAmount::Rest).await;
    made.expect("nothing is in its way");
}

async fn reversals_are_refused_in_order(bank: Arc<TestBank>) {
    reversals_in_order(&bank, false).await;
}

async fn dry_runs_of_reversals_are_refused_in_order(bank: Arc<TestBank>) {
    reversals_in_order(&bank, true).await;
}
