//! Writing in turn: wait until no other process commits, take those into the batch who came meanwhile, read, decide, write.
//! What is decided so cannot go stale, and the head that it stands on is the newest.

use std::collections::HashMap;

use super::batch::Batches;
use super::book::{Book, Changes};
use super::callers::Batch;
use super::commit::GroupCommit;
use super::metrics::Metrics;
use super::repo::{Seen, Turn};
use super::tries::{Doubt, Try, before_commit, hidden_wallets, keys, keys_of_refused, of_commit, wallet_ids};
use super::types::{Command, Outcome, Wallet};
use crate::db::Fault;
use crate::journal::{Head, Identity};
use crate::values::WalletId;

/// What a batch in turn is given.
pub(super) struct InTurn<'a> {
    /// Whether those who wait are taken into the batch.
    pub grows: bool,
    /// Whether all keys of the batch are looked up, and not only those of refused commands.
    pub looks_up_keys: bool,
    /// Commits whose answers were lost.
    pub doubts: &'a [Doubt],
}

/// What was decided with the turn held.
enum Decided {
    WasDurable(Vec<usize>, Vec<Outcome>),
    ToWrite(Vec<Outcome>, Box<GroupCommit>),
    NothingToWrite(Vec<Outcome>),
}

impl Batches {
    /// Commands on wallets that another session has locked leave `places`, and so remain unanswered.
    pub(super) async fn try_in_turn(&mut self, batch: &mut Batch<'_>, places: &mut Vec<usize>, how: InTurn<'_>) -> Try {
        let mut turn = match self.repo.take_turn().await {
            Ok(turn) => turn,
            Err(fault) => return before_commit(fault),
        };
        match self.decide_in_turn(&mut turn, batch, places, how).await {
            Ok(Decided::ToWrite(outcomes, commit)) => self.write_in_turn(turn, places, outcomes, *commit).await,
            Ok(Decided::NothingToWrite(outcomes)) => match turn.give_back().await {
                Ok(()) => Try::Done(outcomes),
                Err(fault) => before_commit(fault),
            },
            Ok(Decided::WasDurable(durable, outcomes)) => {
                *places = durable;
                match turn.give_back().await {
                    Ok(()) => Try::Done(outcomes),
                    Err(fault) => before_commit(fault),
                }
            }
            Err(fault) => before_commit(fault),
        }
    }

    async fn decide_in_turn(
        &mut self,
        turn: &mut Turn,
        batch: &mut Batch<'_>,
        places: &mut Vec<usize>,
        how: InTurn<'_>,
    ) -> Result<Decided, Fault> {
        self.note_connections();
        if let Some(doubt) = durable_one(turn, how.doubts).await? {
            return Ok(Decided::WasDurable(doubt.places.clone(), doubt.outcomes.clone()));
        }
        if how.grows {
            places.extend(batch.take_waiting());
        }
        let (head, identity, wallets) = self.look(turn, &batch.commands(places)).await?;
        let taken = places.len();
        places.retain(|place| !self.locked.stops(batch.command(*place)));
        Metrics::add(&self.metrics.set_aside, taken - places.len());
        let commands = batch.commands(places);
        let (outcomes, changes) = self.decide_on(turn, &commands, wallets, how.looks_up_keys).await?;
        if changes.transfers.is_empty() && !self.owes_a_row {
            return Ok(Decided::NothingToWrite(outcomes));
        }
        let now = self.now_above(head.at);
        let commit = GroupCommit::new(changes, head, &identity, now);
        Ok(Decided::ToWrite(outcomes, Box::new(commit)))
    }

    /// Reads the head and the wallets, notes which of these are locked, and whether the database went back.
    pub(super) async fn look(
        &mut self,
        turn: &mut Turn,
        commands: &[&Command],
    ) -> Result<(Head, Identity, Vec<Wallet>), Fault> {
        let identity = match self.memory.identity {
            Some(identity) => identity,
            None => turn.identity().await?,
        };
        self.memory.identity = Some(identity);
        let ids = wallet_ids(commands);
        let newest_own = self.memory.seen.map_or(-1, |own| own.number);
        let Seen { head, own, wallets } = turn.see(&ids, newest_own).await?;
        if let Some(seen) = self.memory.seen
            && own != Some(seen.digest)
        {
            self.note_that_it_went_back(seen, head);
        }
        self.memory.note_seen(head);
        self.sequence.rise_above(head.at);
        let seen: HashMap<WalletId, Wallet> = wallets.iter().map(|wallet| (wallet.id, wallet.clone())).collect();
        // Another customer's wallet costs the same as one that does not exist.
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
        locked.retain(|id| !seen.contains_key(id));
        self.locked.replace(&ids, locked);
        Ok((head, identity, wallets))
    }

    fn note_that_it_went_back(&self, seen: Head, head: Head) {
        Metrics::add(&self.metrics.database_went_back, 1);
        let kept = head.number.min(seen.number - 1);
        tracing::error!(
            journal_has = head.number,
            lost_through = seen.number,
            kept_at_most_through = kept,
            "the database went back: it has lost commits that were answered; the bank goes on from what is there"
        );
    }

    /// Keys of refused commands are looked up: nothing is inserted for them that could break. On SQLite all keys are, where
    /// looking is a function call.
    async fn decide_on(
        &mut self,
        turn: &mut Turn,
        commands: &[&Command],
        wallets: Vec<Wallet>,
        looks_up_keys: bool,
    ) -> Result<(Vec<Outcome>, Changes), Fault> {
        let mut book = Book::open(wallets.iter().cloned());
        let looks_up_all = looks_up_keys || !self.repo.is_optimistic();
        let all_keys = keys(commands);
        if looks_up_all && !all_keys.is_empty() {
            book.remember(turn.find_by_keys(&all_keys).await?);
        }
        let (outcomes, changes) = self.decide(book, commands);
        let refused = keys_of_refused(commands, &outcomes);
        if looks_up_all || refused.is_empty() {
            return Ok((outcomes, changes));
        }
        let mut book = Book::open(wallets);
        book.remember(turn.find_by_keys(&refused).await?);
        Ok(self.decide(book, commands))
    }

    pub(super) async fn write_in_turn(
        &mut self,
        mut turn: Turn,
        places: &[usize],
        outcomes: Vec<Outcome>,
        commit: GroupCommit,
    ) -> Try {
        if let Err(fault) = turn.write(&commit).await {
            return before_commit(fault);
        }
        match turn.commit().await {
            Ok(()) => {
                self.owes_a_row = false;
                self.memory.note_commit(commit.head, commit.changes);
                Try::Done(outcomes)
            }
            Err(fault) => of_commit(fault, || Doubt::new(places, outcomes, commit.head)),
        }
    }
}

/// That commit in doubt which is durable, if one is. Under its number stands its own digest, or another's for ever, or
/// nothing yet; then the row that is written next settles it.
pub(super) async fn durable_one<'d>(turn: &mut Turn, doubts: &'d [Doubt]) -> Result<Option<&'d Doubt>, Fault> {
    for doubt in doubts {
        if turn.digest_at(doubt.head.number).await? == Some(doubt.head.digest) {
            return Ok(Some(doubt));
        }
    }
    Ok(None)
}
