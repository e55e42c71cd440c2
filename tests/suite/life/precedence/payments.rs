//! Deposits, withdrawals and held withdrawals.

use std::sync::Arc;

use harness::{TestBank, on_every_backend};
use service::identity::Actor;
use service::transfers::{Asking, HoldTerms, NewPayment};
use service::values::{Method, WalletId};

use super::{
    CLOSED, FROZEN, FUNDS, INVALID_AMOUNT, LIMIT, NO_METHOD, NO_WALLET, NOTHING, RANGE, UNKNOWN, expect_first,
    wallet_in,
};
use crate::life::LifeStage;
use crate::life::acts::{limits, made};
use crate::requests::{MOST, money, quiet_customer};

on_every_backend!(
    withdrawals_are_refused_in_order,
    held_withdrawals_are_refused_in_order,
    dry_runs_of_withdrawals_are_refused_in_order,
    deposits_are_refused_in_order,
    dry_runs_of_deposits_are_refused_in_order,
);

/// Wallets and methods in every state that a refusal needs.
struct PaymentCast {
    stage: LifeStage,
    /// Ana's: one frozen, one closed.
    frozen: WalletId,
    closed: WalletId,
    /// With 10 USD, of which 5 may go out at once; the second is frozen too.
    limited: (Actor, WalletId),
    stopped: (Actor, WalletId),
    /// In USD, of other customers.
    frozen_dollars: WalletId,
    closed_dollars: WalletId,
    full: WalletId,
}

/// How a withdrawal is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WithdrawalForm {
    Now,
    Held,
    DryRun,
}

impl PaymentCast {
    /// The method `wire` has paid in all that a balance holds, and `brim` has paid out as much.
    async fn of(bank: &Arc<TestBank>) -> Self {
        let stage = LifeStage::set(bank).await;
        let [limited, stopped] = [quiet_customer(bank, "lim").await, quiet_customer(bank, "stop").await];
        for (_, wallet) in [limited.clone(), stopped.clone()] {
            bank.fund(wallet, "10", "visa").await;
            stage.restrict(wallet, limits(Some("5"), None, None)).await;
        }
        let (_, frozen_dollars) = quiet_customer(bank, "fay").await;
        let (_, closed_dollars) = quiet_customer(bank, "cleo").await;
        let (_, full) = quiet_customer(bank, "full").await;
        bank.fund(full, MOST, "wire").await;
        let (_, rich) = quiet_customer(bank, "rich").await;
        bank.fund(rich, MOST, "flood").await;
        let out = stage
            .services
            .transfers
            .withdraw(Asking::by(&stage.operator), payment(rich, Some(MOST), "brim"));
        made(out.await);
        let (frozen, closed) = (wallet_in(&stage, "EUR").await, wallet_in(&stage, "GBP").await);
        for currency in ["EUR", "GBP"] {
            bank.open_method("visa", currency).await;
        }
        for wallet in [frozen, frozen_dollars, stopped.1] {
            stage.freeze(wallet).await;
        }
        for wallet in [closed, closed_dollars] {
            stage.close(wallet).await;
        }
        Self {
            stage,
            frozen,
            closed,
            limited,
            stopped,
            frozen_dollars,
            closed_dollars,
            full,
        }
    }

