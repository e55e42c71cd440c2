//! The beginnings of histories: each case plays one of them, so that every run reaches every situation of `SITUATIONS`.
//!
//! Each of the eleven is played by about one case of eleven. At first the wallets 0, 1 and 2 have fifty units, wallet 3
//! is twenty units from full, and wallet 4 is empty; 1 and 4 are in another currency (see `WALLETS`).

use service::values::{TransferKind, WalletStatus};

use crate::life_instructions::OPERATOR;
use crate::life_steps::Amount::{self, More, Rest, Units};
use crate::life_steps::Pick::{self, First, Last, Unknown};
use crate::life_steps::{DrawnCash, DrawnInstruction, DrawnOperation, DrawnPayment, LONGEST_SECONDS, Step, WALLETS};

const NOBODYS: usize = WALLETS.len();
/// The method that is open from the beginning.
const OPEN: u8 = 0;
/// The method that an operator's first use opens.
const UNOPENED: u8 = 1;
const NEXT_DAY: Step = Step::Pass(86_401);
/// After it a hold of a minute has run out.
const LATER: Step = Step::Pass(61);

pub fn scripts() -> Vec<Vec<Step>> {
    vec![
        payments(),
        cash(),
        captures(),
        voids_and_expiries(),
        reversals(),
        full_wallet(),
        frozen_wallet(),
        closed_wallet(),
        limits_of_amounts(),
        limits_of_numbers(),
        batches(),
    ]
}

fn payments() -> Vec<Step> {
    vec![
        keyed(0, pay(0, 2, Units(10))),
        Step::Again(None),
        keyed(0, pay(0, 2, Units(11))),
        pay(0, 2, Units(0)),
        by(1, pay(0, 2, Units(1))),
        pay(0, 0, Units(1)),
        pay(0, 1, Units(1)),
        keyed(1, pay(0, 2, More)),
        Step::Again(None),
        pay(0, 3, Units(21)),
        keyed(2, hold(0, 2, 60, Units(10))),
        Step::Again(None),
    ]
}

fn cash() -> Vec<Step> {
    vec![
        by(0, withdraw(0, UNOPENED, Units(5))),
        by(0, withdraw_later(0, UNOPENED, Units(5))),
        deposit(0, Units(0)),
        deposit(NOBODYS, Units(1)),
        deposit(3, Units(21)),
        keyed(0, deposit(0, Units(5))),
        Step::Again(None),
        withdraw(0, OPEN, Units(0)),
        by(1, withdraw(0, OPEN, Units(5))),
        withdraw(0, OPEN, More),
        withdraw_later(0, OPEN, Units(0)),
        by(1, withdraw_later(0, OPEN, Units(5))),
        withdraw_later(0, OPEN, More),
        keyed(0, withdraw(0, OPEN, Units(5))),
        Step::Again(None),
        by(OPERATOR, withdraw(0, UNOPENED, Units(5))),
    ]
}

fn captures() -> Vec<Step> {
    let held = Last(TransferKind::Hold);
    vec![
        hold(0, 2, 3_600, Units(20)),
        keyed(0, capture(held, Units(5), false)),
        Step::Again(None),
        capture(held, More, false),
        capture(held, Units(0), false),
        by(0, capture(held, Rest, true)),
        by(2, capture(held, Rest, true)),
        capture(held, Units(5), true),
        capture(held, Rest, true),
        void(held),
        pay(2, 0, Rest),
        reverse(Last(TransferKind::Capture), Rest),
        pay(0, 2, Units(20)),
        reverse(Last(TransferKind::Capture), Units(2)),
        reverse(Last(TransferKind::Capture), Rest),
        reverse(Last(TransferKind::Capture), Rest),
    ]
}

fn voids_and_expiries() -> Vec<Step> {
    let held = Last(TransferKind::Hold);
    vec![
        hold(0, 2, 60, Units(20)),
        by(0, void(held)),
        by(2, void(held)),
        keyed(0, void(held)),
        Step::Again(None),
        hold(0, 2, 60, Units(20)),
        LATER,
        capture(held, Rest, true),
        void(held),
        withdraw_later(0, OPEN, Units(20)),
        capture(held, Units(1), false),
        LATER,
        Step::Sweep,
        pay(0, 2, Rest),
    ]
}

