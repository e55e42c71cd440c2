//! A committer of the test's own: commands that are certain to be in one batch, and the cost of a batch.

use crate::requests::{money, quiet_customer};
use harness::{TestBank, begin};
use service::actor::Actor;
use service::db::Db;
use service::ledger::{
    Action, Command, Destination, Direction, Handovers, Idempotency, Ledger, MetricsSnapshot, Movement, Outcome,
    Payment, Queue, SubmitError, Texts,
};
use service::values::{Digest, Method, TransferStatus, WalletId};

/// A ledger of the test's own, as a replica has one, and a transfer that keeps its committer busy.
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
        let started = Ledger::start(db, bank.clock.clone(), 8192, Handovers::default());
        let ledger = started.expect("a thread can be started");
        let first = command(&ana, source, destination, "0.0001");
        let committer = Self { ledger, first };
        // After this it remembers its two wallets.
        committer.commit(bank, Vec::new()).await;
        committer
    }

    /// Commits the commands as one batch: an earlier commit is held until all of them are queued.
    pub async fn commit(&self, bank: &TestBank, commands: Vec<Command>) -> Vec<Result<Outcome, SubmitError>> {
        let queue = self.ledger.queue();
        let held = bank.hold_commits().await;
        let first = begin([queue.submit(self.first.clone())]).await;
        // Until the committer has begun, it takes what arrives into the same batch.
        while queue.depth() > 0 || self.ledger.metrics().batch_age().is_none() {
            tokio::task::yield_now().await;
        }
        let batch = begin(commands.into_iter().map(|command| submit(&queue, command))).await;
        held.release().await;
        assert!(matches!(first.all().await[..], [Ok(Outcome::Recorded { .. })]));
        batch.all().await
    }

    /// Commits until this committer works without the turn again. After another committer's commit it takes the turn
    /// for a while.
    pub async fn be_alone(&self, bank: &TestBank) {
        for _ in 0..=16 {
            self.commit(bank, Vec::new()).await;
        }
    }

    /// The counters that committing the commands as one batch adds, without those of the earlier commit.
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

pub async fn submit(queue: &Queue, command: Command) -> Result<Outcome, SubmitError> {
    queue.submit(command).await
}

pub fn command(actor: &Actor, source: WalletId, destination: WalletId, amount: &str) -> Command {
    Command {
        is_dry_run: false,
        actor: actor.clone(),
        idempotency: None,
        action: Action::Move(Movement {
            source,
            destination: Destination::Wallet(destination),
            amount: Some(money(amount)),
            texts: Texts::default(),
            hold: None,
        }),
    }
}

/// An operator's deposit by a method whose wallet is known.
pub async fn deposit(bank: &TestBank, method: &str, wallet: WalletId, amount: &str) -> Command {
    Command {
        is_dry_run: false,
        actor: bank.operator_actor().await,
        idempotency: None,
        action: Action::Pay(Payment {
            direction: Direction::In,
            wallet,
            method: Method::try_new(method).expect("a test's method is one"),
            system: Some(bank.system_wallet(method).await),
            amount: Some(money(amount)),
            texts: Texts::default(),
            hold: None,
            is_to_open: false,
        }),
    }
}

/// The same movement with the changes that `set` makes.
pub fn but(command: &Command, set: impl FnOnce(&mut Movement)) -> Command {
    let mut command = command.clone();
    let Action::Move(movement) = &mut command.action else {
        panic!("it moves money between customers");
    };
    set(movement);
    command
}

/// The source and the destination of a movement.
pub fn sides(command: &Command) -> [WalletId; 2] {
    let sides: Vec<WalletId> = command.action.wallets().collect();
    sides.try_into().expect("a movement has two sides")
}

/// A key with its request, made from a number.
pub fn idempotency(number: u8) -> Option<Idempotency> {
    Some(Idempotency {
        key: Digest([number; 16]),
        request: Digest([number; 16]),
    })
}

pub fn status(outcome: &Result<Outcome, SubmitError>) -> Option<TransferStatus> {
    match outcome {
        Ok(Outcome::Recorded { transfer, .. }) => Some(transfer.status),
        Ok(_) | Err(_) => None,
    }
}

/// Ana has money, ben has none, and the command lets ana pay ben one ten-thousandth.
pub async fn ana_pays_ben(bank: &TestBank) -> Command {
    let (ana, source) = quiet_customer(bank, "ana").await;
    let (_, destination) = quiet_customer(bank, "ben").await;
    bank.fund(source, "10", "visa").await;
    command(&ana, source, destination, "0.0001")
}
