//! Wallets and commands for a book without a database.

use chrono::{DateTime, TimeDelta};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use service::ledger::{Command, Stamps, Wallet};
use service::values::{Bucket, Method, Money, TextsSalt, Timestamp, UserId, Version, WalletId, WalletStatus};
use uuid::Uuid;

use crate::case_rows::Ids;
use crate::cases::{UNITS_MAX, currency, money, units, units_above_zero};
use crate::commands::{asks, command_of, script};
use crate::drawn::{CURRENCIES, METHODS, Step, USERS, drawn_request};
use crate::model::{Account, Ask, Model, Name, Verdict};

/// Wallets with a history, and the requests to them.
#[derive(Clone, Debug)]
pub struct BookCase {
    pub model: Model,
    pub ids: Ids,
    versions: Vec<i64>,
    steps: Vec<Step>,
}

/// Times and ids that increase with each call, above a clock that stands still until it is moved.
#[derive(Clone)]
pub struct Ticks {
    clock: Timestamp,
    last: Timestamp,
    count: u128,
}

impl Ticks {
    pub fn new() -> Self {
        Self {
            clock: DateTime::UNIX_EPOCH,
            last: DateTime::UNIX_EPOCH,
            count: 0,
        }
    }

    /// Moves the clock.
    pub fn move_to(&mut self, time: Timestamp) {
        self.clock = time;
    }
}

impl Stamps for Ticks {
    fn time(&mut self) -> Timestamp {
        self.clock.max(self.last + TimeDelta::microseconds(1))
    }

    fn next(&mut self, bucket: Option<Bucket>) -> (Timestamp, Uuid) {
        self.last = self.time();
        self.count += 1;
        let id = Uuid::from_u128(self.count << 12);
        (self.last, bucket.map_or(id, |bucket| bucket.mark(id)))
    }

    fn salt(&mut self) -> TextsSalt {
        TextsSalt([7; 16])
    }
}

pub fn book_case() -> impl Strategy<Value = BookCase> {
    let status = || {
        select(
            vec![WalletStatus::Active; 8]
                .into_iter()
                .chain([WalletStatus::Frozen])
                .collect::<Vec<_>>(),
        )
    };
    let amount = prop_oneof![3 => 0..5_000_000_i64, 1 => units_above_zero(), 1 => UNITS_MAX - 1_000..=UNITS_MAX];
    let is_closed = prop::bool::weighted(0.1);
    let customer = (0..USERS, 0..CURRENCIES, amount, 0..i64::MAX, status(), is_closed);
    let system = (prop_oneof![3 => -5_000_000..5_000_000_i64, 1 => units()], status());
    let systems = vec(system, usize::from(METHODS) * usize::from(CURRENCIES));
    let steps = prop_oneof![
        8 => drawn_request().prop_map(Step::Move),
        1 => any::<prop::sample::Index>().prop_map(Step::Again),
    ];
    let names = prop::array::uniform32(any::<u128>());
    (
        vec(customer, 2..7),
        systems,
        names,
        vec(0..1_000_i64, 16),
        vec(steps, 1..40),
    )
        .prop_map(|(customers, systems, names, versions, steps)| {
            let mut model = Model::default();
            let mut ids = Ids::new(UserId(Uuid::from_u128(names[0])));
            // Fixed, since the number of cases so far would make a failed case different when it is replayed from its
            // seed.
            ids.case = 0;
            ids.users = names[1..=USERS]
                .iter()
                .map(|name| UserId(Uuid::from_u128(*name)))
                .collect();
            let mut wallets = names[USERS + 1..].iter().map(|name| WalletId(Uuid::from_u128(*name)));
            for (index, (owner, currency, balance, part, status, is_closed)) in customers.into_iter().enumerate() {
                let mut account = Account {
                    status,
                    ..Account::new(Some(owner), currency)
                };
                if is_closed {
                    account.status = WalletStatus::Closed;
                } else {
                    // Most wallets have no held part.
                    let held = if part % 4 == 0 { part % (balance + 1) } else { 0 };
                    (account.balance, account.held) = (i128::from(balance), i128::from(held));
                }
                model.accounts.insert(Name::Customer(index), account);
                ids.customers.extend(wallets.next());
            }
            for (index, (balance, status)) in (0_u8..).zip(systems) {
                let (method, currency) = (index % METHODS, index / METHODS);
                let account = Account {
                    balance: i128::from(balance),
                    status,
                    ..Account::new(None, currency)
                };
                model.accounts.insert(Name::System { method, currency }, account);
                ids.systems.extend(wallets.next().map(|id| ((method, currency), id)));
            }
            BookCase {
                model,
                ids,
                versions,
                steps,
            }
        })
}

impl BookCase {
    /// The wallets as they were read.
    pub fn wallets(&self) -> Vec<Wallet> {
        let start = DateTime::UNIX_EPOCH;
        let accounts = self.model.accounts.iter().zip(self.versions.iter().cycle());
        let wallets = accounts.map(|((name, account), version)| Wallet {
            limits: None,
            id: self.ids.id(*name),
            owner: account.owner.map(|user| self.ids.users[user]),
            method: method_of(*name, &self.ids),
            currency: currency(account.currency),
            balance: narrow(account.balance),
            held: narrow(account.held),
            status: account.status,
            version: Version(*version),
            created_at: start,
            updated_at: start,
        });
        wallets.collect()
    }

    /// The requests with the model's verdicts, and the model after them.
    pub fn played(&self) -> (Vec<(Ask, Verdict)>, Model) {
        let mut model = self.model.clone();
        let script = script(&mut model, &[], &self.steps);
        (asks(&script), model)
    }

    /// The requests as commands.
    pub fn commands(&self) -> Vec<Command> {
        self.played()
            .0
            .iter()
            .map(|(ask, _)| command_of(ask, &self.ids))
            .collect()
    }
}

fn narrow(wide: i128) -> Money {
    money(i64::try_from(wide).expect("a book_case's balances are money"))
}

fn method_of(name: Name, ids: &Ids) -> Option<Method> {
    match name {
        Name::System { method, .. } => Some(ids.method(method)),
        Name::Customer(_) | Name::Nobody => None,
    }
}
