//! Writing without the turn: decide on what is remembered, and write with one statement that fails where the head has moved.

use super::batch::Batches;
use super::book::{Book, Changes};
use super::commit::GroupCommit;
use super::repo::Connection;
use super::tries::{Doubt, Try, hidden_wallets, keys_of_refused, of_commit, wallet_ids};
use super::types::{Command, Outcome, Transfer, Wallet};
use crate::db::{Fault, FaultKind};
use crate::values::WalletId;

impl Batches {
    pub(super) async fn try_optimistic(&mut self, commands: &[&Command], places: &[usize], stored: &[Transfer]) -> Try {
        // Before anything is recalled: behind a new connection the database may be an earlier state of itself.
        let mut connection = match self.repo.acquire().await {
            Ok(connection) => connection,
            Err(fault) => return Try::Failed(fault),
        };
        self.note_connections();
        let (Some(head), Some(identity)) = (self.memory.head, self.memory.identity) else {
            return Try::TakeTurn;
        };
        let (outcomes, changes) = match self.decide_on_memory(&mut connection, commands, stored).await {
            Ok(decided) => decided,
            Err(fault) => return Try::Failed(fault),
        };
        if changes.transfers.is_empty() {
            // Nothing is written that would notice that the head has moved.
            return match connection.head().await {
                Ok(newest) if newest == head => Try::Done(outcomes),
                Ok(_) => Try::Again(FaultKind::Stale),
                Err(fault) => Try::Failed(fault),
            };
        }
        let commit = GroupCommit::new(changes, head, &identity, head.at);
        match connection.write(&commit).await {
            Ok(()) => {
                self.memory.note_commit(commit.head, commit.changes);
                Try::Done(outcomes)
            }
            Err(fault) => of_commit(fault, || Doubt::new(places, outcomes, commit.head)),
        }
    }

    /// Nothing is inserted for an unrecorded refusal, so nothing would notice that its key was used up before: those keys
    /// are looked up, and the batch is decided again with what they brought.
    async fn decide_on_memory(
        &mut self,
        connection: &mut Connection,
        commands: &[&Command],
        stored: &[Transfer],
    ) -> Result<(Vec<Outcome>, Changes), Fault> {
        let wallets = self.recall(connection, commands).await?;
        let mut book = Book::open(wallets.iter().cloned());
        book.remember(stored.iter().cloned());
        let (outcomes, changes) = self.decide(book, commands);
        let keys = keys_of_refused(commands, &outcomes);
        if keys.is_empty() {
            return Ok((outcomes, changes));
        }
        let found = connection.find_by_keys(&keys).await?;
        if found.is_empty() {
            return Ok((outcomes, changes));
        }
        let mut book = Book::open(wallets);
        book.remember(stored.iter().cloned().chain(found));
        Ok(self.decide(book, commands))
    }

    /// The wallets of a batch from memory, the missing ones from the database. A wallet that a command may not touch counts
    /// as missing: else a caller could tell it from one that does not exist, by the time of the answer.
    async fn recall(&mut self, connection: &mut Connection, commands: &[&Command]) -> Result<Vec<Wallet>, Fault> {
        let remembered = self.memory.wallets();
        let hidden = hidden_wallets(commands, remembered);
        let (known, missing): (Vec<WalletId>, Vec<WalletId>) = wallet_ids(commands)
            .into_iter()
            .partition(|id| remembered.contains_key(id) && !hidden.contains(id));
        let mut wallets: Vec<Wallet> = known.iter().filter_map(|id| remembered.get(id).cloned()).collect();
        if !missing.is_empty() {
            wallets.extend(connection.read_wallets(&missing).await?);
        }
        Ok(wallets)
    }
}
