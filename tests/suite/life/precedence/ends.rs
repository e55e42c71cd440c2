//! Captures and voids.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::identity::Actor;
use service::transfers::{AskedAmount, Asking, NewCapture, NewDestination, NewTransfer};
use service::values::{TransferId, WalletId};

use super::{
    ABOVE_HOLD, CLOSED, FORBIDDEN, FROZEN, HOLD_ENDED, INVALID_AMOUNT, NO_TRANSFER, NOT_A_HOLD, NOTHING, RANGE,
    UNKNOWN, expect_first,
};
use crate::life::acts::{LATER, made, recorded};
use crate::life::{LifeStage, code};
use crate::requests::{MOST, money, new_transfer, quiet_customer, submit};

on_every_backend!(
    captures_are_refused_in_order,
    dry_runs_of_captures_are_refused_in_order,
    voids_are_refused_in_order,
    dry_runs_of_voids_are_refused_in_order,
    a_hold_that_ran_out_is_refused_like_one_that_ended,
);

/// Holds and transfers in every state that a refusal needs. Fay, who promised some of them, is frozen.
struct EndsCast {
    stage: LifeStage,
    /// A customer who is no side of anything.
    eve: Actor,
    unknown: TransferId,
    /// From ana to ben: a hold, one that was voided, a transfer, and the record of a refused hold.
    open: TransferId,
    ended: TransferId,
    paid: TransferId,
    refused: TransferId,
    /// From fay to ben: a hold, one that was voided, and a transfer.
    frozen: TransferId,
    frozen_ended: TransferId,
    frozen_paid: TransferId,
    /// Holds from fay to a closed and to a full wallet, and from ana to the same.
    frozen_to_closed: TransferId,
    frozen_to_full: TransferId,
    to_closed: TransferId,
    to_full: TransferId,
}

/// Holds 10 for a wallet.
async fn held(stage: &LifeStage, (actor, source): (Actor, WalletId), destination: WalletId) -> TransferId {
    let new = NewTransfer {
        source,
        ..new_hold(stage, destination)
    };
    made(submit(&stage.services, &actor, new).await)
}

fn new_hold(stage: &LifeStage, destination: WalletId) -> NewTransfer {
    NewTransfer {
        destination: NewDestination::Wallet(destination),
        ..stage.new_hold("10")
    }
}

impl EndsCast {
    async fn of(bank: &Arc<TestBank>) -> Self {
        let stage = LifeStage::set(bank).await;
        let (eve, _) = quiet_customer(bank, "eve").await;
        let fay = quiet_customer(bank, "fay").await;
        let (_, closed) = quiet_customer(bank, "cleo").await;
        let (_, full) = quiet_customer(bank, "full").await;
        bank.fund(full, MOST, "wire").await;
        bank.fund(fay.1, "100", "visa").await;
        let (ana, bens) = (stage.ana.clone(), stage.ben.1);
        let ended = held(&stage, ana.clone(), bens).await;
        let frozen_ended = held(&stage, fay.clone(), bens).await;
        for hold in [ended, frozen_ended] {
            made(stage.void(&stage.ben.0, hold).await);
        }
        let too_much = submit(&stage.services, &ana.0, stage.new_hold("1000")).await;
        let cast = Self {
            eve,
            unknown: TransferId(UNKNOWN),
            open: held(&stage, ana.clone(), bens).await,
            ended,
            paid: made(stage.pay("10").await),
            refused: recorded(&too_much),
            frozen: held(&stage, fay.clone(), bens).await,
            frozen_ended,
            frozen_paid: made(submit(&stage.services, &fay.0, new_transfer(fay.1, bens, "10")).await),
            frozen_to_closed: held(&stage, fay.clone(), closed).await,
            frozen_to_full: held(&stage, fay.clone(), full).await,
            to_closed: held(&stage, ana.clone(), closed).await,
            to_full: held(&stage, ana, full).await,
            stage,
        };
        cast.stage.freeze(fay.1).await;
        cast.stage.close(closed).await;
        cast
    }

