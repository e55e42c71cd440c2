//! The plain bank of the model check of holds: whole numbers, one rule after the other. Shares no code with the ledger.

use service::values::{HoldEnd, WalletStatus};

use crate::holds_events::{Capture, Event, Plan, Scope, Side, Who};

/// The code of an answer, and the number that comes with it.
pub type Reply = (&'static str, Option<i64>);

/// A hold that was made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Promise {
    pub plan: Plan,
    pub remaining: i64,
    pub captured: i64,
    pub expires_at: i64,
    pub end: Option<HoldEnd>,
}

/// A transfer that moved money and can be reversed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moved {
    pub sides: (Side, Side),
    pub units: i64,
    pub reversed: i64,
    pub is_capture: bool,
}

/// The whole bank.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// By `Side`.
    pub balances: [i64; 3],
    /// By `Side`.
    pub statuses: [WalletStatus; 3],
    /// By plan.
    pub promises: Vec<Option<Promise>>,
    pub moved: Vec<Moved>,
    /// The time of the next record, in microseconds. Each record takes one.
    pub next: i64,
}

/// A hold that ends later than this many microseconds from now behaves like every other such hold: fewer records lie
/// between a step of the clock and the deepest state.
const NEAR: i64 = 1_000;

impl State {
    pub fn start(scope: Scope) -> Self {
        Self {
            balances: [scope.start, 0, -scope.start],
            statuses: [WalletStatus::Active; 3],
            promises: vec![None; scope.plans.len()],
            moved: Vec::new(),
            next: 1,
        }
    }

    /// The same for all states from which the same can happen.
    pub fn key(&self) -> Self {
        let mut key = self.clone();
        key.next = 0;
        for promise in key.promises.iter_mut().flatten() {
            let left = (promise.expires_at - self.next).clamp(0, NEAR);
            promise.expires_at = if promise.end.is_some() { 0 } else { left };
        }
        key.moved.sort_unstable();
        key
    }

    /// Lets an event happen.
    pub fn apply(&mut self, event: Event, scope: Scope) -> Reply {
        match event {
            Event::Sweep => {
                self.expire(Side::Payer);
                ("expired", None)
            }
            Event::Pass(to) => {
                self.next = to;
                ("passed", None)
            }
            Event::Pay => self.transfer((Side::Payer, Side::Payee), 1),
            Event::PayBack => self.transfer((Side::Payee, Side::Payer), 1),
            Event::TopUp => self.transfer((Side::System, Side::Payer), 2),
            Event::Status(side, to) => self.set_status(side, to),
            Event::Hold(plan) => self.hold(plan, scope.plans[plan]),
            Event::Capture(capture) => self.capture(capture),
            Event::Void(plan, by) => self.void(plan, by),
            Event::Reverse(index, units) => self.reverse(index, units),
            Event::CaptureNoHold(index) => {
                self.expire(self.moved[index].sides.0);
                ("not_a_hold", None)
            }
            Event::ReverseHold(_) => ("not_reversible", None),
        }
    }

    pub fn held(&self) -> i64 {
        self.promises.iter().flatten().map(|promise| promise.remaining).sum()
    }

    pub fn open(&self) -> impl Iterator<Item = &Promise> {
        self.promises.iter().flatten().filter(|promise| promise.end.is_none())
    }

    pub fn status(&self, side: Side) -> WalletStatus {
        self.statuses[side as usize]
    }

    fn available(&self, side: Side) -> i64 {
        let held = if side == Side::Payer { self.held() } else { 0 };
        self.balances[side as usize] - held
    }

    /// Releases the payer's holds that have run out, before something is decided about the wallet.
    fn expire(&mut self, side: Side) {
        if side != Side::Payer {
            return;
        }
        loop {
            let now = self.next;
            let due = self.promises.iter_mut().flatten();
            let due = due.filter(|promise| promise.end.is_none() && promise.expires_at <= now);
            let Some(first) = due.min_by_key(|promise| promise.expires_at) else {
                return;
            };
            (first.remaining, first.end) = (0, Some(HoldEnd::Expired));
            self.next += 1;
        }
    }

    /// The rules whose answer is recorded. `is_paid` when the money is held already.
    fn check(&self, (from, to): (Side, Side), units: i64, is_paid: bool) -> Option<Reply> {
        let statuses = [self.status(from), self.status(to)];
        if statuses.contains(&WalletStatus::Frozen) {
            return Some(("wallet_frozen", None));
        }
        if statuses.contains(&WalletStatus::Closed) {
            return Some(("wallet_closed", None));
        }
        let available = self.available(from);
        let is_short = from != Side::System && !is_paid && available < units;
        is_short.then_some(("insufficient_funds", Some(available)))
    }

