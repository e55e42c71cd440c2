//! Writing in turn: wait until no other process commits, take those into the batch who came meanwhile, read, decide, write.
//! The head that it stands on is the newest, and no other committer can make it stale. A person's session can still change a
//! wallet: the write finds that.

use std::collections::HashMap;

use super::attempts::{
    Attempt, InDoubt, before_commit, hidden_wallets, keys, keys_of_refused, of_commit, of_turn, openings, wallet_ids,
};
use super::batch::{Batches, Decision};
use super::book::{Book, Writes};
use super::callers::Batch;
use super::commit::GroupCommit;
use super::metrics::{Loss, Metrics};
use super::skew::clocks_disagree;
use super::stamps::BatchStamps;
use super::store::{Seen, Store, Turn};
use super::types::{Command, Outcome, Wallet};
use crate::db::Fault;
use crate::journal::{Head, Identity};
use crate::values::{Timestamp, WalletId};

/// What a batch in turn is given.
pub(super) struct InTurn<'a> {
    /// Whether those who wait are taken into the batch.
    pub grows: bool,
    /// Whether all keys of the batch are looked up, and not only those of refused commands.
    pub looks_up_keys: bool,
    /// Commits whose answers were lost.
    pub doubts: &'a [InDoubt],
}

/// What was decided with the turn held.
enum Decided {
    ToWrite(Vec<Outcome>, Box<Writes>, Timestamp),
    NothingToWrite(Vec<Outcome>),
}

impl<S: Store> Batches<S> {
    /// Commands on wallets that another session has locked leave `places`, and so remain unanswered.
    pub(super) async fn try_in_turn(
        &mut self,
        batch: &mut Batch<'_>,
        places: &mut Vec<usize>,
        how: InTurn<'_>,
    ) -> Attempt {
        let (mut turn, head, identity) = match self.take_turn().await {
            Ok(taken) => taken,
            Err(attempt) => return attempt,
        };
        match self.decide_in_turn(&mut turn, head, batch, places, how).await {
            Ok(Decided::ToWrite(outcomes, writes, at)) => {
                let commit = GroupCommit::new(*writes, head, &identity, at);
                self.write_in_turn(turn, places, outcomes, commit).await
            }
            Ok(Decided::NothingToWrite(outcomes)) => match turn.give_back().await {
                Ok(()) => Attempt::Done(outcomes),
                Err(fault) => before_commit(fault),
            },
            Err(fault) => before_commit(fault),
        }
    }

    /// Waits for the turn, and brings what is remembered up to the head.
    pub(super) async fn take_turn(&mut self) -> Result<(S::Turn, Head, Identity), Attempt> {
        let sent = self.clock.now();
        let (mut turn, seen) = self.store.take_turn(&self.memory.known()).await.map_err(of_turn)?;
        self.note_connections();
        let head = self.catch_up(sent, seen).map_err(before_commit)?;
        let identity = match self.memory.identity {
            Some(identity) => identity,
            None => turn.identity().await.map_err(before_commit)?,
        };
        self.memory.identity = Some(identity);
        Ok((turn, head, identity))
    }

    /// `sent` is this process' time before it waited for the turn.
    fn catch_up(&mut self, sent: Timestamp, seen: Seen) -> Result<Head, Fault> {
        self.refuse_wrong_clock(sent + seen.waited, seen.time)?;
        if let Some(own) = self.memory.seen
            && seen.own != Some(own.digest)
        {
            self.note_that_it_went_back(own, seen.head);
            self.memory.forget();
        }
        self.memory.catch_up(seen.head, seen.moved);
        Ok(seen.head)
    }

    async fn decide_in_turn(
        &mut self,
        turn: &mut S::Turn,
        head: Head,
        batch: &mut Batch<'_>,
        places: &mut Vec<usize>,
        how: InTurn<'_>,
    ) -> Result<Decided, Fault> {
        if let Some(doubt) = durable_one(turn, how.doubts).await? {
            places.clone_from(&doubt.places);
            // The commit may be there alone, on a server whose standby has not confirmed it: a row that follows it is
            // confirmed with all before it.
            let at = self.time_above(head);
            return Ok(Decided::ToWrite(doubt.outcomes.clone(), Box::default(), at));
        }
        if how.grows {
            places.extend(batch.take_waiting());
        }
        let wallets = self.wallets_in_turn(turn, &batch.commands(places)).await?;
        let taken = places.len();
        places.retain(|place| !self.locked.stops(batch.command(*place)));
        Metrics::add(&self.metrics.set_aside, taken - places.len());
        let commands = batch.commands(places);
        let decision = self
            .decide_on(turn, &commands, wallets, (head.at, how.looks_up_keys))
            .await?;
        let Decision { outcomes, writes, at } = decision;
        if writes.is_empty() && !self.owes_a_row {
            return Ok(Decided::NothingToWrite(outcomes));
        }
        Ok(Decided::ToWrite(outcomes, Box::new(writes), at))
    }

