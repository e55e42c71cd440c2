//! Writing in turn: wait until no other process commits, take commands that arrived meanwhile into the batch, read,
//! decide, write. The head is then the newest, and no other committer can move it. A person's session can still change
//! a wallet: a write finds that (`WalletChanged`), but a batch that writes nothing does not check it.

use std::collections::HashMap;

use super::attempts::{
    Attempt, InDoubt, Originals, after_commit_fault, after_early_fault, after_turn_fault, hidden_wallets, keys,
    keys_of_refused, openings, wallet_ids,
};
use super::basis::Basis;
use super::batch::CommandBatch;
use super::batch_committer::{BatchCommitter, Decision};
use super::book::Writes;
use super::group_commit::GroupCommit;
use super::metrics::{JournalLoss, Metrics};
use super::skew::clocks_disagree;
use super::stamps::BatchStamps;
use super::store::{Lookups, Store, Turn};
use super::types::{Action, Command, Outcome, Outflow, Wallet, start_of_day};
use crate::db::{Fault, FaultKind};
use crate::journal::{Head, LedgerIdentity};
use crate::values::{Timestamp, WalletId};

/// The options of one attempt in turn.
pub(super) struct InTurnOptions<'a> {
    /// Whether commands that wait in the queue are taken into the batch.
    pub takes_waiting: bool,
    /// Whether all keys of the batch are looked up, and not only those of refused commands.
    pub looks_up_keys: bool,
    /// Commits whose answers were lost.
    pub doubts: &'a [InDoubt],
}

/// The turn, held by this process, with what was read as it was taken. (`Attempt::TurnTimeout` is the opposite: another
/// session has the turn.)
pub(super) struct HeldTurn<T> {
    pub turn: T,
    pub head: Head,
    pub identity: LedgerIdentity,
}

/// What was decided with the turn held.
enum Decided {
    ToWrite(Box<Decision>),
    NothingToWrite(Vec<Outcome>),
    Late,
}

impl<S: Store> BatchCommitter<S> {
    /// Tries to decide and write the commands at these places. Commands that need a wallet which another session has
    /// locked, or one with too many expired holds, are removed from `places`, and so stay unanswered.
    pub(super) async fn try_in_turn(
        &mut self,
        batch: &mut CommandBatch<'_>,
        places: &mut Vec<usize>,
        how: InTurnOptions<'_>,
    ) -> Attempt {
        let HeldTurn {
            mut turn,
            head,
            identity,
        } = match self.take_turn().await {
            Ok(held) => held,
            Err(attempt) => return attempt,
        };
        match self.decide_in_turn(&mut turn, head, batch, places, how).await {
            Ok(Decided::ToWrite(decision)) => {
                let commit = GroupCommit::new(decision.writes, head, &identity, decision.at);
                self.write_in_turn(turn, places, decision.outcomes, commit).await
            }
            Ok(Decided::NothingToWrite(outcomes)) => match turn.rollback().await {
                Ok(()) => Attempt::Done(outcomes),
                Err(fault) => after_early_fault(fault),
            },
            Ok(Decided::Late) => match turn.rollback().await {
                Ok(()) => Attempt::Again(FaultKind::Stale),
                Err(fault) => after_early_fault(fault),
            },
            Err(fault) => after_early_fault(fault),
        }
    }

    /// Waits for the turn, refuses to commit with a wrong clock, notes a database that has lost commits, and brings the
    /// memory up to the head.
    pub(super) async fn take_turn(&mut self) -> Result<HeldTurn<S::Turn>, Attempt> {
        let asked_at = self.clock.now();
        let request = self.memory.turn_request();
        let (mut turn, answer) = self.store.take_turn(&request).await.map_err(after_turn_fault)?;
        self.note_connections();
        // The database reads its clock after the wait.
        self.refuse_wrong_clock(asked_at + answer.waited, answer.time)
            .map_err(after_early_fault)?;
        if let Some(last_row) = self.memory.last_row
            && answer.last_row_digest != Some(last_row.digest)
        {
            self.report_lost_commits(last_row, answer.head);
            self.memory.forget();
        }
        self.memory.catch_up(answer.head, answer.moved);
        let identity = match self.memory.identity {
            Some(identity) => identity,
            None => turn.identity().await.map_err(after_early_fault)?,
        };
        self.memory.identity = Some(identity);
        let head = answer.head;
        Ok(HeldTurn { turn, head, identity })
    }

