//! How one batch becomes durable: decide it on the wallets as they are, write it only if they still are, else again.
//!
//! | try | PostgreSQL | SQLite |
//! |---|---|---|
//! | first | remembered wallets (missing ones are read), one statement that is its own transaction | as below |
//! | later | BEGIN, wallets read in id order with row locks, keys looked up, one writing statement, COMMIT | the same under BEGIN IMMEDIATE, three writing statements |
//!
//! Remembering wallets is only a guess about the database: the version check decides whether the guess was right.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::book::{Book, Changes, Stamps};
use super::error::SubmitError;
use super::metrics::Metrics;
use super::repo::{Repo, Tx, Written};
use super::types::{Command, Outcome, Transfer, Wallet};
use crate::clock::{Clock, Sequence, id_at, random_bytes};
use crate::db::{Db, Fault, FaultKind};
use crate::values::{Digest, Timestamp, TransferId, WalletId};

/// Tries before the callers are told that their wallets are contended.
const TRIES_MAX: u32 = 8;
/// The longest pause before a try, doubled from one millisecond.
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// Pause between two looks for the outcome of a commit whose answer was lost.
const LOOK_PAUSE: Duration = Duration::from_millis(200);
/// Wallets remembered between batches; at about 200 bytes each.
const REMEMBERED_MAX: usize = 100_000;
/// Batches that lock at once after one was found stale: whoever else writes these wallets will go on doing so.
const CAUTIOUS_BATCHES: u32 = 16;

/// Commits batches, one after the other.
pub(super) struct Batches {
    repo: Repo,
    sequence: Sequence,
    metrics: Arc<Metrics>,
    remembered: HashMap<WalletId, Wallet>,
    cautious: u32,
}

/// What one try came to.
enum Try {
    /// Durable. The outcomes stand.
    Done(Vec<Outcome>),
    /// Nothing was written; the next try must lock and look up.
    Again(FaultKind),
    /// The connection was lost around the commit.
    Unknown(Doubt, Fault),
    /// Nothing was written, and trying again will not help.
    Failed(Fault),
}

/// A commit whose answer was lost: the outcomes stand if the witness is stored, and nothing happened if it is not.
struct Doubt {
    outcomes: Vec<Outcome>,
    witness: TransferId,
}

/// What a locked try found before it decided anything.
enum Prepared {
    WasDurable(Vec<Outcome>),
    ToDecide(Tx, Vec<Wallet>, Vec<Transfer>),
}

impl Batches {
    pub fn new(db: &Db, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self {
            repo: Repo::new(db),
            sequence: Sequence::new(clock),
            metrics,
            remembered: HashMap::new(),
            cautious: 0,
        }
    }

    /// The most commands that `commit` takes at once.
    pub fn size_max(&self) -> usize {
        self.repo.batch_max()
    }

