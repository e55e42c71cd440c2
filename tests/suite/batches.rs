//! Batches of a known size: each command in one stands by itself.

use std::sync::Arc;

use harness::{TestBank, begin, on_every_backend};
use service::actor::Actor;
use service::db::{Db, FaultKind};
use service::feed::Handover;
use service::ledger::{
    Action, Command, Direction, Failure, Idempotency, Ledger, MetricsSnapshot, Movement, Opening, Outcome, Owner,
    Payment, Queue, SubmitError, WalletRefusal,
};
use service::values::{Currency, Digest, Method, TransferStatus, UserId, WalletId};
use uuid::Uuid;

use crate::requests::{MOST, money, quiet_customer};

on_every_backend!(
    a_full_method_refuses_alone_and_not_its_batch,
    a_poisoned_command_fails_alone_and_not_its_batch,
    a_poisoned_command_does_not_use_its_key_up,
    an_opening_for_a_user_who_is_gone_is_refused_alone,
    many_openings_for_users_who_are_gone_share_several_batches,
    money_moves_round_in_one_batch,
    a_key_twice_in_one_batch_moves_money_once,
);

/// A ledger of one's own, as a replica would have, and a transfer that keeps its committer busy.
pub struct Committer {
    ledger: Ledger,
    pub first: Command,
}

impl Committer {
    pub async fn of(bank: &TestBank) -> Self {
        Self::on(bank, &bank.db).await
    }

    /// A committer with connections of its own to the bank's database.
    pub async fn on(bank: &TestBank, db: &Db) -> Self {
        let (ana, source) = quiet_customer(bank, "first.ana").await;
        let (_, destination) = quiet_customer(bank, "first.ben").await;
        bank.fund(source, "100", "first").await;
        let started = Ledger::start(db, bank.clock.clone(), 8192, Handover::new());
        let ledger = started.expect("a thread can be started");
        let first = command(ana, source, destination, "0.0001");
        let committer = Self { ledger, first };
        // From here on it remembers its two wallets.
        committer.commit(bank, Vec::new()).await;
        committer
    }

    /// Commits the commands as one batch: the committer is stopped in an earlier one until all of them are queued.
    pub async fn commit(&self, bank: &TestBank, commands: Vec<Command>) -> Vec<Result<Outcome, SubmitError>> {
        let queue = self.ledger.queue();
        let held = bank.hold_commits().await;
        let first = begin([queue.submit(self.first.clone())]).await;
        while queue.depth() > 0 {
            tokio::task::yield_now().await;
        }
        let batch = begin(commands.into_iter().map(|command| submit(&queue, command))).await;
        held.release().await;
        assert!(matches!(first.all().await[..], [Ok(Outcome::Recorded { .. })]));
        batch.all().await
    }

    /// Commits until this committer goes without the turn again: after another one has committed it waits for it for a while.
    pub async fn be_alone(&self, bank: &TestBank) {
        for _ in 0..=16 {
            self.commit(bank, Vec::new()).await;
        }
    }

    /// What committing the commands as one batch adds to the counters, without the earlier batch.
    pub async fn cost(&self, bank: &TestBank, commands: Vec<Command>) -> MetricsSnapshot {
        let start = self.metrics();
        self.commit(bank, Vec::new()).await;
        let middle = self.metrics();
        self.commit(bank, commands).await;
        let end = self.metrics();
        let grown = |counter: fn(&MetricsSnapshot) -> u64| {
            (counter(&end) - counter(&middle)) - (counter(&middle) - counter(&start))
        };
        MetricsSnapshot {
            batches: grown(|metrics| metrics.batches),
            commands: grown(|metrics| metrics.commands),
            stale_retries: grown(|metrics| metrics.stale_retries),
            conflict_retries: grown(|metrics| metrics.conflict_retries),
            splits: grown(|metrics| metrics.splits),
            unknown_commits: grown(|metrics| metrics.unknown_commits),
            statements: grown(|metrics| metrics.statements),
            ..MetricsSnapshot::default()
        }
    }

    pub fn queue(&self) -> Queue {
        self.ledger.queue()
    }

    pub fn metrics(&self) -> MetricsSnapshot {
        self.ledger.metrics().snapshot()
    }
}

async fn submit(queue: &Queue, command: Command) -> Result<Outcome, SubmitError> {
    queue.submit(command).await
}

fn command(actor: Actor, source: WalletId, destination: WalletId, amount: &str) -> Command {
    Command {
        actor,
        idempotency: None,
        action: Action::Move(Movement {
            source,
            destination,
            amount: Some(money(amount)),
            description: None,
            metadata: None,
        }),
    }
}