    async fn decide_in_turn(
        &mut self,
        turn: &mut S::Turn,
        head: Head,
        batch: &mut CommandBatch<'_>,
        places: &mut Vec<usize>,
        how: InTurnOptions<'_>,
    ) -> Result<Decided, Fault> {
        if let Some(doubt) = durable_one(turn, how.doubts).await? {
            places.clone_from(&doubt.places);
            return Ok(Decided::ToWrite(Box::new(Decision {
                outcomes: doubt.outcomes.clone(),
                writes: Writes::default(),
                at: self.time_above(head),
                is_late: false,
            })));
        }
        if how.takes_waiting {
            places.extend(batch.take_waiting());
        }
        let originals = self.originals_of(turn, &batch.commands(places)).await?;
        let wallets = self.wallets_in_turn(turn, &batch.commands(places), &originals).await?;
        let taken = places.len();
        places.retain(|place| !self.locked.stops(batch.command(*place), &originals));
        Metrics::add(&self.metrics.set_aside, taken - places.len());
        let mut basis = Basis {
            wallets,
            originals,
            ..Basis::default()
        };
        basis.expiring = self.expiring_on(turn, &batch.commands(places), &basis, head.at).await?;
        self.set_crowded_aside(&basis, batch, places);
        let commands = batch.commands(places);
        basis.outflows = self.outflows(turn, &commands, &basis.wallets, head).await?;
        let decision = self
            .decide_on(turn, &commands, basis, (head.at, how.looks_up_keys))
            .await?;
        if decision.is_late {
            self.was_late = true;
            return Ok(Decided::Late);
        }
        if decision.writes.is_empty() && !self.must_write_row {
            return Ok(Decided::NothingToWrite(decision.outcomes));
        }
        Ok(Decided::ToWrite(Box::new(decision)))
    }

    /// The time of an empty row: now, or that of the head if it is later.
    pub(super) fn time_above(&self, head: Head) -> Timestamp {
        BatchStamps::above(&*self.clock, head.at).last_time()
    }

    /// The wallets of these commands. The remembered ones are as the journal left them; the others are read. While
    /// locks are skipped, all are read.
    async fn wallets_in_turn(
        &mut self,
        turn: &mut S::Turn,
        commands: &[&Command],
        originals: &Originals,
    ) -> Result<Vec<Wallet>, Fault> {
        let skips_locked = self.skips_locked();
        let (mut wallets, missing) = if skips_locked {
            (Vec::new(), wallet_ids(commands, originals))
        } else {
            self.memory.recall(commands, originals)
        };
        if !missing.is_empty() {
            wallets.extend(turn.read_wallets(&missing, skips_locked).await?);
        }
        self.note_locked(turn, commands, originals, &wallets).await?;
        Ok(wallets)
    }

    /// What went out today of the wallets that are to get their first limits. The whole day is read with the turn held,
    /// once for each wallet: a hundred thousand transfers take some tenths of a second. Summing it up before the turn would
    /// not do, since holds of the day may still give money back.
    async fn outflows(
        &self,
        turn: &mut S::Turn,
        commands: &[&Command],
        wallets: &[Wallet],
        head: Head,
    ) -> Result<Vec<(WalletId, Outflow)>, Fault> {
        let day = start_of_day(self.time_above(head));
        let mut outflows = Vec::new();
        for command in commands {
            if let Action::SetLimits(request) = &command.action
                && wallets
                    .iter()
                    .any(|wallet| wallet.id == request.wallet && wallet.limits.is_none())
            {
                outflows.push((request.wallet, turn.outflow_since(request.wallet, day).await?));
            }
        }
        Ok(outflows)
    }

    /// Notes which wallets of these commands are locked: of those that were not found, the ones that exist.
    async fn note_locked(
        &mut self,
        turn: &mut S::Turn,
        commands: &[&Command],
        originals: &Originals,
        found: &[Wallet],
    ) -> Result<(), Fault> {
        let ids = wallet_ids(commands, originals);
        let by_id: HashMap<WalletId, &Wallet> = found.iter().map(|wallet| (wallet.id, wallet)).collect();
        // These are read a second time too, so that another customer's wallet takes as long as one that does not exist.
        let hidden = hidden_wallets(commands, originals, |id| by_id.get(id).copied());
        let to_look_at: Vec<WalletId> = ids
            .iter()
            .copied()
            .filter(|id| !by_id.contains_key(id) || hidden.contains(id))
            .collect();
        let mut locked = if to_look_at.is_empty() {
            Vec::new()
        } else {
            turn.locked_among(&to_look_at).await?
        };
        locked.retain(|wallet| !by_id.contains_key(&wallet.id));
        self.locked.replace(&ids, locked);
        Ok(())
    }

