//! Deciding without the turn: on what is remembered. One statement writes, takes the turn itself, and fails if another
//! process has it or the head has moved.

use super::attempts::{Attempt, InDoubt, after_commit_fault, keys_of_refused};
use super::batch_committer::{BatchCommitter, Decision};
use super::book::Book;
use super::group_commit::GroupCommit;
use super::store::{Connection, Store};
use super::types::{Command, Transfer, Wallet};
use crate::db::{Fault, FaultKind};
use crate::values::Timestamp;

impl<S: Store> BatchCommitter<S> {
    pub(super) async fn try_optimistic(
        &mut self,
        commands: &[&Command],
        places: &[usize],
        stored: &[Transfer],
    ) -> Attempt {
        // Before the memory is used: the database behind a new connection may lack commits that were answered.
        let mut connection = match self.store.acquire().await {
            Ok(connection) => connection,
            Err(fault) => return Attempt::Failed(fault),
        };
        self.note_connections();
        let (Some(head), Some(identity)) = (self.memory.head, self.memory.identity) else {
            return Attempt::TakeTurn;
        };
        let decision = match self.decide_on_memory(&mut connection, commands, stored, head.at).await {
            Ok(decision) => decision,
            Err(fault) => return Attempt::Failed(fault),
        };
        let Decision { outcomes, writes, at } = decision;
        if writes.is_empty() {
            // This batch writes nothing, so the head is read to see that it has not moved.
            return match connection.head().await {
                Ok(newest) if newest == head => Attempt::Done(outcomes),
                Ok(_) => Attempt::Again(FaultKind::Stale),
                Err(fault) => Attempt::Failed(fault),
            };
        }
        let commit = GroupCommit::new(writes, head, &identity, at);
        let sent = self.clock.now();
        match connection.write(&commit).await {
            Ok(time) => {
                self.handover.publish(&commit);
                self.memory.note_commit(commit.new_head, commit.writes);
                if self.is_clock_wrong(sent, time) {
                    // The next batch is in turn, where a wrong clock is refused.
                    self.memory.forget();
                }
                Attempt::Done(outcomes)
            }
            Err(fault) => after_commit_fault(fault, || InDoubt::new(places, outcomes, commit.new_head)),
        }
    }

    /// Decides on remembered wallets. A refused command inserts no row, so the unique index cannot find that its key is
    /// used up. The keys of refused commands are looked up, and if any is used up, the batch is decided again.
    async fn decide_on_memory(
        &mut self,
        connection: &mut S::Connection,
        commands: &[&Command],
        stored: &[Transfer],
        floor: Timestamp,
    ) -> Result<Decision, Fault> {
        let wallets = self.recall(connection, commands).await?;
        let mut book = Book::open(wallets.iter().cloned());
        book.add_used_keys(stored.iter().cloned());
        let decision = self.decide(book, commands, floor);
        let keys = keys_of_refused(commands, &decision.outcomes);
        if keys.is_empty() {
            return Ok(decision);
        }
        let found = connection.find_by_keys(&keys).await?;
        if found.is_empty() {
            return Ok(decision);
        }
        let mut book = Book::open(wallets);
        book.add_used_keys(stored.iter().cloned().chain(found));
        Ok(self.decide(book, commands, floor))
    }

    /// The wallets of a batch from memory, the missing ones from the database.
    async fn recall(&mut self, connection: &mut S::Connection, commands: &[&Command]) -> Result<Vec<Wallet>, Fault> {
        let (mut wallets, missing) = self.memory.recall(commands);
        if !missing.is_empty() {
            wallets.extend(connection.read_wallets(&missing).await?);
        }
        Ok(wallets)
    }
}
