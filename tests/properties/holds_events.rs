//! What can happen in the model check of holds.

use service::values::WalletStatus;

use crate::holds_reference::{Moved, Promise, State};

/// A wallet. Every hold is on the payer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Payer,
    Payee,
    System,
}

/// The user who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Payer,
    Payee,
    Operator,
}

/// A hold that the payer may make, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    pub to: Side,
    pub units: i64,
    pub seconds: i64,
}

/// What a check goes through: the payer's first money, the holds, and how many plain payments may succeed.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    pub start: i64,
    pub plans: &'static [Plan],
    pub payments: usize,
    pub paybacks: usize,
    pub top_ups: usize,
}

/// One thing that happens. Holds are named by their plan, other transfers by their place among those that moved money.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    Hold(usize),
    Capture(Capture),
    Void(usize, Who),
    /// `None` for all that is left.
    Reverse(usize, Option<i64>),
    /// One unit from the payer to the payee.
    Pay,
    /// One unit from the payee to the payer.
    PayBack,
    /// A deposit of two units for the payer.
    TopUp,
    Status(Side, WalletStatus),
    /// What the sweeper asks for.
    Sweep,
    /// The clock moves to this time, in microseconds.
    Pass(i64),
    CaptureNoHold(usize),
    ReverseHold(usize),
}

#[derive(Clone, Copy, Debug)]
pub struct Capture {
    pub plan: usize,
    pub by: Who,
    /// `None` for all that remains.
    pub units: Option<i64>,
    pub is_final: bool,
}

impl State {
    /// Everything that can happen next.
    pub fn events(&self, scope: Scope) -> Vec<Event> {
        let done = |sides: (Side, Side)| {
            let like = |moved: &&Moved| moved.sides == sides && !moved.is_capture;
            self.moved.iter().filter(like).count()
        };
        let mut events = vec![Event::Sweep];
        if done((Side::Payer, Side::Payee)) < scope.payments {
            events.push(Event::Pay);
        }
        if done((Side::Payee, Side::Payer)) < scope.paybacks {
            events.push(Event::PayBack);
        }
        if done((Side::System, Side::Payer)) < scope.top_ups {
            events.push(Event::TopUp);
        }
        for side in [Side::Payer, Side::Payee] {
            let others = WalletStatus::ALL.iter().filter(|to| **to != self.status(side));
            events.extend(others.map(|to| Event::Status(side, *to)));
        }
        for (plan, promise) in self.promises.iter().enumerate() {
            match promise {
                None => events.push(Event::Hold(plan)),
                Some(promise) => events.extend(ends_of(plan, promise)),
            }
        }
        let left = self.open().map(|promise| promise.expires_at - self.next);
        if let Some(left) = left.filter(|left| *left > 0).min() {
            events.push(Event::Pass(self.next + left));
            events.extend((left > 1).then_some(Event::Pass(self.next + left - 1)));
        }
        for (index, moved) in self.moved.iter().enumerate() {
            if !self.moved[..index].contains(moved) {
                events.extend([Event::Reverse(index, Some(1)), Event::Reverse(index, None)]);
            }
        }
        events.extend((!self.moved.is_empty()).then_some(Event::CaptureNoHold(0)));
        events.extend(self.promises[0].is_some().then_some(Event::ReverseHold(0)));
        events
    }
}

/// Everything that can be asked of a hold that was made.
fn ends_of(plan: usize, promise: &Promise) -> Vec<Event> {
    let ender = if promise.plan.to == Side::Payee {
        Who::Payee
    } else {
        Who::Operator
    };
    let capture = |by: Who, units: Option<i64>, is_final: bool| {
        Event::Capture(Capture {
            plan,
            by,
            units,
            is_final,
        })
    };
    if promise.end.is_some() {
        return vec![capture(Who::Operator, None, true), Event::Void(plan, ender)];
    }
    vec![
        capture(ender, Some(1), false),
        capture(ender, Some(1), true),
        capture(ender, None, true),
        capture(Who::Operator, Some(promise.plan.units + 1), true),
        capture(Who::Payer, None, true),
        capture(Who::Payee, None, false),
        Event::Void(plan, ender),
        Event::Void(plan, Who::Payer),
    ]
}
