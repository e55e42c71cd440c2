//! How one batch becomes durable: decide it on the wallets as they are, write it only onto the head that it was decided on,
//! else again.
//!
//! | strategy | when | what is sent |
//! |---|---|---|
//! | `optimistic` | PostgreSQL, while the remembered head is likely the newest | missing wallets are read, one statement that is its own transaction |
//! | `in_turn` | SQLite; the first batch of a process or a connection; after the head had moved; beside locked wallets; wallets that are opened or change status | BEGIN, the turn, which tells the head and the wallets that others moved, wallets that are not remembered, the write, COMMIT |
//!
//! What is remembered is only a guess: the head, and the check of each wallet that is written, decide whether it was right.

use std::sync::Arc;

use tokio::time::Instant;

use super::attempts::{Attempt, keys, pause};
use super::book::{Book, Writes};
use super::callers::Batch;
use super::error::SubmitError;
use super::handover::CommitHandover;
use super::in_turn::InTurn;
use super::locked_wallets::LockedWallets;
use super::memory::Memory;
use super::metrics::Metrics;
use super::stamps::BatchStamps;
use super::store::{Connection, Store};
use super::types::{Command, Outcome, Transfer, WalletRefusal};
use crate::clock::Clock;
use crate::db::{Fault, FaultKind};
use crate::feed;
use crate::values::Timestamp;

/// Attempts before the callers are told that their wallets are contended.
const ATTEMPTS_MAX: u32 = 8;
/// Batches that go in turn at once after one was found stale, that pass locked wallets over after one waited for a lock, and
/// whose keys are looked up after one repeated a used key: the next ones will likely meet the same.
pub(super) const CAUTIOUS_BATCHES: u32 = 16;

/// Waits for locked owners in one batch, of 200 ms each. Then the openings are left for the next one.
const LOCK_WAITS_MAX: u32 = 3;

/// Turns that openings without an owner may cost one batch. Then the other openings are left for the next one.
const ORPHAN_TURNS_MAX: u32 = 16;

/// Commits batches, one after the other.
pub(super) struct Batches<S> {
    pub(super) store: S,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) memory: Memory,
    pub(super) handover: CommitHandover,
    /// Connections that had been opened when the head was read last.
    connections_known: u64,
    /// Until this process has written a row, statements of an earlier one, or of a lost connection, may be on their way.
    pub(super) owes_a_row: bool,
    pub(super) locked: LockedWallets,
    /// Batches that pass locked wallets over at once, since a recent one waited for a lock.
    pub(super) met_locks: u32,
    cautious: u32,
    /// True while the database's clock contradicts this process'.
    pub(super) clock_is_wrong: bool,
    /// Batches whose keys are looked up first, since a recent one repeated a used key.
    looks_up_keys: u32,
}

/// What was decided about some commands.
pub(super) struct Decision {
    pub outcomes: Vec<Outcome>,
    pub writes: Writes,
    pub at: Timestamp,
}

/// How a batch ended for good.
pub(super) enum Ended {
    Done(Vec<Outcome>),
    /// Nothing was written: another session has locked the owner of a wallet that is to be opened, or a wallet.
    OwnerLocked,
    Failed(SubmitError),
}

impl<S: Store> Batches<S> {
    pub fn new(store: S, clock: Arc<dyn Clock>, metrics: Arc<Metrics>, handover: feed::Handover) -> Self {
        Self {
            // A file has no statements on their way: they end with their process.
            owes_a_row: store.is_optimistic(),
            store,
            clock,
            metrics,
            memory: Memory::default(),
            handover: CommitHandover(handover),
            connections_known: 0,
            locked: LockedWallets::default(),
            met_locks: 0,
            cautious: 0,
            clock_is_wrong: false,
            looks_up_keys: 0,
        }
    }

    /// The most commands that `commit` takes at once.
    pub fn size_max(&self) -> usize {
        self.store.batch_max()
    }

