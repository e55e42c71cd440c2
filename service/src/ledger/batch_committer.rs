//! How one batch becomes durable: decide it on the wallets as they are, write it only onto the head that it was decided
//! on, otherwise try again. There are two strategies:
//! - `optimistic`: PostgreSQL, while the remembered head is likely the newest. Wallets that are not remembered are
//!   read, then one statement, which is its own transaction, writes the batch.
//! - `in_turn`: SQLite; the first batch of a process or a connection; after the head has moved; beside locked wallets;
//!   wallets that are opened, change status or get limits. Sent are BEGIN, the turn (its answer has the head and the
//!   wallets that other processes changed), a read of wallets that are not remembered, the write, COMMIT.
//!
//! What is remembered is only a guess. The check of the head, and of each wallet that the batch rests on, shows whether
//! it was right.

use std::sync::Arc;

use tokio::time::Instant;

use super::attempts::{Attempt, keys, pause};
use super::batch::CommandBatch;
use super::book::Writes;
use super::error::SubmitError;
use super::handover::Handovers;
use super::in_turn::InTurnOptions;
use super::locked_wallets::LockedWallets;
use super::memory::Memory;
use super::metrics::Metrics;
use super::store::{Lookups, Store};
use super::types::{Command, Outcome, Transfer, WalletRefusal};
use crate::clock::Clock;
use crate::db::{Fault, FaultKind};
use crate::values::Timestamp;

/// Attempts before the callers are answered `Contended`.
const ATTEMPTS_MAX: u32 = 8;
/// How many batches stay careful after a problem that the next ones will likely meet too: after a stale head they go in
/// turn at once, after a wait for a lock they skip locked wallets, after a used key they look keys up.
pub(super) const CAUTIOUS_BATCHES: u32 = 16;

/// Waits for locked owners in one batch, of 200 ms each. After that, parts with openings are set aside.
const LOCK_WAITS_MAX: u32 = 3;

/// Turns that openings without an owner may cost one batch. After that, parts with openings are set aside.
const ORPHAN_TURNS_MAX: u32 = 16;

/// Commits batches, one after the other.
pub(super) struct BatchCommitter<S> {
    pub(super) store: S,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) memory: Memory,
    pub(super) handovers: Handovers,
    /// Connections that had been opened when the head was read last.
    connections_known: u64,
    /// While true, the next batch in turn writes a row even if it is empty. A statement of an earlier process, or of a
    /// lost connection, may still be on its way, and fails once that row is there.
    pub(super) must_write_row: bool,
    pub(super) locked: LockedWallets,
    /// Batches left that skip locked wallets when in turn, since a recent one waited for a lock.
    pub(super) lock_skipping_batches_left: u32,
    /// Batches left that go in turn at once, since a recent one met a stale head.
    in_turn_batches_left: u32,
    /// True while the database's clock contradicts this process'.
    pub(super) clock_is_wrong: bool,
    /// Batches left whose keys are looked up first, since a recent one repeated a used key.
    key_lookup_batches_left: u32,
    /// True after an attempt that was late (`Decision::is_late`).
    pub(super) was_late: bool,
}

/// What was decided about some commands.
pub(super) struct Decision {
    pub outcomes: Vec<Outcome>,
    pub writes: Writes,
    pub at: Timestamp,
    /// True if a hold has expired while the batch was decided that the book was not given: nothing is written, and the
    /// next attempt sets the commands aside that wait for it.
    pub is_late: bool,
}

/// How a batch ended for good.
pub(super) enum Ended {
    Done(Vec<Outcome>),
    /// Nothing was written: commands with openings waited too long for a lock on an owner or on a wallet.
    OwnerLocked,
    Failed(SubmitError),
}

impl<S: Store> BatchCommitter<S> {
    pub fn new(store: S, clock: Arc<dyn Clock>, metrics: Arc<Metrics>, handovers: Handovers) -> Self {
        Self {
            // On SQLite no statement outlives its process.
            must_write_row: store.is_optimistic(),
            store,
            clock,
            metrics,
            memory: Memory::default(),
            handovers,
            connections_known: 0,
            locked: LockedWallets::default(),
            lock_skipping_batches_left: 0,
            in_turn_batches_left: 0,
            clock_is_wrong: false,
            key_lookup_batches_left: 0,
            was_late: false,
        }
    }

    /// The most rows that `commit` takes at once, but a single command's.
    pub fn rows_max(&self) -> usize {
        self.store.batch_max()
    }

    /// Closes the connections, which belong to the thread that they were opened on.
    pub async fn close(self) {
        self.store.close().await;
    }

