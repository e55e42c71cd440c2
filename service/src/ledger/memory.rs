//! What the committer remembers between batches: the head and the wallets. The wallets are right while that head is the
//! journal's newest row. When other processes have moved it, the next turn tells which wallets they moved.

use std::collections::HashMap;

use super::attempts::{hidden_wallets, wallet_ids};
use super::book::Writes;
use super::store::{MovedWallet, TurnRequest};
use super::types::{Command, Wallet};
use crate::journal::{Head, LedgerIdentity};
use crate::values::WalletId;

/// Wallets remembered between batches; at about 250 bytes each.
const REMEMBERED_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Memory {
    /// Read once: a ledger keeps its identity.
    pub identity: Option<LedgerIdentity>,
    /// `None` until the first turn, and after `forget`.
    pub head: Option<Head>,
    /// The newest row that this process wrote or saw. Another digest under its number means that the database went back.
    pub last_row: Option<Head>,
    wallets: HashMap<WalletId, Wallet>,
}

impl Memory {
    /// Notes a commit of this process: the head has moved, and the wallets as they are now are known.
    pub fn note_commit(&mut self, head: Head, writes: Writes) {
        self.note_head(head);
        if self.wallets.len() + writes.updated.len() + writes.opened.len() > REMEMBERED_MAX {
            self.wallets.clear();
        }
        let updated = writes.updated.into_iter().map(|update| update.now);
        let now = updated.chain(writes.opened);
        self.wallets.extend(now.map(|wallet| (wallet.id, wallet)));
    }

    /// How far this memory reaches, so that the turn tells only what came after.
    pub fn turn_request(&self) -> TurnRequest {
        TurnRequest {
            last_row: self.last_row.map_or(-1, |row| row.number),
            since: self.head.filter(|_| !self.wallets.is_empty()).map(|head| head.last_id),
        }
    }

    /// The wallets of these commands that are remembered, and the ids of the others. Not from memory come
    /// - a wallet that a command may not use: a caller could tell it from one that does not exist, by the time of the answer;
    /// - one whose status shall change: where it has that status nothing is written, and nothing would find that a person changed
    ///   it.
    pub fn recall(&self, commands: &[&Command]) -> (Vec<Wallet>, Vec<WalletId>) {
        let changes = commands.iter().filter(|command| command.action.is_change());
        let mut to_read = hidden_wallets(commands, &self.wallets);
        to_read.extend(changes.flat_map(|command| command.action.wallets()));
        let (mut wallets, mut missing) = (Vec::new(), Vec::new());
        for id in wallet_ids(commands) {
            match self.wallets.get(&id) {
                Some(wallet) if !to_read.contains(&id) => wallets.push(wallet.clone()),
                _ => missing.push(id),
            }
        }
        (wallets, missing)
    }

    /// Notes the head, and the wallets that other processes moved up to it; all wallets are forgotten where these are too many
    /// to tell.
    pub fn catch_up(&mut self, head: Head, moved: Option<Vec<MovedWallet>>) {
        match moved {
            Some(moved) => {
                for moved in moved {
                    if let Some(wallet) = self.wallets.get_mut(&moved.id) {
                        moved.apply_to(wallet);
                    }
                }
            }
            None => self.wallets.clear(),
        }
        self.note_head(head);
    }

    /// Forgets all but the newest row that was seen.
    pub fn forget(&mut self) {
        self.head = None;
        self.wallets.clear();
    }

    pub fn forget_wallets(&mut self) {
        self.wallets.clear();
    }

    fn note_head(&mut self, head: Head) {
        self.head = Some(head);
        self.last_row = Some(head);
    }
}
