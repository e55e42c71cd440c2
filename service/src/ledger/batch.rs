//! How one batch becomes durable: decide it on the wallets as they are, write it only if they still are, else again.
//!
//! | try | PostgreSQL | SQLite |
//! |---|---|---|
//! | first | remembered wallets (missing ones are read), one statement that is its own transaction | as below |
//! | later | keys looked up, BEGIN, wallets read in id order with row locks, one writing statement, COMMIT | BEGIN IMMEDIATE, wallets, keys, three writing statements, COMMIT |
//!
//! Remembering wallets is only a guess about the database: the version check decides whether the guess was right.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::book::{Book, Changes, Stamps};
use super::callers::Callers;
use super::error::SubmitError;
use super::locked_wallets::LockedWallets;
use super::metrics::Metrics;
use super::repo::{Connection, Repo, Tx, Written};
use super::settle::durable_one;
use super::tries::{
    Decided, Doubt, Try, before_commit, hidden_wallets, keys, keys_of_refused, of_commit, pause, wallet_ids,
};
use super::types::{Command, Outcome, Wallet};
use crate::clock::{Clock, Sequence, id_in};
use crate::db::{Db, Fault, FaultKind};
use crate::values::{Bucket, Timestamp, TransferId, WalletId};

/// Tries before the callers are told that their wallets are contended.
const TRIES_MAX: u32 = 8;
/// Wallets remembered between batches; at about 200 bytes each.
const REMEMBERED_MAX: usize = 100_000;
/// Batches that lock at once after one was found stale: the other writer of these wallets will likely write them again.
const CAUTIOUS_BATCHES: u32 = 16;

/// Commits batches, one after the other.
pub(super) struct Batches {
    pub(super) repo: Repo,
    sequence: Sequence,
    pub(super) metrics: Arc<Metrics>,
    remembered: HashMap<WalletId, Wallet>,
    /// Connections that had been opened when the wallets were remembered.
    remembered_at: u64,
    pub(super) locked: LockedWallets,
    cautious: u32,
}

/// How a batch ended for good.
pub(super) enum Ended {
    Done(Vec<Outcome>),
    /// Another session holds a lock that the batch needs.
    Locked,
    Failed(SubmitError),
}

impl Batches {
    pub fn new(db: &Db, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self {
            repo: Repo::new(db),
            sequence: Sequence::new(clock),
            metrics,
            remembered: HashMap::new(),
            remembered_at: 0,
            locked: LockedWallets::default(),
            cautious: 0,
        }
    }

    /// The most commands that `commit` takes at once.
    pub fn size_max(&self) -> usize {
        self.repo.batch_max()
    }

    /// Closes the connections, which belong to the thread that they were opened on.
    pub async fn close(self) {
        self.repo.close().await;
    }

    /// Commits commands in order and answers their callers, but for those whose wallets another session has locked.
    ///
    /// A row that the schema refuses fails alone: its batch is halved until it stands by itself. A locked wallet stops
    /// the commands on it and no others.
    pub async fn commit(&mut self, commands: &[Command], callers: &mut Callers<'_>) {
        let mut parts: Vec<Vec<usize>> = vec![(0..commands.len()).collect()];
        while let Some(part) = parts.pop() {
            let places = match self.free_of_locks(part, commands).await {
                Ok(places) => places,
                Err((places, fault)) => {
                    callers.fail(&places, &fault.into());
                    continue;
                }
            };
            if places.is_empty() {
                continue;
            }
            let batch: Vec<&Command> = places.iter().map(|place| &commands[*place]).collect();
            match self.commit_whole(&batch, &places, callers).await {
                Ended::Done(outcomes) => callers.done(&places, outcomes),
                Ended::Failed(SubmitError::Fault(fault)) if places.len() > 1 && fault.kind == FaultKind::Constraint => {
                    Metrics::add(&self.metrics.splits, 1);
                    let mut first = places;
                    let second = first.split_off(first.len() / 2);
                    parts.extend([second, first]);
                }
                Ended::Failed(error) => callers.fail(&places, &error),
                Ended::Locked => match self.note_locked(&batch).await {
                    // The others go on without the commands on these.
                    Ok(true) => parts.push(places),
                    // The lock is gone, or is not on a wallet: the committer tries all these commands again later.
                    Ok(false) => {}
                    Err(fault) => callers.fail(&places, &fault.into()),
                },
            }
        }
    }