    /// Commits commands and answers their callers. Commands keep their order unless the batch is divided. Those that
    /// need a row that another session has locked stay unanswered, and so do those that pay from a wallet with more
    /// expired holds than one batch releases.
    ///
    /// A row that the schema refuses fails alone: the batch is halved until only that row is left. A batch with an
    /// opening whose owner is missing or locked is divided too, but only a few times: other commands must not wait for
    /// a thousand of them.
    pub async fn commit(&mut self, batch: &mut CommandBatch<'_>) {
        let mut parts = vec![batch.places()];
        let (mut takes_waiting, mut lock_waits, mut orphan_turns) = (true, 0, 0);
        while let Some(mut places) = parts.pop() {
            let leaves_openings = lock_waits >= LOCK_WAITS_MAX || orphan_turns >= ORPHAN_TURNS_MAX;
            if leaves_openings && holds_openings(&batch.commands(&places)) {
                Metrics::add(&self.metrics.set_aside, places.len());
                continue;
            }
            match self.commit_part(batch, &mut places, takes_waiting).await {
                Ended::Done(outcomes) => batch.done(&places, outcomes),
                // Only a new wallet refers to a row of another domain, its owner: so one of the openings has no owner.
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
            takes_waiting = false;
        }
    }

    /// Tries until the commands at these places are durable, or certainly are not.
    async fn commit_part(
        &mut self,
        batch: &mut CommandBatch<'_>,
        places: &mut Vec<usize>,
        takes_waiting: bool,
    ) -> Ended {
        let started = Instant::now();
        let mut in_turn = self.goes_in_turn(&batch.commands(places));
        self.in_turn_batches_left = self.in_turn_batches_left.saturating_sub(1);
        self.lock_skipping_batches_left = self.lock_skipping_batches_left.saturating_sub(1);
        let stored = match self.look_up_keys(&batch.commands(places), in_turn).await {
            Ok(stored) => stored,
            Err(fault) => return self.failed(fault),
        };
        let mut tried = 0;
        while tried < ATTEMPTS_MAX && started.elapsed() < self.store.attempts_time_max() {
            let attempt = if in_turn {
                let how = InTurnOptions {
                    takes_waiting,
                    looks_up_keys: self.key_lookup_batches_left > 0,
                    doubts: &[],
                };
                self.try_in_turn(batch, places, how).await
            } else {
                self.try_optimistic(batch, places, &stored).await
            };
            tried += 1;
            match attempt {
                Attempt::Done(outcomes) => return self.committed(outcomes),
                Attempt::TakeTurn => in_turn = true,
                Attempt::Again(FaultKind::Unique(_)) => {
                    in_turn = true;
                    self.key_lookup_batches_left = CAUTIOUS_BATCHES;
                }
                Attempt::Again(why) => {
                    in_turn = true;
                    self.before_next_try(&why, tried).await;
                }
                Attempt::TurnTimeout(fault) => {
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
                    self.lock_skipping_batches_left = CAUTIOUS_BATCHES;
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
            || self.in_turn_batches_left > 0
            || self.must_write_row
            || self.memory.head.is_none()
            || commands
                .iter()
                .any(|command| command.action.is_change() || self.locked.may_stop(command))
    }

    /// The stored transfers that used up keys of these commands. Looks only if a recent batch repeated a used key. A
    /// batch in turn looks later, with the turn held.
    async fn look_up_keys(&mut self, commands: &[&Command], in_turn: bool) -> Result<Vec<Transfer>, Fault> {
        let looks = self.key_lookup_batches_left > 0;
        self.key_lookup_batches_left = self.key_lookup_batches_left.saturating_sub(1);
        let keys = keys(commands);
        if !looks || in_turn || keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.store.acquire().await?;
        let found = connection.find_by_keys(&keys).await?;
        if !found.is_empty() {
            self.key_lookup_batches_left = CAUTIOUS_BATCHES;
        }
        Ok(found)
    }

    pub(super) fn committed(&self, outcomes: Vec<Outcome>) -> Ended {
        Metrics::add(&self.metrics.batches, 1);
        Metrics::add(&self.metrics.commands, outcomes.len());
        self.metrics.batch_size.record(outcomes.len() as u64);
        Ended::Done(outcomes)
    }

    /// Forgets everything after a lost connection: the database may come back without commits that were answered.
    fn failed(&mut self, fault: Fault) -> Ended {
        if fault.is_out_of_reach() {
            self.store.close_open_connections();
            self.forget_after_loss();
        } else {
            self.memory.forget_wallets();
        }
        Ended::Failed(fault.into())
    }

    /// After a lost connection everything is read anew, and a lost statement may still be on its way.
    pub(super) fn forget_after_loss(&mut self) {
        self.memory.forget();
        self.memory.identity = None;
        self.must_write_row = self.store.is_optimistic();
    }

    /// Forgets everything if connections were opened since a head was read last.
    pub(super) fn note_connections(&mut self) {
        let opened = self.store.connections_opened();
        if self.connections_known != opened {
            self.connections_known = opened;
            self.forget_after_loss();
        }
    }

    /// Ends a session that has held the turn for 2 s and is idle: its process stopped in the middle. A session that
    /// locked a whole table of the ledger is not found; the warning names that case too.
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
            self.in_turn_batches_left = CAUTIOUS_BATCHES;
        }
        if tried > 1 {
            self.store.pause(pause(tried)).await;
        }
    }
}

/// The second half, then the first: parts are taken from the end, so the first half is tried first.
fn halves(mut places: Vec<usize>) -> [Vec<usize>; 2] {
    let second = places.split_off(places.len() / 2);
    [second, places]
}

/// Divides a part in which an opening's owner is missing or locked. The other commands are tried first, without it.
fn openings_apart(batch: &CommandBatch<'_>, places: Vec<usize>) -> [Vec<usize>; 2] {
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