    /// Commits commands in order and answers each. A row that the schema refuses fails alone: its batch is halved until
    /// it stands by itself.
    pub async fn commit(&mut self, commands: &[Command]) -> Vec<Result<Outcome, SubmitError>> {
        let mut answers = Vec::with_capacity(commands.len());
        let mut ranges: Vec<Range<usize>> = std::iter::once(0..commands.len()).collect();
        while let Some(range) = ranges.pop() {
            let size = range.len();
            match self.commit_whole(&commands[range.clone()]).await {
                Ok(outcomes) => answers.extend(outcomes.into_iter().map(Ok)),
                Err(SubmitError::Fault(fault)) if size > 1 && fault.kind == FaultKind::Constraint => {
                    Metrics::add(&self.metrics.splits, 1);
                    let middle = range.start + size / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(error) => answers.extend(std::iter::repeat_n(error, size).map(Err)),
            }
        }
        answers
    }

    /// Tries until the batch is durable or surely is not. While a lost commit is in doubt there is no giving up: to tell
    /// its callers that nothing happened would be a guess.
    async fn commit_whole(&mut self, commands: &[Command]) -> Result<Vec<Outcome>, SubmitError> {
        let mut locked = !self.repo.writes_at_once() || self.cautious > 0;
        self.cautious = self.cautious.saturating_sub(1);
        let mut doubts = Vec::new();
        let mut tried = 0;
        while tried < TRIES_MAX || !doubts.is_empty() {
            let attempt = if locked {
                self.try_locked(commands, &doubts).await
            } else {
                self.try_at_once(commands).await
            };
            locked = true;
            tried += 1;
            match attempt {
                Try::Done(outcomes) => {
                    Metrics::add(&self.metrics.batches, 1);
                    Metrics::add(&self.metrics.commands, commands.len());
                    return Ok(outcomes);
                }
                Try::Again(why) => self.before_next_try(&why, tried).await,
                Try::Unknown(doubt, fault) => {
                    tracing::warn!(error = %fault, "the connection was lost around a commit; looking for its outcome");
                    Metrics::add(&self.metrics.unknown_commits, 1);
                    doubts.push(doubt);
                }
                Try::Failed(fault) if !doubts.is_empty() && fault.kind == FaultKind::Unreachable => {
                    tracing::warn!(error = %fault, "still looking for the outcome of a commit");
                    tokio::time::sleep(LOOK_PAUSE).await;
                }
                Try::Failed(fault) => {
                    self.forget(commands);
                    return Err(fault.into());
                }
            }
            self.forget(commands);
        }
        Err(SubmitError::Contended)
    }

    /// Decides on remembered wallets and writes with one statement that is its own transaction.
    async fn try_at_once(&mut self, commands: &[Command]) -> Try {
        let (outcomes, changes) = match self.decide_at_once(commands).await {
            Ok(decided) => decided,
            Err(fault) => return Try::Failed(fault),
        };
        let Some(witness) = changes.transfers.first().map(|transfer| transfer.id) else {
            return Try::Done(outcomes);
        };
        let mut connection = match self.repo.acquire().await {
            Ok(connection) => connection,
            Err(fault) => return Try::Failed(fault),
        };
        self.count_statements(1);
        match connection.write_at_once(&changes).await {
            Ok(()) => {
                self.remember(changes);
                Try::Done(outcomes)
            }
            Err(fault) => after_write(fault, outcomes, witness),
        }
    }

    /// Nothing is inserted for an unrecorded refusal, so nothing would notice that its key was used up before: those keys
    /// are looked up, and the batch is decided again with what they brought.
    async fn decide_at_once(&mut self, commands: &[Command]) -> Result<(Vec<Outcome>, Changes), Fault> {
        let book = Book::open(self.recall(commands).await?);
        let (outcomes, changes) = self.decide(book, commands);
        let keys = keys_of_refused(commands, &outcomes);
        if keys.is_empty() {
            return Ok((outcomes, changes));
        }
        self.count_statements(1);
        let stored = self.repo.find_by_keys(&keys).await?;
        if stored.is_empty() {
            return Ok((outcomes, changes));
        }
        let mut book = Book::open(self.recall(commands).await?);
        book.remember(stored);
        Ok(self.decide(book, commands))
    }

    /// Reads under locks, so that what is decided cannot go stale, and looks the keys up.
    ///
    /// Doubts are settled under the same locks: an old connection that is still at it either finished before they were
    /// granted, and its witness is here, or will find the wallets changed.
    async fn try_locked(&mut self, commands: &[Command], doubts: &[Doubt]) -> Try {
        let ids = wallet_ids(commands);
        let keys = keys(commands);
        let prepared = async {
            let mut tx = self.repo.begin().await?;
            let wallets = tx.lock_wallets(&ids).await?;
            for doubt in doubts {
                if tx.has_transfer(doubt.witness).await? {
                    tx.rollback().await?;
                    return Ok(Prepared::WasDurable(doubt.outcomes.clone()));
                }
            }
            let stored = if keys.is_empty() {
                Vec::new()
            } else {
                tx.find_by_keys(&keys).await?
            };
            Ok::<_, Fault>(Prepared::ToDecide(tx, wallets, stored))
        };
        let (mut tx, wallets, stored) = match prepared.await {
            Ok(Prepared::ToDecide(tx, wallets, stored)) => (tx, wallets, stored),
            Ok(Prepared::WasDurable(outcomes)) => return Try::Done(outcomes),
            Err(fault) => return before_write(fault),
        };
        self.count_statements(2 + usize::from(!keys.is_empty()));
        let mut book = Book::open(wallets);
        book.remember(stored);
        let (outcomes, changes) = self.decide(book, commands);
        let Some(witness) = changes.transfers.first().map(|transfer| transfer.id) else {
            self.count_statements(1);
            return match tx.rollback().await {
                Ok(()) => Try::Done(outcomes),
                Err(fault) => before_write(fault),
            };
        };
        self.count_statements(self.repo.writing_statements(&changes) + 1);
        match tx.write(&changes).await {
            Ok(Written::Changed) => {}
            Ok(Written::Stale) => return Try::Again(FaultKind::Stale),
            Err(fault) => return before_write(fault),
        }
        match tx.commit().await {
            Ok(()) => {
                self.remember(changes);
                Try::Done(outcomes)
            }
            Err(fault) => Try::Unknown(Doubt { outcomes, witness }, fault),
        }
    }

    fn decide(&mut self, mut book: Book, commands: &[Command]) -> (Vec<Outcome>, Changes) {
        let outcomes = commands
            .iter()
            .map(|command| book.apply(command, &mut self.sequence))
            .collect();
        (outcomes, book.close())
    }

    /// The wallets of a batch from memory, the missing ones from the database.
    async fn recall(&mut self, commands: &[Command]) -> Result<Vec<Wallet>, Fault> {
        let ids = wallet_ids(commands);
        let (known, missing): (Vec<WalletId>, Vec<WalletId>) =
            ids.into_iter().partition(|id| self.remembered.contains_key(id));
        let mut wallets: Vec<Wallet> = known.iter().filter_map(|id| self.remembered.get(id).cloned()).collect();
        if !missing.is_empty() {
            self.count_statements(1);
            wallets.extend(self.repo.read_wallets(&missing).await?);
        }
        Ok(wallets)
    }

    fn remember(&mut self, changes: Changes) {
        if !self.repo.writes_at_once() {
            return;
        }
        if self.remembered.len() + changes.wallets.len() > REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered
            .extend(changes.wallets.into_iter().map(|change| (change.now.id, change.now)));
    }

    fn forget(&mut self, commands: &[Command]) {
        for id in wallet_ids(commands) {
            self.remembered.remove(&id);
        }
    }

    async fn before_next_try(&mut self, why: &FaultKind, tried: u32) {
        if *why == FaultKind::Conflict {
            Metrics::add(&self.metrics.conflict_retries, 1);
        } else {
            Metrics::add(&self.metrics.stale_retries, 1);
            self.cautious = CAUTIOUS_BATCHES;
        }
        if tried > 1 {
            tokio::time::sleep(pause(tried)).await;
        }
    }

    fn count_statements(&self, count: usize) {
        Metrics::add(&self.metrics.statements, count);
    }
}

impl Stamps for Sequence {
    fn next(&mut self, floor: Timestamp) -> (Timestamp, TransferId) {
        let time = self.next_after(floor);
        (time, TransferId(id_at(time)))
    }
}

/// A fault of a single statement that is its own transaction: it may have committed before the connection was lost.
fn after_write(fault: Fault, outcomes: Vec<Outcome>, witness: TransferId) -> Try {
    match fault.kind {
        FaultKind::Unreachable => Try::Unknown(Doubt { outcomes, witness }, fault),
        FaultKind::Conflict | FaultKind::Unique(_) | FaultKind::Stale | FaultKind::Constraint | FaultKind::Broken => {
            before_write(fault)
        }
    }
}

/// A fault before COMMIT was asked for: nothing is durable.
fn before_write(fault: Fault) -> Try {
    match fault.kind {
        // A unique violation is a key, an entry's version or a witness that another writer stored first.
        FaultKind::Conflict | FaultKind::Unique(_) | FaultKind::Stale => Try::Again(fault.kind),
        FaultKind::Unreachable | FaultKind::Constraint | FaultKind::Broken => Try::Failed(fault),
    }
}

fn keys_of_refused(commands: &[Command], outcomes: &[Outcome]) -> Vec<Digest> {
    let refused = commands
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| matches!(outcome, Outcome::Refused(_)));
    refused
        .filter_map(|(command, _)| command.idempotency.map(|idempotency| idempotency.key))
        .collect()
}

/// The wallets of a batch in id order, each once.
fn wallet_ids(commands: &[Command]) -> Vec<WalletId> {
    let ids: BTreeSet<WalletId> = commands
        .iter()
        .flat_map(|command| [command.source, command.destination])
        .collect();
    ids.into_iter().collect()
}

fn keys(commands: &[Command]) -> Vec<Digest> {
    commands
        .iter()
        .filter_map(|command| command.idempotency.map(|idempotency| idempotency.key))
        .collect()
}

/// A random time below a bound that doubles with every try, so that two replicas do not meet again in step.
fn pause(tried: u32) -> Duration {
    let bound = PAUSE_MAX.min(Duration::from_millis(1) * 2_u32.saturating_pow(tried));
    let [dice] = random_bytes::<1>();
    bound * u32::from(dice) / u32::from(u8::MAX)
}
