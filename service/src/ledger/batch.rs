//! How one batch becomes durable: decide it on the wallets as they are, write it only onto the head that it was decided on,
//! else again.
//!
//! | strategy | when | what is sent |
//! |---|---|---|
//! | `optimistic` | PostgreSQL, while the remembered head is likely the newest | missing wallets are read, one statement that is its own transaction |
//! | `in_turn` | SQLite; the first batch of a process or a connection; after the head had moved; beside locked wallets | BEGIN, the turn, head and wallets, the write, COMMIT |
//!
//! What is remembered is only a guess about the database: the head decides whether the guess was right.

use std::sync::Arc;
use std::time::Instant;

use super::book::{Book, Changes, Stamps};
use super::callers::Batch;
use super::error::SubmitError;
use super::in_turn::InTurn;
use super::locked_wallets::LockedWallets;
use super::memory::Memory;
use super::metrics::Metrics;
use super::repo::Repo;
use super::tries::{Try, keys, pause};
use super::types::{Command, Outcome, Transfer};
use crate::clock::{Clock, Sequence, id_in};
use crate::db::{Db, Fault, FaultKind};
use crate::values::{Bucket, Timestamp, TransferId};

/// Tries before the callers are told that their wallets are contended.
const TRIES_MAX: u32 = 8;
/// Batches that wait for their turn at once after one was found stale: the other process will likely commit again.
const CAUTIOUS_BATCHES: u32 = 16;

/// Commits batches, one after the other.
pub(super) struct Batches {
    pub(super) repo: Repo,
    pub(super) sequence: Sequence,
    pub(super) metrics: Arc<Metrics>,
    pub(super) memory: Memory,
    /// Connections that had been opened when the head was read last.
    connections_known: u64,
    /// Until this process has written a row, statements of an earlier one, or of a lost connection, may be on their way.
    pub(super) owes_a_row: bool,
    pub(super) locked: LockedWallets,
    cautious: u32,
    /// Batches whose keys are looked up first, since a recent one repeated a used key.
    looks_up_keys: u32,
}

/// How a batch ended for good.
pub(super) enum Ended {
    Done(Vec<Outcome>),
    Failed(SubmitError),
}