fn reversals() -> Vec<Step> {
    let paid = First(TransferKind::Transfer);
    vec![
        pay(0, 2, Units(10)),
        capture(paid, Rest, true),
        void(paid),
        reverse(paid, Units(0)),
        reverse(Unknown, Rest),
        by(0, reverse(paid, Rest)),
        hold(0, 2, 3_600, Units(5)),
        reverse(Last(TransferKind::Hold), Rest),
        pay(2, 0, Rest),
        reverse(paid, Rest),
        withdraw(0, OPEN, Units(5)),
        keyed(0, reverse(Last(TransferKind::Withdrawal), Rest)),
        Step::Again(None),
        reverse(First(TransferKind::Deposit), Units(5)),
        reverse(Last(TransferKind::Transfer), Units(5)),
    ]
}

fn full_wallet() -> Vec<Step> {
    vec![
        hold(0, 3, 3_600, Units(30)),
        capture(Last(TransferKind::Hold), Rest, true),
        pay(3, 0, Units(10)),
        deposit(3, Units(25)),
        reverse(Last(TransferKind::Transfer), Rest),
        hold(0, 2, 60, Units(0)),
        by(1, hold(0, 2, 60, Units(1))),
        hold(0, 0, 60, Units(1)),
        hold(0, 1, 60, Units(1)),
        hold(0, 2, 60, More),
    ]
}

fn frozen_wallet() -> Vec<Step> {
    vec![
        pay(0, 2, Units(10)),
        hold(0, 2, 3_600, Units(10)),
        Step::Status(0, WalletStatus::Frozen),
        pay(0, 2, Units(1)),
        hold(0, 2, 60, Units(1)),
        deposit(0, Units(1)),
        withdraw(0, OPEN, Units(1)),
        withdraw_later(0, OPEN, Units(1)),
        capture(Last(TransferKind::Hold), Rest, true),
        reverse(Last(TransferKind::Transfer), Rest),
        void(Last(TransferKind::Hold)),
        Step::Status(0, WalletStatus::Active),
        pay(0, 2, Units(1)),
    ]
}

fn closed_wallet() -> Vec<Step> {
    vec![
        pay(1, 4, Units(5)),
        Step::Status(4, WalletStatus::Closed),
        pay(4, 1, Rest),
        hold(1, 4, 3_600, Units(10)),
        Step::Status(4, WalletStatus::Closed),
        pay(1, 4, Units(1)),
        hold(1, 4, 60, Units(1)),
        deposit(4, Units(1)),
        withdraw(4, OPEN, Units(1)),
        withdraw_later(4, OPEN, Units(1)),
        capture(Last(TransferKind::Hold), Rest, true),
        reverse(First(TransferKind::Transfer), Rest),
        Step::Status(4, WalletStatus::Active),
        Step::Limits(4, [Some(1), None, None]),
    ]
}

fn limits_of_amounts() -> Vec<Step> {
    vec![
        Step::Limits(0, [Some(20), Some(30), None]),
        pay(0, 2, Units(21)),
        hold(0, 2, 60, Units(21)),
        withdraw(0, OPEN, Units(21)),
        withdraw_later(0, OPEN, Units(21)),
        hold(0, 2, 60, Units(20)),
        pay(0, 2, Units(11)),
        hold(0, 2, 60, Units(11)),
        withdraw(0, OPEN, Units(11)),
        withdraw_later(0, OPEN, Units(11)),
        LATER,
        pay(0, 2, Units(20)),
        batch(true, vec![payment(0, 2, Units(5)), payment(0, 2, Units(6))]),
    ]
}

