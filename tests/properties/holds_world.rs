//! The ledger's side of the model check of holds: three wallets in a book that is opened anew for each event.

use chrono::DateTime;
use service::actor::Actor;
use service::ledger::{
    Action, AskedAmount, CaptureRequest, Command, Destination, Direction, Expected, HoldTerms, Movement, Outcome,
    Payment, Refusal, ReversalRequest, Stamps, StatusRequest, Texts, VoidRequest, Wallet, WalletRefusal,
};
use service::values::{
    Method, Money, Role, Timestamp, TransferId, TransferKind, UserId, Version, WalletId, WalletStatus,
};
use uuid::Uuid;

use crate::book_case::Ticks;
use crate::book_store::Stored;
use crate::cases::{currency, money};
use crate::holds_events::{Event, Plan, Scope, Side, Who};
use crate::holds_reference::Reply;

/// What is stored, and the ids of what the events name.
#[derive(Clone)]
pub struct World {
    pub stored: Stored,
    plans: &'static [Plan],
    pub holds: Vec<Option<TransferId>>,
    pub moved: Vec<TransferId>,
    ticks: Ticks,
}

impl World {
    pub fn start(scope: Scope) -> Self {
        let wallet = |side: Side, units: i64| Wallet {
            id: id_of(side),
            owner: (side != Side::System).then(|| UserId(id_of(side).0)),
            method: (side == Side::System).then(method),
            currency: currency(0),
            balance: money(units),
            held: Money::ZERO,
            status: WalletStatus::Active,
            version: Version(0),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            limits: None,
        };
        Self {
            stored: Stored::of([
                wallet(Side::Payer, scope.start),
                wallet(Side::Payee, 0),
                wallet(Side::System, -scope.start),
            ]),
            plans: scope.plans,
            holds: vec![None; scope.plans.len()],
            moved: Vec::new(),
            ticks: Ticks::new(),
        }
    }

    /// Lets events happen, all in one book; gives the world after them, and the replies.
    pub fn play(&self, events: &[Event]) -> (Self, Vec<Reply>) {
        let mut next = self.clone();
        let known: Vec<Command> = events.iter().filter_map(|event| self.command(*event)).collect();
        let mut now = self.time();
        for event in events {
            if let Event::Pass(to) = event {
                now = now.max(at(*to));
            }
        }
        let mut book = self.stored.book(&known, now);
        let mut replies = Vec::with_capacity(events.len());
        for event in events {
            let Some(command) = next.command(*event) else {
                if let Event::Pass(to) = event {
                    next.ticks.move_to(at(*to));
                }
                replies.push(("passed", None));
                continue;
            };
            let outcome = book.apply(&command, &mut next.ticks);
            next.note(*event, &outcome);
            replies.push(reply_of(&outcome));
        }
        next.stored.write(book.close());
        (next, replies)
    }

    /// True if a caller can ask for the event before the answer to this one is known.
    pub fn can_ask(&self, event: Event) -> bool {
        match event {
            Event::Reverse(index, _) | Event::CaptureNoHold(index) => index < self.moved.len(),
            Event::Hold(_)
            | Event::Capture(_)
            | Event::Void(..)
            | Event::Pay
            | Event::PayBack
            | Event::TopUp
            | Event::Status(..)
            | Event::Sweep
            | Event::Pass(_) => true,
            Event::ReverseHold(plan) => self.holds[plan].is_some(),
        }
    }

    /// Remembers the ids of new transfers.
    fn note(&mut self, event: Event, outcome: &Outcome) {
        let Outcome::Recorded { transfer, .. } = outcome else {
            return;
        };
        if transfer.failure.is_some() {
            return;
        }
        if let Event::Hold(plan) = event {
            self.holds[plan] = Some(transfer.id);
        }
        match transfer.kind {
            TransferKind::Transfer | TransferKind::Deposit | TransferKind::Capture => self.moved.push(transfer.id),
            TransferKind::Withdrawal | TransferKind::Reversal | TransferKind::Hold | TransferKind::Release => {}
        }
    }