    /// The time of a row that holds nothing.
    pub(super) fn time_above(&self, head: Head) -> Timestamp {
        BatchStamps::above(&*self.clock, head.at).time()
    }

    /// The wallets of these commands as they are, most of them from memory. Notes which of them are locked.
    async fn wallets_in_turn(&mut self, turn: &mut S::Turn, commands: &[&Command]) -> Result<Vec<Wallet>, Fault> {
        let ids = wallet_ids(commands);
        let (passes_locks, remembered) = (self.passes_locks(), self.memory.wallets());
        let hidden = hidden_wallets(commands, remembered);
        // Another customer's wallet costs the same as one that does not exist.
        let is_known = |id: &WalletId| !passes_locks && remembered.contains_key(id) && !hidden.contains(id);
        let (known, unknown): (Vec<WalletId>, Vec<WalletId>) = ids.iter().copied().partition(is_known);
        let mut wallets = if unknown.is_empty() {
            Vec::new()
        } else {
            turn.read_wallets(&unknown, passes_locks).await?
        };
        wallets.extend(known.iter().filter_map(|id| remembered.get(id).cloned()));
        let seen: HashMap<WalletId, &Wallet> = wallets.iter().map(|wallet| (wallet.id, wallet)).collect();
        let hidden = hidden_wallets(commands, &seen);
        let unseen: Vec<WalletId> = ids
            .iter()
            .copied()
            .filter(|id| !seen.contains_key(id) || hidden.contains(id))
            .collect();
        let mut locked = if unseen.is_empty() {
            Vec::new()
        } else {
            turn.locked_among(&unseen).await?
        };
        locked.retain(|wallet| !seen.contains_key(&wallet.id));
        self.locked.replace(&ids, locked);
        Ok(wallets)
    }

    /// To lock the wallets of a batch costs a write each, so it is done only after a lock was met.
    fn passes_locks(&self) -> bool {
        self.met_locks > 0 || !self.locked.is_empty()
    }

    /// A clock that the database's contradicts may not date a commit: one wrong clock stops its own process and nothing else.
    fn refuse_wrong_clock(&mut self, sent: Timestamp, time: Option<Timestamp>) -> Result<(), Fault> {
        let was_wrong = self.clock_is_wrong;
        self.clock_is_wrong = self.is_clock_wrong(sent, time);
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

    /// `sent` is this process' time before the database was asked for its own.
    pub(super) fn is_clock_wrong(&self, sent: Timestamp, time: Option<Timestamp>) -> bool {
        time.is_some_and(|time| clocks_disagree(sent, time, self.clock.now()))
    }

    fn note_that_it_went_back(&self, seen: Head, head: Head) {
        let loss = Loss {
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

    /// Keys of refused commands are looked up: nothing is inserted for them that could break. On SQLite all keys are, where
    /// looking is a function call.
    async fn decide_on(
        &mut self,
        turn: &mut S::Turn,
        commands: &[&Command],
        wallets: Vec<Wallet>,
        (floor, looks_up_keys): (Timestamp, bool),
    ) -> Result<Decision, Fault> {
        let mut book = Book::open(wallets.iter().cloned());
        let openings = openings(commands);
        let opened = if openings.is_empty() {
            Vec::new()
        } else {
            turn.find_opened(&openings).await?
        };
        book.remember_owners(opened.iter().cloned());
        let looks_up_all = looks_up_keys || !self.store.is_optimistic();
        let all_keys = keys(commands);
        if looks_up_all && !all_keys.is_empty() {
            book.remember(turn.find_by_keys(&all_keys).await?);
        }
        let decision = self.decide(book, commands, floor);
        let refused = keys_of_refused(commands, &decision.outcomes);
        if looks_up_all || refused.is_empty() {
            return Ok(decision);
        }
        let mut book = Book::open(wallets);
        book.remember_owners(opened);
        book.remember(turn.find_by_keys(&refused).await?);
        Ok(self.decide(book, commands, floor))
    }

    pub(super) async fn write_in_turn(
        &mut self,
        mut turn: S::Turn,
        places: &[usize],
        outcomes: Vec<Outcome>,
        commit: GroupCommit,
    ) -> Attempt {
        if let Err(fault) = turn.write(&commit).await {
            return before_commit(fault);
        }
        match turn.commit().await {
            Ok(()) => {
                self.owes_a_row = false;
                self.handover.commit(&commit);
                self.memory.note_commit(commit.head, commit.writes);
                Attempt::Done(outcomes)
            }
            Err(fault) => of_commit(fault, || InDoubt::new(places, outcomes, commit.head)),
        }
    }
}

/// The commit in doubt that is durable, if one is: the journal has its digest under its number.
pub(super) async fn durable_one<'d>(turn: &mut impl Turn, doubts: &'d [InDoubt]) -> Result<Option<&'d InDoubt>, Fault> {
    for doubt in doubts {
        if turn.digest_at(doubt.head.number).await? == Some(doubt.head.digest) {
            return Ok(Some(doubt));
        }
    }
    Ok(None)
}