fn limits_of_numbers() -> Vec<Step> {
    vec![
        Step::Limits(0, [None, None, Some(1)]),
        hold(0, 2, LONGEST_SECONDS, Units(5)),
        pay(0, 2, Units(1)),
        hold(0, 2, 60, Units(1)),
        withdraw(0, OPEN, Units(1)),
        withdraw_later(0, OPEN, Units(1)),
        NEXT_DAY,
        pay(0, 2, Units(1)),
        // What was held yesterday gives nothing back today.
        void(First(TransferKind::Hold)),
        pay(0, 2, Units(1)),
        Step::Limits(0, [None; 3]),
        pay(0, 2, Units(1)),
        // What went out before a limit was set counts against it.
        Step::Limits(0, [None, Some(2), None]),
        pay(0, 2, Units(1)),
    ]
}

fn batches() -> Vec<Step> {
    let [small, same] = [payment(0, 2, Units(10)), payment(0, 0, Units(1))];
    let held = DrawnPayment {
        seconds: Some(60),
        ..small
    };
    vec![
        keyed(0, batch(false, vec![small, payment(0, 2, More), held, same])),
        Step::Again(None),
        keyed(1, batch(true, vec![small, small])),
        Step::Again(None),
        keyed(2, batch(true, vec![payment(0, 2, Units(5)), payment(0, 2, Units(51))])),
        Step::Again(None),
        keyed(2, batch(true, vec![small])),
        batch(true, vec![payment(0, 2, Units(5)), same]),
        batch(false, vec![same]),
    ]
}

/// The same step, asked for by this one.
fn by(asker: usize, step: Step) -> Step {
    match step {
        Step::Ask(drawn) => Step::Ask(DrawnInstruction {
            asker: Some(asker),
            ..drawn
        }),
        other => other,
    }
}

/// The same step under a key.
fn keyed(key: u8, step: Step) -> Step {
    match step {
        Step::Ask(drawn) => Step::Ask(DrawnInstruction {
            key: Some(key),
            ..drawn
        }),
        other => other,
    }
}

fn ask(operation: DrawnOperation) -> Step {
    Step::Ask(DrawnInstruction {
        asker: None,
        key: None,
        operation,
    })
}

fn payment(source: usize, destination: usize, amount: Amount) -> DrawnPayment {
    DrawnPayment {
        source,
        destination,
        amount,
        seconds: None,
    }
}

fn pay(source: usize, destination: usize, amount: Amount) -> Step {
    ask(DrawnOperation::Transfer(payment(source, destination, amount)))
}

fn hold(source: usize, destination: usize, seconds: i64, amount: Amount) -> Step {
    ask(DrawnOperation::Transfer(DrawnPayment {
        seconds: Some(seconds),
        ..payment(source, destination, amount)
    }))
}

fn of_method(wallet: usize, method: u8, amount: Amount) -> DrawnCash {
    DrawnCash {
        wallet,
        method,
        amount,
        seconds: None,
    }
}

fn deposit(wallet: usize, amount: Amount) -> Step {
    ask(DrawnOperation::Deposit(of_method(wallet, OPEN, amount)))
}

fn withdraw(wallet: usize, method: u8, amount: Amount) -> Step {
    ask(DrawnOperation::Withdrawal(of_method(wallet, method, amount)))
}

/// A withdrawal that is held for a minute.
fn withdraw_later(wallet: usize, method: u8, amount: Amount) -> Step {
    ask(DrawnOperation::Withdrawal(DrawnCash {
        seconds: Some(60),
        ..of_method(wallet, method, amount)
    }))
}

fn capture(pick: Pick, amount: Amount, is_final: bool) -> Step {
    ask(DrawnOperation::Capture(pick, amount, is_final))
}

fn void(pick: Pick) -> Step {
    ask(DrawnOperation::Void(pick))
}

fn reverse(pick: Pick, amount: Amount) -> Step {
    ask(DrawnOperation::Reversal(pick, amount))
}

fn batch(is_atomic: bool, payments: Vec<DrawnPayment>) -> Step {
    ask(DrawnOperation::Batch(is_atomic, payments))
}