impl Batches {
    pub fn new(db: &Db, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let repo = Repo::new(db, metrics.clone());
        Self {
            // A file has no statements on their way: they end with their process.
            owes_a_row: repo.is_optimistic(),
            repo,
            sequence: Sequence::new(clock),
            metrics,
            memory: Memory::default(),
            connections_known: 0,
            locked: LockedWallets::default(),
            cautious: 0,
            looks_up_keys: 0,
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
    /// A row that the schema refuses fails alone: its batch is halved until it stands by itself.
    pub async fn commit(&mut self, batch: &mut Batch<'_>) {
        let mut parts = vec![batch.places()];
        let mut grows = true;
        while let Some(mut places) = parts.pop() {
            match self.commit_part(batch, &mut places, grows).await {
                Ended::Done(outcomes) => batch.done(&places, outcomes),
                Ended::Failed(SubmitError::Fault(fault)) if places.len() > 1 && fault.kind == FaultKind::Constraint => {
                    Metrics::add(&self.metrics.splits, 1);
                    let mut first = places;
                    let second = first.split_off(first.len() / 2);
                    parts.extend([second, first]);
                }
                Ended::Failed(error) => batch.fail(&places, &error),
            }
            grows = false;
        }
    }

    /// Tries until the commands at these places are durable or surely are not.
    async fn commit_part(&mut self, batch: &mut Batch<'_>, places: &mut Vec<usize>, grows: bool) -> Ended {
        let started = Instant::now();
        let mut in_turn = self.goes_in_turn(&batch.commands(places));
        self.cautious = self.cautious.saturating_sub(1);
        let stored = match self.look_up_keys(&batch.commands(places), in_turn).await {
            Ok(stored) => stored,
            Err(fault) => return self.failed(fault),
        };
        let mut tried = 0;
        while tried < TRIES_MAX && started.elapsed() < self.repo.tries_for() {
            let attempt = if in_turn {
                let how = InTurn {
                    grows,
                    looks_up_keys: self.looks_up_keys > 0,
                    doubts: &[],
                };
                self.try_in_turn(batch, places, how).await
            } else {
                self.try_optimistic(&batch.commands(places), places, &stored).await
            };
            tried += 1;
            match attempt {
                Try::Done(outcomes) => return self.committed(outcomes),
                Try::TakeTurn => in_turn = true,
                Try::Again(FaultKind::Unique(_)) => {
                    in_turn = true;
                    self.looks_up_keys = CAUTIOUS_BATCHES;
                }
                Try::Again(why) => {
                    in_turn = true;
                    self.memory.forget();
                    self.before_next_try(&why, tried).await;
                }
                Try::Locked(fault) => {
                    tracing::debug!(error = %fault, "another session holds a lock for long");
                    Metrics::add(&self.metrics.conflict_retries, 1);
                    if in_turn {
                        self.end_idle_holder().await;
                    }
                    in_turn = true;
                }
                Try::Unknown(doubt, fault) => {
                    tracing::warn!(error = ?fault, "the connection was lost around a commit; looking for its outcome");
                    return self.settle(batch, places, doubt).await;
                }
                Try::Failed(fault) => return self.failed(fault),
            }
        }
        Ended::Failed(SubmitError::Contended)
    }

    fn goes_in_turn(&self, commands: &[&Command]) -> bool {
        !self.repo.is_optimistic()
            || self.cautious > 0
            || self.owes_a_row
            || self.memory.head.is_none()
            || commands.iter().any(|command| self.locked.stops(command))
    }

    /// The stored transfers that used up keys of these commands, where a recent batch had such a key. In turn they are looked
    /// up once the turn is there.
    async fn look_up_keys(&mut self, commands: &[&Command], in_turn: bool) -> Result<Vec<Transfer>, Fault> {
        let looks = self.looks_up_keys > 0;
        self.looks_up_keys = self.looks_up_keys.saturating_sub(1);
        let keys = keys(commands);
        if !looks || in_turn || keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.repo.acquire().await?;
        let found = connection.find_by_keys(&keys).await?;
        if !found.is_empty() {
            self.looks_up_keys = CAUTIOUS_BATCHES;
        }
        Ok(found)
    }

    pub(super) fn committed(&self, outcomes: Vec<Outcome>) -> Ended {
        Metrics::add(&self.metrics.batches, 1);
        Metrics::add(&self.metrics.commands, outcomes.len());
        Ended::Done(outcomes)
    }

    /// A lost connection may have been the database's end, and what comes back an earlier state of it.
    fn failed(&mut self, fault: Fault) -> Ended {
        if fault.is_out_of_reach() {
            self.repo.close_open_connections();
            self.forget_after_loss();
        } else {
            self.memory.forget_wallets();
        }
        Ended::Failed(fault.into())
    }

    pub(super) fn decide(&mut self, mut book: Book, commands: &[&Command]) -> (Vec<Outcome>, Changes) {
        let outcomes = commands
            .iter()
            .map(|command| book.apply(command, &mut self.sequence))
            .collect();
        (outcomes, book.close())
    }

    /// A time above that of the head.
    pub(super) fn now_above(&mut self, floor: Timestamp) -> Timestamp {
        self.sequence.next_after(floor)
    }

    /// After a connection was lost everything is read anew, and a statement may still be on its way.
    pub(super) fn forget_after_loss(&mut self) {
        self.memory.forget();
        self.memory.identity = None;
        self.owes_a_row = self.repo.is_optimistic();
    }

    /// Forgets everything when connections were opened since the head was read.
    pub(super) fn note_connections(&mut self) {
        let opened = self.repo.connections_opened();
        if self.connections_known != opened {
            self.connections_known = opened;
            self.forget_after_loss();
        }
    }

    /// Who has held the turn for two seconds and does nothing has stopped in the middle.
    pub(super) async fn end_idle_holder(&self) {
        match self.repo.end_idle_holder().await {
            Ok(true) => tracing::warn!("ended a session that had locked the journal and was idle"),
            Ok(false) => tracing::warn!("another session has locked the journal for 2 s, and it cannot be seen which"),
            Err(fault) => tracing::warn!(error = ?fault, "cannot see who has locked the journal"),
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
}

impl Stamps for Sequence {
    fn next(&mut self, floor: Timestamp, bucket: Bucket) -> (Timestamp, TransferId) {
        let time = self.next_after(floor);
        (time, TransferId(id_in(bucket, time)))
    }
}