    /// Tries until the batch is durable or surely is not.
    async fn commit_whole(&mut self, commands: &[&Command], places: &[usize], callers: &mut Callers<'_>) -> Ended {
        let started = Instant::now();
        let mut locks = !self.repo.writes_at_once() || self.cautious > 0;
        self.cautious = self.cautious.saturating_sub(1);
        let mut tried = 0;
        while tried < TRIES_MAX && started.elapsed() < self.repo.tries_for() {
            let attempt = if locks {
                self.try_locked(commands, &[]).await
            } else {
                self.try_at_once(commands).await
            };
            locks = true;
            tried += 1;
            match attempt {
                Try::Done(outcomes) => return self.committed(outcomes),
                Try::Again(why) => {
                    self.forget(commands);
                    self.before_next_try(&why, tried).await;
                }
                Try::Locked(fault) => {
                    tracing::debug!(error = %fault, "another session holds a lock for long");
                    self.forget(commands);
                    Metrics::add(&self.metrics.conflict_retries, 1);
                    return Ended::Locked;
                }
                Try::Unknown(doubt, fault) => {
                    tracing::warn!(error = ?fault, "the connection was lost around a commit; looking for its outcome");
                    return self.settle(commands, doubt, places, callers).await;
                }
                Try::Failed(fault) => {
                    self.after_fault(&fault, commands);
                    return Ended::Failed(fault.into());
                }
            }
        }
        Ended::Failed(SubmitError::Contended)
    }

    pub(super) fn committed(&self, outcomes: Vec<Outcome>) -> Ended {
        Metrics::add(&self.metrics.batches, 1);
        Metrics::add(&self.metrics.commands, outcomes.len());
        Ended::Done(outcomes)
    }

    /// Decides on remembered wallets and writes with one statement that is its own transaction.
    async fn try_at_once(&mut self, commands: &[&Command]) -> Try {
        // Before anything is recalled: behind a new connection the database may be an earlier state of itself.
        let mut connection = match self.repo.acquire().await {
            Ok(connection) => connection,
            Err(fault) => return Try::Failed(fault),
        };
        self.forget_before(self.repo.connections_opened());
        let (outcomes, changes) = match self.decide_at_once(&mut connection, commands).await {
            Ok(decided) => decided,
            Err(fault) => return Try::Failed(fault),
        };
        let Some(witness) = changes.transfers.first().map(|transfer| transfer.id) else {
            return Try::Done(outcomes);
        };
        self.count_statements(1);
        match connection.write_at_once(&changes).await {
            Ok(()) => {
                self.remember(changes);
                Try::Done(outcomes)
            }
            Err(fault) => of_commit(fault, outcomes, witness),
        }
    }

    /// Nothing is inserted for a refused command, so nothing would notice that its key was used up before: those keys
    /// are looked up, and the batch is decided again with what they brought.
    async fn decide_at_once(
        &mut self,
        connection: &mut Connection,
        commands: &[&Command],
    ) -> Result<(Vec<Outcome>, Changes), Fault> {
        let book = Book::open(self.recall(connection, commands).await?);
        let (outcomes, changes) = self.decide(book, commands);
        let keys = keys_of_refused(commands, &outcomes);
        if keys.is_empty() {
            return Ok((outcomes, changes));
        }
        self.count_statements(1);
        let stored = connection.find_by_keys(&keys).await?;
        if stored.is_empty() {
            return Ok((outcomes, changes));
        }
        let mut book = Book::open(self.recall(connection, commands).await?);
        book.remember(stored);
        Ok(self.decide(book, commands))
    }

    /// Reads under locks, so that what is decided cannot go stale.
    ///
    /// Doubts are settled under the same locks: an old connection that is still at it either finished before they were
    /// granted, and its witness is here, or will find the wallets changed.
    pub(super) async fn try_locked(&mut self, commands: &[&Command], doubts: &[Doubt]) -> Try {
        let (tx, outcomes, changes) = match self.decide_locked(commands, doubts).await {
            Ok(Decided::WasDurable(outcomes)) => return Try::Done(outcomes),
            Ok(Decided::ToWrite(tx, outcomes, changes)) => (tx, outcomes, changes),
            Err(fault) => return before_commit(fault),
        };
        let Some(witness) = changes.transfers.first().map(|transfer| transfer.id) else {
            self.count_statements(1);
            return match tx.rollback().await {
                Ok(()) => Try::Done(outcomes),
                Err(fault) => before_commit(fault),
            };
        };
        self.write_and_commit(tx, outcomes, changes, witness).await
    }