    /// Skipping locks means locking the wallets of the batch, a write for each, so it is done only after a lock was
    /// met.
    fn skips_locked(&self) -> bool {
        self.lock_skipping_batches_left > 0 || !self.locked.is_empty()
    }

    /// Fails if the database's clock contradicts this process': a wrong clock stops its own process, and dates no
    /// commit.
    fn refuse_wrong_clock(&mut self, earliest: Timestamp, time: Option<Timestamp>) -> Result<(), Fault> {
        let was_wrong = self.clock_is_wrong;
        self.clock_is_wrong = self.is_clock_wrong(earliest, time);
        match (self.clock_is_wrong, time) {
            (true, Some(time)) => {
                let ahead_ms = (self.clock.now() - time).num_milliseconds();
                if !was_wrong {
                    tracing::error!(
                        ahead_ms,
                        "this machine's clock and the database's are more than 2 s apart: nothing is committed until they agree"
                    );
                }
                Metrics::add(&self.metrics.clock_refusals, 1);
                Err(Fault::clock_skew(ahead_ms))
            }
            _ => Ok(()),
        }
    }

    /// `earliest` is this process' time before the database read its own.
    pub(super) fn is_clock_wrong(&self, earliest: Timestamp, time: Option<Timestamp>) -> bool {
        time.is_some_and(|time| clocks_disagree(earliest, time, self.clock.now()))
    }

    fn report_lost_commits(&self, seen: Head, head: Head) {
        let loss = JournalLoss {
            kept_through: head.number.min(seen.number - 1),
            lost_through: seen.number,
        };
        self.metrics.note_loss(loss);
        tracing::error!(
            journal_has = head.number,
            lost_through = loss.lost_through,
            kept_at_most_through = loss.kept_through,
            "the database went back: it has lost commits that were answered; the bank goes on from what is there"
        );
    }

    /// Decides on what was read. The keys of refused commands are looked up: no row is inserted for them, so the unique
    /// index cannot find a used key. On SQLite, where a look-up is a function call, all keys are looked up first.
    async fn decide_on(
        &mut self,
        turn: &mut S::Turn,
        commands: &[&Command],
        mut basis: Basis,
        (floor, looks_up_keys): (Timestamp, bool),
    ) -> Result<Decision, Fault> {
        let openings = openings(commands);
        if !openings.is_empty() {
            basis.existing = turn.find_existing(&openings).await?;
        }
        let looks_up_all = looks_up_keys || !self.store.is_optimistic();
        let all_keys = keys(commands);
        let used = if looks_up_all && !all_keys.is_empty() {
            turn.find_by_keys(&all_keys).await?
        } else {
            Vec::new()
        };
        let decision = self.decide(&basis, &used, commands, floor);
        let refused = keys_of_refused(commands, &decision.outcomes);
        if looks_up_all || refused.is_empty() {
            return Ok(decision);
        }
        let used = turn.find_by_keys(&refused).await?;
        Ok(self.decide(&basis, &used, commands, floor))
    }

    pub(super) async fn write_in_turn(
        &mut self,
        mut turn: S::Turn,
        places: &[usize],
        outcomes: Vec<Outcome>,
        commit: GroupCommit,
    ) -> Attempt {
        if let Err(fault) = turn.write(&commit).await {
            return after_early_fault(fault);
        }
        match turn.commit().await {
            Ok(()) => {
                self.must_write_row = false;
                self.handovers.publish(&commit);
                self.memory.note_commit(commit.new_head, commit.writes);
                Attempt::Done(outcomes)
            }
            Err(fault) => after_commit_fault(fault, || InDoubt::new(places, outcomes, commit.new_head)),
        }
    }
}

/// The commit in doubt that is durable, if one is: the journal has its digest under its number. A standby may not have
/// confirmed it yet. So its callers are answered only after a further row is committed: the confirmation of that row
/// covers all rows before it.
pub(super) async fn durable_one<'d>(turn: &mut impl Turn, doubts: &'d [InDoubt]) -> Result<Option<&'d InDoubt>, Fault> {
    for doubt in doubts {
        if turn.digest_at(doubt.head.number).await? == Some(doubt.head.digest) {
            return Ok(Some(doubt));
        }
    }
    Ok(None)
}