    /// The command for an event; `None` for one of the clock, and for a hold whose id is not known yet.
    fn command(&self, event: Event) -> Option<Command> {
        let (who, action) = match event {
            Event::Pass(_) => return None,
            Event::Pay => (Who::Payer, movement(Side::Payer, Side::Payee, 1, None)),
            Event::PayBack => (Who::Payee, movement(Side::Payee, Side::Payer, 1, None)),
            Event::TopUp => (Who::Operator, payment(Direction::In, 2, None)),
            Event::Sweep => (Who::Operator, Action::Expire(vec![id_of(Side::Payer)])),
            Event::Status(side, status) => (
                Who::Operator,
                Action::SetStatus(StatusRequest {
                    wallet: id_of(side),
                    status,
                    reason: None,
                    expected: Expected::Anything,
                }),
            ),
            Event::Hold(plan) => {
                let plan = self.plans[plan];
                let terms = HoldTerms::try_new(plan.seconds);
                (
                    Who::Payer,
                    match plan.to {
                        Side::System => payment(Direction::Out, plan.units, terms),
                        Side::Payer | Side::Payee => movement(Side::Payer, plan.to, plan.units, terms),
                    },
                )
            }
            Event::Capture(asked) => {
                let hold = self.holds[asked.plan]?;
                (asked.by, capture(hold, asked.units, asked.is_final))
            }
            Event::CaptureNoHold(index) => (Who::Operator, capture(*self.moved.get(index)?, None, true)),
            Event::Void(plan, by) => {
                let hold = self.holds[plan]?;
                (by, Action::Void(VoidRequest { hold }))
            }
            Event::Reverse(index, units) => (Who::Operator, reversal(*self.moved.get(index)?, units)),
            Event::ReverseHold(plan) => (Who::Operator, reversal(self.holds[plan]?, None)),
        };
        Some(Command::new(actor(who), action))
    }

    /// The time of the next record.
    pub fn time(&self) -> Timestamp {
        self.ticks.clone().time()
    }

    pub fn wallet(&self, side: Side) -> &Wallet {
        &self.stored.wallets[&id_of(side)]
    }
}

/// A time in microseconds.
pub fn at(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros).expect("a check takes a few hours")
}

/// The wallet's id; the last part of the owner's is the same.
fn id_of(side: Side) -> WalletId {
    WalletId(Uuid::from_u128(side as u128 + 1))
}

fn method() -> Method {
    Method::try_new("wire").expect("this is a method")
}

fn actor(who: Who) -> Actor {
    let (user, role) = match who {
        Who::Payer => (id_of(Side::Payer).0, Role::Customer),
        Who::Payee => (id_of(Side::Payee).0, Role::Customer),
        Who::Operator => (Uuid::from_u128(7), Role::Operator),
    };
    Actor::new(UserId(user), role)
}

fn movement(from: Side, to: Side, units: i64, hold: Option<HoldTerms>) -> Action {
    Action::Move(Movement {
        source: id_of(from),
        destination: Destination::Wallet(id_of(to)),
        amount: Some(money(units)),
        texts: Texts::default(),
        hold,
    })
}

/// A payment into the payer's wallet or out of it.
fn payment(direction: Direction, units: i64, hold: Option<HoldTerms>) -> Action {
    Action::Pay(Payment {
        direction,
        wallet: id_of(Side::Payer),
        method: method(),
        system: Some(id_of(Side::System)),
        amount: Some(money(units)),
        texts: Texts::default(),
        hold,
        is_to_open: false,
    })
}

fn capture(hold: TransferId, units: Option<i64>, is_final: bool) -> Action {
    Action::Capture(CaptureRequest {
        hold,
        amount: asked(units),
        is_final,
    })
}

fn reversal(original: TransferId, units: Option<i64>) -> Action {
    Action::Reverse(ReversalRequest {
        original,
        amount: asked(units),
        texts: Texts::default(),
    })
}

fn asked(units: Option<i64>) -> AskedAmount {
    units.map_or(AskedAmount::Rest, |units| AskedAmount::Exactly(Some(money(units))))
}

fn reply_of(outcome: &Outcome) -> Reply {
    match outcome {
        Outcome::Recorded { transfer, .. } => match transfer.failure {
            None => ("done", None),
            Some(failure) => (failure.code(), failure.available().map(Money::units)),
        },
        Outcome::Refused(refusal) => match refusal {
            Refusal::HoldClosed { has_expired: true } => ("hold_closed: expired", None),
            Refusal::AmountExceedsHold { remaining } | Refusal::AmountExceedsOriginal { remaining } => {
                (refusal.code(), Some(remaining.units()))
            }
            Refusal::InvalidAmount
            | Refusal::WalletNotFound
            | Refusal::PayeeNotFound
            | Refusal::TransferNotFound
            | Refusal::Forbidden
            | Refusal::UnknownMethod
            | Refusal::NotAHold
            | Refusal::NotReversible
            | Refusal::HoldClosed { has_expired: false }
            | Refusal::SameWallet => (refusal.code(), None),
        },
        Outcome::Wallet(_) => ("done", None),
        Outcome::Expired => ("expired", None),
        Outcome::WalletRefused(WalletRefusal::Closed) => ("wallet_closed", None),
        Outcome::WalletRefused(WalletRefusal::NotEmpty) => ("wallet_not_empty", None),
        Outcome::WalletRefused(
            WalletRefusal::Exists
            | WalletRefusal::NoOwner
            | WalletRefusal::NotFound
            | WalletRefusal::System
            | WalletRefusal::Unexpected,
        )
        | Outcome::KeyReused
        | Outcome::Batch(_) => {
            unreachable!("the check asks for nothing that is answered so: {outcome:?}")
        }
    }
}