/// A deposit by a method whose wallet is known, as an operator asks for it.
pub async fn deposit(bank: &TestBank, method: &str, wallet: WalletId, amount: &str) -> Command {
    Command {
        actor: bank.operator_actor().await,
        idempotency: None,
        action: Action::Pay(Payment {
            direction: Direction::In,
            wallet,
            method: Method::try_new(method).expect("a test's method is one"),
            system: Some(bank.system_wallet(method).await),
            amount: Some(money(amount)),
        }),
    }
}

/// The same movement but for what is set.
pub fn but(command: &Command, set: impl FnOnce(&mut Movement)) -> Command {
    let mut command = command.clone();
    match &mut command.action {
        Action::Move(movement) => set(movement),
        Action::Pay(_) | Action::Open(_) | Action::SetStatus(_) => panic!("it moves money between customers"),
    }
    command
}

/// The source and the destination of a movement.
pub fn sides(command: &Command) -> [WalletId; 2] {
    let sides: Vec<WalletId> = command.action.wallets().collect();
    sides.try_into().expect("a movement has two sides")
}

/// A key and a request that belong together, by number.
pub fn idempotency(number: u8) -> Option<Idempotency> {
    Some(Idempotency {
        key: Digest([number; 16]),
        request: Digest([number; 16]),
    })
}

fn status(outcome: &Result<Outcome, SubmitError>) -> Option<TransferStatus> {
    match outcome {
        Ok(Outcome::Recorded { transfer, .. }) => Some(transfer.status),
        Ok(Outcome::Refused(_) | Outcome::KeyReused | Outcome::Wallet(_) | Outcome::WalletRefused(_)) | Err(_) => None,
    }
}

/// Ana with money, ben without, and a command that lets ana pay ben one ten-thousandth.
pub async fn ana_pays_ben(bank: &TestBank) -> Command {
    let (ana, source) = quiet_customer(bank, "ana").await;
    let (_, destination) = quiet_customer(bank, "ben").await;
    bank.fund(source, "10", "visa").await;
    command(ana, source, destination, "0.0001")
}

async fn a_full_method_refuses_alone_and_not_its_batch(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let (_, full) = quiet_customer(&bank, "full").await;
    bank.fund(full, MOST, "full").await;
    let [source, destination] = sides(&pay);
    let full_method = deposit(&bank, "full", destination, "0.0001").await;
    let method = deposit(&bank, "visa", destination, "0.0001").await;
    let into_full = but(&pay, |movement| movement.destination = full);
    let batch = vec![full_method.clone(), method, into_full, pay.clone(), full_method];
    let outcomes = committer.commit(&bank, batch).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        let Ok(Outcome::Recorded {
            transfer,
            replayed: false,
        }) = outcome
        else {
            panic!("{outcome:?}")
        };
        let expected = if index % 2 == 0 {
            Some(Failure::BalanceOutOfRange)
        } else {
            None
        };
        assert_eq!(transfer.failure, expected, "number {index}");
    }
    assert_eq!(
        bank.balances(&[source, destination, full]).await,
        ["9.9999", "0.0002", MOST]
    );
}

async fn a_poisoned_command_fails_alone_and_not_its_batch(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    bank.refuse_described_as("poison").await;
    let mut batch = vec![pay.clone(); 16];
    for index in [0, 5, 15] {
        batch[index] = but(&pay, |movement| movement.description = Some("poison".to_owned()));
    }
    let rows = bank.row_counts().await;
    let before = committer.metrics();
    let outcomes = committer.commit(&bank, batch).await;
    assert!(committer.metrics().splits > before.splits, "they were in one batch");
    for (index, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(SubmitError::Fault(fault)) => {
                assert!([0, 5, 15].contains(&index), "number {index}: {fault:?}");
                assert_eq!(fault.kind, FaultKind::Constraint);
            }
            other => {
                assert!(![0, 5, 15].contains(&index), "number {index} was poisoned: {other:?}");
                assert_eq!(status(other), Some(TransferStatus::Completed));
            }
        }
    }
    // Thirteen, and the one that kept the committer busy.
    assert_eq!(bank.row_counts().await, (rows.0 + 14, rows.1 + 28));
    assert_eq!(bank.balances(&sides(&pay)).await, ["9.9987", "0.0013"]);
}