    /// Keys are looked up before the locks are taken, so that other sessions wait less. A key that another writer uses
    /// up in between breaks the insert. On SQLite BEGIN takes the lock, and looking is a function call.
    async fn decide_locked(&mut self, commands: &[&Command], doubts: &[Doubt]) -> Result<Decided, Fault> {
        let (ids, keys) = (wallet_ids(commands), keys(commands));
        let looks_first = self.repo.writes_at_once();
        self.count_statements(2 + usize::from(!keys.is_empty()));
        let mut stored = if looks_first && !keys.is_empty() {
            self.repo.find_by_keys(&keys).await?
        } else {
            Vec::new()
        };
        let mut tx = self.repo.begin().await?;
        let wallets = tx.lock_wallets(&ids).await?;
        if let Some(outcomes) = durable_one(&mut tx, doubts).await? {
            tx.rollback().await?;
            return Ok(Decided::WasDurable(outcomes));
        }
        if !looks_first && !keys.is_empty() {
            stored = tx.find_by_keys(&keys).await?;
        }
        let mut book = Book::open(wallets);
        book.remember(stored);
        let (outcomes, changes) = self.decide(book, commands);
        let refused = keys_of_refused(commands, &outcomes);
        if !looks_first || refused.is_empty() {
            return Ok(Decided::ToWrite(tx, outcomes, changes));
        }
        // These insert nothing that could break.
        self.count_statements(2);
        let stored = tx.find_by_keys(&keys).await?;
        let mut book = Book::open(tx.lock_wallets(&ids).await?);
        book.remember(stored);
        let (outcomes, changes) = self.decide(book, commands);
        Ok(Decided::ToWrite(tx, outcomes, changes))
    }

    async fn write_and_commit(
        &mut self,
        mut tx: Tx,
        outcomes: Vec<Outcome>,
        changes: Changes,
        witness: TransferId,
    ) -> Try {
        self.count_statements(self.repo.writing_statements(&changes) + 1);
        match tx.write(&changes).await {
            Ok(Written::Changed) => {}
            Ok(Written::Stale) => return Try::Again(FaultKind::Stale),
            Err(fault) => return before_commit(fault),
        }
        match tx.commit().await {
            Ok(()) => {
                self.remember(changes);
                Try::Done(outcomes)
            }
            Err(fault) => of_commit(fault, outcomes, witness),
        }
    }

    fn decide(&mut self, mut book: Book, commands: &[&Command]) -> (Vec<Outcome>, Changes) {
        let outcomes = commands
            .iter()
            .map(|command| book.apply(command, &mut self.sequence))
            .collect();
        (outcomes, book.close())
    }

    /// The wallets of a batch from memory, the missing ones from the database. A wallet that a command may not touch counts
    /// as missing: else a caller could tell it from one that does not exist, by the time of the answer.
    async fn recall(&mut self, connection: &mut Connection, commands: &[&Command]) -> Result<Vec<Wallet>, Fault> {
        let hidden = hidden_wallets(commands, &self.remembered);
        let ids = wallet_ids(commands);
        let (known, missing): (Vec<WalletId>, Vec<WalletId>) = ids
            .into_iter()
            .partition(|id| self.remembered.contains_key(id) && !hidden.contains(id));
        let mut wallets: Vec<Wallet> = known.iter().filter_map(|id| self.remembered.get(id).cloned()).collect();
        if !missing.is_empty() {
            self.count_statements(1);
            wallets.extend(connection.read_wallets(&missing).await?);
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

    /// A lost connection may have been the database's end, and what comes back an earlier state of it.
    fn after_fault(&mut self, fault: &Fault, commands: &[&Command]) {
        if fault.is_out_of_reach() {
            self.forget_all();
            self.repo.close_open_connections();
        }
        self.forget(commands);
    }

    pub(super) fn forget_all(&mut self) {
        self.remembered.clear();
    }

    /// Forgets everything when connections were opened since it was remembered.
    fn forget_before(&mut self, opened: u64) {
        if self.remembered_at != opened {
            self.remembered_at = opened;
            self.forget_all();
        }
    }

    fn forget(&mut self, commands: &[&Command]) {
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
    fn next(&mut self, floor: Timestamp, bucket: Bucket) -> (Timestamp, TransferId) {
        let time = self.next_after(floor);
        (time, TransferId(id_in(bucket, time)))
    }
}
