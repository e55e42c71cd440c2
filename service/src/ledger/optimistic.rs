//! Deciding without the turn: on what is remembered. One statement writes, takes the turn itself, and fails if another
//! process has it or the head has moved.

use super::attempts::{Attempt, InDoubt, after_commit_fault, keys_of_refused};
use super::basis::Basis;
use super::batch::CommandBatch;
use super::batch_committer::{BatchCommitter, Decision};
use super::group_commit::GroupCommit;
use super::store::{Connection, Lookups, Store};
use super::types::{Command, Transfer};
use crate::db::{Fault, FaultKind};
use crate::values::Timestamp;

impl<S: Store> BatchCommitter<S> {
    /// Tries to decide and write the commands at these places. Commands that pay from a wallet with too many expired
    /// holds are removed from `places`, and so stay unanswered.
    pub(super) async fn try_optimistic(
        &mut self,
        batch: &CommandBatch<'_>,
        places: &mut Vec<usize>,
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
        let asked = batch.commands(places);
        let basis = match self.basis_on_memory(&mut connection, &asked, head.at).await {
            Ok(basis) => basis,
            Err(fault) => return Attempt::Failed(fault),
        };
        self.set_crowded_aside(&basis, batch, places);
        let commands = batch.commands(places);
        let known = (&basis, stored, head.at);
        let decision = match self.decide_on_memory(&mut connection, &commands, known).await {
            Ok(decision) => decision,
            Err(fault) => return Attempt::Failed(fault),
        };
        let Decision {
            outcomes,
            writes,
            at,
            is_late,
        } = decision;
        if is_late {
            self.was_late = true;
            return Attempt::Again(FaultKind::Stale);
        }
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
                self.handovers.publish(&commit);
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
        (basis, stored, floor): (&Basis, &[Transfer], Timestamp),
    ) -> Result<Decision, Fault> {
        let decision = self.decide(basis, stored, commands, floor);
        let keys = keys_of_refused(commands, &decision.outcomes);
        if keys.is_empty() {
            return Ok(decision);
        }
        let found = connection.find_by_keys(&keys).await?;
        if found.is_empty() {
            return Ok(decision);
        }
        let used: Vec<Transfer> = stored.iter().cloned().chain(found).collect();
        Ok(self.decide(basis, &used, commands, floor))
    }

    /// What a batch is decided on: from memory, and what is missing there from the database.
    async fn basis_on_memory(
        &mut self,
        connection: &mut S::Connection,
        commands: &[&Command],
        floor: Timestamp,
    ) -> Result<Basis, Fault> {
        let originals = self.originals_of(connection, commands).await?;
        let (mut wallets, missing) = self.memory.recall(commands, &originals);
        if !missing.is_empty() {
            wallets.extend(connection.read_wallets(&missing).await?);
        }
        let mut basis = Basis {
            wallets,
            originals,
            ..Basis::default()
        };
        basis.expiring = self.expiring_on(connection, commands, &basis, floor).await?;
        Ok(basis)
    }
}