async fn a_poisoned_command_does_not_use_its_key_up(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    bank.refuse_described_as("poison").await;
    let poisoned = Command {
        idempotency: idempotency(1),
        ..but(&pay, |movement| movement.description = Some("poison".to_owned()))
    };
    let outcomes = committer.commit(&bank, vec![poisoned.clone(), poisoned.clone()]).await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(SubmitError::Fault(_)))),
        "{outcomes:?}"
    );
    assert_eq!(bank.balances(&sides(&pay)[1..]).await, ["0.0000"]);
    bank.refuse_none_described_as("poison").await;
    let outcomes = committer.commit(&bank, vec![poisoned]).await;
    assert!(
        matches!(outcomes[..], [Ok(Outcome::Recorded { replayed: false, .. })]),
        "{outcomes:?}"
    );
    assert_eq!(bank.balances(&sides(&pay)[1..]).await, ["0.0001"]);
}

async fn an_opening_for_a_user_who_is_gone_is_refused_alone(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let mut batch = vec![pay.clone(); 16];
    batch.insert(5, opening(&pay, UserId(Uuid::from_u128(1))));
    batch.push(opening(&pay, pay.actor.user));
    let before = committer.metrics();
    let outcomes = committer.commit(&bank, batch).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        match index {
            5 => assert_eq!(
                outcome.as_ref().ok(),
                Some(&Outcome::WalletRefused(WalletRefusal::NoOwner)),
                "{outcome:?}"
            ),
            17 => assert!(matches!(outcome, Ok(Outcome::Wallet(_))), "{outcome:?}"),
            _ => assert_eq!(status(outcome), Some(TransferStatus::Completed), "number {index}"),
        }
    }
    // The payments from the openings, and these from each other.
    assert_eq!(committer.metrics().splits, before.splits + 2);
    assert_eq!(bank.balances(&sides(&pay)).await, ["9.9984", "0.0016"]);
}

fn opening(pay: &Command, user: UserId) -> Command {
    Command {
        action: Action::Open(Opening {
            owner: Owner::Customer(user),
            currency: Currency::from_code("EUR").expect("EUR is a currency"),
        }),
        ..pay.clone()
    }
}

/// Each refused alone would cost two turns, while everybody else waits.
async fn many_openings_for_users_who_are_gone_share_several_batches(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let gone = (1..=40).map(|user| opening(&pay, UserId(Uuid::from_u128(user))));
    let before = committer.metrics();
    let outcomes = committer.commit(&bank, gone.collect()).await;
    for outcome in &outcomes {
        assert_eq!(
            outcome.as_ref().ok(),
            Some(&Outcome::WalletRefused(WalletRefusal::NoOwner)),
            "{outcome:?}"
        );
    }
    assert!(
        committer.metrics().set_aside > before.set_aside,
        "some wait for a later batch"
    );
}

async fn money_moves_round_in_one_batch(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let (ana, anas) = quiet_customer(&bank, "ana").await;
    let (ben, bens) = quiet_customer(&bank, "ben").await;
    bank.fund(anas, "5", "visa").await;
    let there = command(ana, anas, bens, "5");
    let back = command(ben, bens, anas, "5");
    // Each can pay with what has just come in, and only then.
    let outcomes = committer
        .commit(&bank, vec![back.clone(), there.clone(), back, there.clone(), there])
        .await;
    let statuses: Vec<_> = outcomes.iter().map(status).collect();
    let (done, failed) = (Some(TransferStatus::Completed), Some(TransferStatus::Failed));
    assert_eq!(statuses, [failed, done, done, done, failed]);
    assert_eq!(bank.balances(&[anas, bens]).await, ["0.0000", "5.0000"]);
}

async fn a_key_twice_in_one_batch_moves_money_once(bank: Arc<TestBank>) {
    let committer = Committer::of(&bank).await;
    let pay = ana_pays_ben(&bank).await;
    let once = Command {
        idempotency: idempotency(1),
        ..pay.clone()
    };
    let mut other = once.clone();
    other.idempotency = Some(Idempotency {
        key: Digest([1; 16]),
        request: Digest([2; 16]),
    });
    let outcomes = committer
        .commit(&bank, vec![once.clone(), other, once, pay.clone()])
        .await;
    let [
        Ok(Outcome::Recorded {
            transfer: first,
            replayed: false,
        }),
        Ok(Outcome::KeyReused),
        again,
        Ok(_),
    ] = &outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        again.as_ref().ok(),
        Some(&Outcome::Recorded {
            transfer: first.clone(),
            replayed: true
        })
    );
    assert_eq!(bank.balances(&sides(&pay)[1..]).await, ["0.0002"]);
}