    /// Both refusals of a line apply to a capture of this amount.
    fn captures(&self) -> Vec<([&'static str; 2], Actor, TransferId, AskedAmount)> {
        let (ana, ben, operator, eve) = (
            &self.stage.ana.0,
            &self.stage.ben.0,
            &self.stage.operator,
            self.eve.clone(),
        );
        let (none, rest) = (AskedAmount::Exactly(None), AskedAmount::Rest);
        let zero = AskedAmount::Exactly(Some(money("0")));
        let more = AskedAmount::Exactly(Some(money("10.0001")));
        vec![
            ([INVALID_AMOUNT, NO_TRANSFER], ben.clone(), self.unknown, none),
            ([INVALID_AMOUNT, NO_TRANSFER], eve.clone(), self.open, zero),
            ([INVALID_AMOUNT, FORBIDDEN], ana.clone(), self.open, none),
            ([INVALID_AMOUNT, HOLD_ENDED], ben.clone(), self.ended, zero),
            ([NO_TRANSFER, NOT_A_HOLD], eve.clone(), self.paid, rest),
            ([NO_TRANSFER, NOT_A_HOLD], ben.clone(), self.refused, rest),
            ([NO_TRANSFER, HOLD_ENDED], eve.clone(), self.ended, rest),
            ([NO_TRANSFER, ABOVE_HOLD], eve, self.open, more),
            ([FORBIDDEN, NOT_A_HOLD], ana.clone(), self.paid, rest),
            ([FORBIDDEN, NOT_A_HOLD], ana.clone(), self.refused, rest),
            ([FORBIDDEN, HOLD_ENDED], ana.clone(), self.ended, rest),
            ([FORBIDDEN, ABOVE_HOLD], ana.clone(), self.open, more),
            ([NOT_A_HOLD, ABOVE_HOLD], ben.clone(), self.paid, more),
            ([NOT_A_HOLD, FROZEN], ben.clone(), self.frozen_paid, rest),
            ([NOT_A_HOLD, NOTHING], operator.clone(), self.refused, rest),
            ([HOLD_ENDED, ABOVE_HOLD], ben.clone(), self.ended, more),
            ([HOLD_ENDED, FROZEN], ben.clone(), self.frozen_ended, rest),
            ([ABOVE_HOLD, FROZEN], ben.clone(), self.frozen, more),
            ([ABOVE_HOLD, CLOSED], operator.clone(), self.to_closed, more),
            ([ABOVE_HOLD, RANGE], operator.clone(), self.to_full, more),
            ([FROZEN, CLOSED], operator.clone(), self.frozen_to_closed, rest),
            ([FROZEN, RANGE], operator.clone(), self.frozen_to_full, rest),
            ([FROZEN, NOTHING], ben.clone(), self.frozen, rest),
            ([CLOSED, NOTHING], operator.clone(), self.to_closed, rest),
            ([RANGE, NOTHING], operator.clone(), self.to_full, rest),
        ]
    }

    /// Both refusals of a line apply to a void.
    fn voids(&self) -> Vec<([&'static str; 2], Actor, TransferId)> {
        let (ana, ben, operator, eve) = (
            &self.stage.ana.0,
            &self.stage.ben.0,
            &self.stage.operator,
            self.eve.clone(),
        );
        vec![
            ([NO_TRANSFER, NOTHING], ben.clone(), self.unknown),
            ([NO_TRANSFER, NOT_A_HOLD], eve.clone(), self.paid),
            ([NO_TRANSFER, NOT_A_HOLD], ben.clone(), self.refused),
            ([NO_TRANSFER, HOLD_ENDED], eve, self.ended),
            ([FORBIDDEN, NOT_A_HOLD], ana.clone(), self.paid),
            ([FORBIDDEN, HOLD_ENDED], ana.clone(), self.ended),
            ([FORBIDDEN, NOTHING], ana.clone(), self.open),
            ([NOT_A_HOLD, NOTHING], operator.clone(), self.refused),
            ([NOT_A_HOLD, NOTHING], ben.clone(), self.frozen_paid),
            ([HOLD_ENDED, NOTHING], ben.clone(), self.frozen_ended),
        ]
    }
}

fn asking(actor: &Actor, is_dry_run: bool) -> Asking {
    Asking {
        is_dry_run,
        ..Asking::by(actor)
    }
}

async fn captures_in_order(bank: &Arc<TestBank>, is_dry_run: bool) {
    let cast = EndsCast::of(bank).await;
    let transfers = &cast.stage.services.transfers;
    for (codes, actor, hold, amount) in cast.captures() {
        for is_final in [true, false] {
            let new = NewCapture { hold, amount, is_final };
            let asked = transfers.capture(asking(&actor, is_dry_run), new);
            expect_first(bank, codes, is_dry_run, asked).await;
        }
    }
    made(cast.stage.capture(&cast.stage.ben.0, cast.open, None, true).await);
}

async fn captures_are_refused_in_order(bank: Arc<TestBank>) {
    captures_in_order(&bank, false).await;
}

async fn dry_runs_of_captures_are_refused_in_order(bank: Arc<TestBank>) {
    captures_in_order(&bank, true).await;
}

async fn voids_in_order(bank: &Arc<TestBank>, is_dry_run: bool) {
    let cast = EndsCast::of(bank).await;
    let transfers = &cast.stage.services.transfers;
    for (codes, actor, hold) in cast.voids() {
        let asked = transfers.void(asking(&actor, is_dry_run), hold);
        expect_first(bank, codes, is_dry_run, asked).await;
    }
    // No frozen, closed or full wallet keeps held money.
    for hold in [
        cast.open,
        cast.frozen,
        cast.frozen_to_closed,
        cast.frozen_to_full,
        cast.to_closed,
        cast.to_full,
    ] {
        made(cast.stage.void(&cast.stage.operator, hold).await);
    }
}

async fn voids_are_refused_in_order(bank: Arc<TestBank>) {
    voids_in_order(&bank, false).await;
}

async fn dry_runs_of_voids_are_refused_in_order(bank: Arc<TestBank>) {
    voids_in_order(&bank, true).await;
}

async fn a_hold_that_ran_out_is_refused_like_one_that_ended(bank: Arc<TestBank>) {
    let cast = EndsCast::of(&bank).await;
    bank.advance(LATER).await;
    let stage = &cast.stage;
    // The first line of each wallet is decided before any release is written.
    for (hold, amount) in [
        (cast.open, Some("10.0001")),
        (cast.open, None),
        (cast.frozen, None),
        (cast.to_closed, None),
        (cast.to_full, None),
    ] {
        let refused = stage.capture(&stage.operator, hold, amount, true).await;
        assert_eq!(code(&refused), HOLD_ENDED);
        assert_eq!(code(&stage.void(&stage.operator, hold).await), HOLD_ENDED);
    }
    assert_eq!(
        code(&stage.capture(&stage.ana.0, cast.open, None, true).await),
        FORBIDDEN
    );
    assert_eq!(
        code(&stage.capture(&cast.eve, cast.open, None, true).await),
        NO_TRANSFER
    );
}