    /// Both refusals of a line apply to its withdrawal.
    fn withdrawals(&self) -> Vec<([&'static str; 2], Actor, NewPayment)> {
        let (ana, dollars) = &self.stage.ana;
        let ((lim, limited), (stop, stopped)) = (self.limited.clone(), self.stopped.clone());
        let unknown = WalletId(UNKNOWN);
        let one = Some("1");
        vec![
            ([INVALID_AMOUNT, NO_WALLET], ana.clone(), payment(unknown, None, "visa")),
            (
                [INVALID_AMOUNT, NO_WALLET],
                ana.clone(),
                payment(self.full, Some("0"), "visa"),
            ),
            (
                [INVALID_AMOUNT, NO_METHOD],
                ana.clone(),
                payment(*dollars, Some("0"), "no_such"),
            ),
            (
                [INVALID_AMOUNT, FROZEN],
                ana.clone(),
                payment(self.frozen, None, "visa"),
            ),
            ([NO_WALLET, NO_METHOD], ana.clone(), payment(unknown, one, "no_such")),
            ([NO_WALLET, NO_METHOD], ana.clone(), payment(self.full, one, "no_such")),
            (
                [NO_WALLET, FROZEN],
                ana.clone(),
                payment(self.frozen_dollars, one, "visa"),
            ),
            ([NO_METHOD, FROZEN], ana.clone(), payment(self.frozen, one, "no_such")),
            ([NO_METHOD, CLOSED], ana.clone(), payment(self.closed, one, "no_such")),
            ([NO_METHOD, LIMIT], lim.clone(), payment(limited, Some("6"), "no_such")),
            (
                [NO_METHOD, FUNDS],
                ana.clone(),
                payment(*dollars, Some("101"), "no_such"),
            ),
            ([FROZEN, LIMIT], stop, payment(stopped, Some("6"), "visa")),
            ([FROZEN, FUNDS], ana.clone(), payment(self.frozen, one, "visa")),
            ([CLOSED, FUNDS], ana.clone(), payment(self.closed, one, "visa")),
            ([LIMIT, FUNDS], lim.clone(), payment(limited, Some("11"), "visa")),
            ([LIMIT, RANGE], lim, payment(limited, Some("6"), "brim")),
            ([FUNDS, RANGE], ana.clone(), payment(*dollars, Some("101"), "brim")),
            ([RANGE, NOTHING], ana.clone(), payment(*dollars, one, "brim")),
        ]
    }

    /// Both refusals of a line apply to its deposit. An operator's deposit opens its method, so none is unknown.
    fn deposits(&self) -> Vec<([&'static str; 2], NewPayment)> {
        let unknown = WalletId(UNKNOWN);
        let one = Some("1");
        vec![
            ([INVALID_AMOUNT, NO_WALLET], payment(unknown, None, "visa")),
            (
                [INVALID_AMOUNT, FROZEN],
                payment(self.frozen_dollars, Some("0"), "visa"),
            ),
            ([INVALID_AMOUNT, RANGE], payment(self.full, None, "visa")),
            ([NO_WALLET, NO_METHOD], payment(unknown, one, "no_such")),
            ([FROZEN, RANGE], payment(self.frozen_dollars, one, "wire")),
            ([CLOSED, RANGE], payment(self.closed_dollars, one, "wire")),
            // One of the two is full: the method's side, or the customer's.
            ([RANGE, NOTHING], payment(self.stage.ben.1, one, "wire")),
            ([RANGE, NOTHING], payment(self.full, one, "visa")),
        ]
    }
}

fn payment(wallet: WalletId, amount: Option<&str>, method: &str) -> NewPayment {
    let method = Method::try_new(method).expect("a test's method is one");
    NewPayment::new(wallet, amount.map(money), method)
}

async fn withdrawals_in_order(bank: &Arc<TestBank>, form: WithdrawalForm) {
    let cast = PaymentCast::of(bank).await;
    let transfers = &cast.stage.services.transfers;
    for (codes, actor, new) in cast.withdrawals() {
        let hold = (form == WithdrawalForm::Held).then_some(HoldTerms::DEFAULT);
        // A hold moves no money yet, so it cannot leave the range of a balance.
        if hold.is_some() && codes == [RANGE, NOTHING] {
            continue;
        }
        let asking = Asking {
            is_dry_run: form == WithdrawalForm::DryRun,
            ..Asking::by(&actor)
        };
        let asked = transfers.withdraw(asking, NewPayment { hold, ..new });
        expect_first(bank, codes, form == WithdrawalForm::DryRun, asked).await;
    }
    assert_eq!(
        cast.stage.amounts(cast.stage.ana.1).await,
        ["100.0000", "0.0000", "100.0000"]
    );
    no_method_was_opened(bank).await;
}

async fn no_method_was_opened(bank: &TestBank) {
    let opened = "SELECT count(*) AS n FROM wallets WHERE method = 'no_such'";
    assert_eq!(bank.number(opened).await, 0);
}

async fn withdrawals_are_refused_in_order(bank: Arc<TestBank>) {
    withdrawals_in_order(&bank, WithdrawalForm::Now).await;
}

async fn held_withdrawals_are_refused_in_order(bank: Arc<TestBank>) {
    withdrawals_in_order(&bank, WithdrawalForm::Held).await;
}

async fn dry_runs_of_withdrawals_are_refused_in_order(bank: Arc<TestBank>) {
    withdrawals_in_order(&bank, WithdrawalForm::DryRun).await;
}

async fn deposits_in_order(bank: &Arc<TestBank>, is_dry_run: bool) {
    let cast = PaymentCast::of(bank).await;
    let transfers = &cast.stage.services.transfers;
    let before = bank.balances(&[cast.stage.ben.1, cast.full]).await;
    for (codes, new) in cast.deposits() {
        let asking = Asking {
            is_dry_run,
            ..Asking::by(&cast.stage.operator)
        };
        expect_first(bank, codes, is_dry_run, transfers.deposit(asking, new)).await;
    }
    assert_eq!(bank.balances(&[cast.stage.ben.1, cast.full]).await, before);
    no_method_was_opened(bank).await;
}

async fn deposits_are_refused_in_order(bank: Arc<TestBank>) {
    deposits_in_order(&bank, false).await;
}

async fn dry_runs_of_deposits_are_refused_in_order(bank: Arc<TestBank>) {
    deposits_in_order(&bank, true).await;
}