    fn post(&mut self, (from, to): (Side, Side), units: i64) {
        self.balances[from as usize] -= units;
        self.balances[to as usize] += units;
    }

    fn transfer(&mut self, sides: (Side, Side), units: i64) -> Reply {
        self.expire(sides.0);
        let refused = self.check(sides, units, false);
        self.next += 1;
        if let Some(refused) = refused {
            return refused;
        }
        self.post(sides, units);
        self.note(sides, units, false);
        DONE
    }

    fn note(&mut self, sides: (Side, Side), units: i64, is_capture: bool) {
        self.moved.push(Moved {
            sides,
            units,
            reversed: 0,
            is_capture,
        });
    }

    fn hold(&mut self, index: usize, plan: Plan) -> Reply {
        self.expire(Side::Payer);
        let refused = self.check((Side::Payer, plan.to), plan.units, false);
        let at = self.next;
        self.next += 1;
        if let Some(refused) = refused {
            return refused;
        }
        self.promises[index] = Some(Promise {
            plan,
            remaining: plan.units,
            captured: 0,
            expires_at: at + plan.seconds * 1_000_000,
            end: None,
        });
        DONE
    }

    /// The hold that a user wants to end, if they may and it is open.
    fn endable(&mut self, index: usize, by: Who) -> Result<Promise, Reply> {
        self.expire(Side::Payer);
        let promise = self.promises[index]
            .clone()
            .expect("only holds that were made are ended");
        match (by, promise.plan.to) {
            (Who::Operator, _) | (Who::Payee, Side::Payee) => {}
            (Who::Payer, _) => return Err(("forbidden", None)),
            (Who::Payee, _) => return Err(("transfer_not_found", None)),
        }
        match promise.end {
            None => Ok(promise),
            Some(HoldEnd::Expired) => Err(("hold_closed: expired", None)),
            Some(HoldEnd::Captured | HoldEnd::Voided) => Err(("hold_closed", None)),
        }
    }

    fn capture(&mut self, capture: Capture) -> Reply {
        let mut promise = match self.endable(capture.plan, capture.by) {
            Ok(promise) => promise,
            Err(refused) => return refused,
        };
        let units = capture.units.unwrap_or(promise.remaining);
        if units > promise.remaining {
            return ("amount_exceeds_hold", Some(promise.remaining));
        }
        let sides = (Side::Payer, promise.plan.to);
        let refused = self.check(sides, units, true);
        self.next += 1;
        if let Some(refused) = refused {
            return refused;
        }
        promise.captured += units;
        promise.remaining = if capture.is_final { 0 } else { promise.remaining - units };
        promise.end = (promise.remaining == 0).then_some(HoldEnd::Captured);
        self.promises[capture.plan] = Some(promise);
        self.post(sides, units);
        self.note(sides, units, true);
        DONE
    }

    fn void(&mut self, index: usize, by: Who) -> Reply {
        let promise = match self.endable(index, by) {
            Ok(promise) => promise,
            Err(refused) => return refused,
        };
        self.next += 1;
        self.promises[index] = Some(Promise {
            remaining: 0,
            end: Some(HoldEnd::Voided),
            ..promise
        });
        DONE
    }

    fn reverse(&mut self, index: usize, units: Option<i64>) -> Reply {
        let left = self.moved[index].units - self.moved[index].reversed;
        let units = units.unwrap_or(left);
        if units > left || left == 0 {
            return ("amount_exceeds_original", Some(left));
        }
        let (from, to) = self.moved[index].sides;
        self.expire(to);
        let refused = self.check((to, from), units, false);
        self.next += 1;
        if let Some(refused) = refused {
            return refused;
        }
        self.post((to, from), units);
        self.moved[index].reversed += units;
        DONE
    }

    fn set_status(&mut self, side: Side, to: WalletStatus) -> Reply {
        self.expire(side);
        let held = if side == Side::Payer { self.held() } else { 0 };
        if self.status(side) == WalletStatus::Closed {
            return ("wallet_closed", None);
        }
        if to == WalletStatus::Closed && (self.balances[side as usize] != 0 || held != 0) {
            return ("wallet_not_empty", None);
        }
        self.statuses[side as usize] = to;
        self.next += 1;
        DONE
    }
}

const DONE: Reply = ("done", None);