    /// Closes the connections, which belong to the thread that they were opened on.
    pub async fn close(self) {
        self.store.close().await;
    }

    /// Commits commands, in order unless the batch is divided, and answers their callers, but for those who need what another
    /// session has locked.
    ///
    /// A row that the schema refuses fails alone: its batch is divided until it stands by itself. So is an opening whose owner is
    /// gone or locked, but only for some turns: the others must not wait for a thousand of them.
    pub async fn commit(&mut self, batch: &mut Batch<'_>) {
        let mut parts = vec![batch.places()];
        let (mut grows, mut lock_waits, mut orphan_turns) = (true, 0, 0);
        while let Some(mut places) = parts.pop() {
            let leaves_openings = lock_waits >= LOCK_WAITS_MAX || orphan_turns >= ORPHAN_TURNS_MAX;
            if leaves_openings && holds_openings(&batch.commands(&places)) {
                Metrics::add(&self.metrics.set_aside, places.len());
                continue;
            }
            match self.commit_part(batch, &mut places, grows).await {
                Ended::Done(outcomes) => batch.done(&places, outcomes),
                // Only a new wallet names a row of another domain, its owner: so one of the openings has no owner.
                Ended::Failed(SubmitError::Fault(fault))
                    if fault.kind == FaultKind::ForeignKey && holds_openings(&batch.commands(&places)) =>
                {
                    orphan_turns += 1;
                    if places.len() == 1 {
                        batch.done(&places, vec![Outcome::WalletRefused(WalletRefusal::NoOwner)]);
                    } else {
                        Metrics::add(&self.metrics.splits, 1);
                        parts.extend(openings_apart(batch, places));
                    }
                }
                Ended::Failed(SubmitError::Fault(fault))
                    if places.len() > 1 && matches!(fault.kind, FaultKind::ForeignKey | FaultKind::Constraint) =>
                {
                    Metrics::add(&self.metrics.splits, 1);
                    parts.extend(halves(places));
                }
                Ended::OwnerLocked => {
                    lock_waits += 1;
                    if places.len() > 1 {
                        parts.extend(openings_apart(batch, places));
                    } else {
                        Metrics::add(&self.metrics.set_aside, 1);
                    }
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
        self.met_locks = self.met_locks.saturating_sub(1);
        let stored = match self.look_up_keys(&batch.commands(places), in_turn).await {
            Ok(stored) => stored,
            Err(fault) => return self.failed(fault),
        };
        let mut tried = 0;
        while tried < ATTEMPTS_MAX && started.elapsed() < self.store.attempts_time_max() {
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
                Attempt::Done(outcomes) => return self.committed(outcomes),
                Attempt::TakeTurn => in_turn = true,
                Attempt::Again(FaultKind::Unique(_)) => {
                    in_turn = true;
                    self.looks_up_keys = CAUTIOUS_BATCHES;
                }
                Attempt::Again(why) => {
                    in_turn = true;
                    self.before_next_try(&why, tried).await;
                }
                Attempt::TurnHeld(fault) => {
                    tracing::debug!(error = %fault, "another session has the turn for long");
                    Metrics::add(&self.metrics.conflict_retries, 1);
                    self.end_idle_holder().await;
                }
                Attempt::Locked(fault) => {
                    tracing::debug!(error = %fault, "another session holds a lock for long");
                    Metrics::add(&self.metrics.conflict_retries, 1);
                    if in_turn && holds_openings(&batch.commands(places)) {
                        return Ended::OwnerLocked;
                    }
                    self.met_locks = CAUTIOUS_BATCHES;
                    in_turn = true;
                }
                Attempt::Unknown(doubt, fault) => {
                    tracing::warn!(error = ?fault, "the connection was lost around a commit; looking for its outcome");
                    return self.settle(batch, places, doubt).await;
                }
                Attempt::Failed(fault) => return self.failed(fault),
            }
        }
        Ended::Failed(SubmitError::Contended)
    }

    fn goes_in_turn(&self, commands: &[&Command]) -> bool {
        !self.store.is_optimistic()
            || self.cautious > 0
            || self.owes_a_row
            || self.memory.head.is_none()
            || commands
                .iter()
                .any(|command| command.action.is_change() || self.locked.stops(command))
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
        let mut connection = self.store.acquire().await?;
        let found = connection.find_by_keys(&keys).await?;
        if !found.is_empty() {
            self.looks_up_keys = CAUTIOUS_BATCHES;
        }
        Ok(found)
    }

    pub(super) fn committed(&self, outcomes: Vec<Outcome>) -> Ended {
        Metrics::add(&self.metrics.batches, 1);
        Metrics::add(&self.metrics.commands, outcomes.len());
        self.metrics.batch_size.record(outcomes.len() as u64);
        Ended::Done(outcomes)
    }

    /// After a lost connection all is read anew: the database may come back as an earlier state of itself.
    fn failed(&mut self, fault: Fault) -> Ended {
        if fault.is_out_of_reach() {
            self.store.close_open_connections();
            self.forget_after_loss();
        } else {
            self.memory.forget_wallets();
        }
        Ended::Failed(fault.into())
    }

    /// Decides the commands in order. The time is that of the last stamp.
    pub(super) fn decide(&self, mut book: Book, commands: &[&Command], floor: Timestamp) -> Decision {
        let mut stamps = BatchStamps::above(&*self.clock, floor);
        let outcomes = commands
            .iter()
            .map(|command| book.apply(command, &mut stamps))
            .collect();
        Decision {
            outcomes,
            writes: book.close(),
            at: stamps.time(),
        }
    }

    /// After a connection was lost everything is read anew, and a statement may still be on its way.
    pub(super) fn forget_after_loss(&mut self) {
        self.memory.forget();
        self.memory.identity = None;
        self.owes_a_row = self.store.is_optimistic();
    }

    /// Forgets everything when connections were opened since the head was read.
    pub(super) fn note_connections(&mut self) {
        let opened = self.store.connections_opened();
        if self.connections_known != opened {
            self.connections_known = opened;
            self.forget_after_loss();
        }
    }

    /// Ends a session that has held the turn for 2 s and is idle: its process has stopped in the middle.
    pub(super) async fn end_idle_holder(&self) {
        match self.store.end_idle_holder().await {
            Ok(true) => tracing::warn!("ended a session that had locked the journal and was idle"),
            Ok(false) => {
                tracing::warn!(
                    "another session has kept the turn, or a table of the ledger, for long; it is not idle, or this role may not see it"
                )
            }
            Err(fault) => tracing::warn!(error = ?fault, "cannot see who has locked the journal"),
        }
    }

    async fn before_next_try(&mut self, why: &FaultKind, tried: u32) {
        if *why == FaultKind::WalletChanged {
            self.memory.forget();
        }
        if *why == FaultKind::Conflict {
            Metrics::add(&self.metrics.conflict_retries, 1);
        } else {
            Metrics::add(&self.metrics.stale_retries, 1);
            self.cautious = CAUTIOUS_BATCHES;
        }
        if tried > 1 {
            self.store.pause(pause(tried)).await;
        }
    }
}

/// The second half and the first: the last part is the next to be tried.
fn halves(mut places: Vec<usize>) -> [Vec<usize>; 2] {
    let second = places.split_off(places.len() / 2);
    [second, places]
}

/// Two parts of a batch where one of the openings has no owner, or a locked one: the rest is tried without them, and first.
fn openings_apart(batch: &Batch<'_>, places: Vec<usize>) -> [Vec<usize>; 2] {
    let opens = |place: &usize| batch.command(*place).action.opening().is_some();
    let (openings, others): (Vec<usize>, Vec<usize>) = places.into_iter().partition(opens);
    if others.is_empty() {
        halves(openings)
    } else {
        [openings, others]
    }
}

fn holds_openings(commands: &[&Command]) -> bool {
    commands.iter().any(|command| command.action.opening().is_some())
}
