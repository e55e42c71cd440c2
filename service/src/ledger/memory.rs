//! What the committer remembers between batches: the head and the wallets. The wallets are right while that head is the
//! journal's newest row. Once other processes have moved the head, the next turn gives the wallets that they changed.

use std::collections::HashMap;

use super::attempts::{hidden_wallets, wallet_ids};
use super::book::Writes;
use super::store::{MovedWallet, TurnRequest};
use super::types::{Command, Wallet};
use crate::journal::{Head, LedgerIdentity};
use crate::values::WalletId;

/// The most wallets that are remembered; each takes about 250 bytes.
const REMEMBERED_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Memory {
    /// Read with the first turn, and again after a lost connection.
    pub identity: Option<LedgerIdentity>,
    /// `None` until the first turn, and after `forget`.
    pub head: Option<Head>,
    /// The newest row that this process wrote or saw. If the database lacks it, or has another digest under its number,
    /// it has lost commits.
    pub last_row: Option<Head>,
    wallets: HashMap<WalletId, Wallet>,
}

impl Memory {
    /// Notes a commit of this process: its row is the head now, and its wallets are remembered as it wrote them.
    pub fn note_commit(&mut self, head: Head, writes: Writes) {
        self.note_head(head);
        if self.wallets.len() + writes.updated.len() + writes.opened.len() > REMEMBERED_MAX {
            self.wallets.clear();
        }
        let updated = writes.updated.into_iter().map(|update| update.now);
        let now = updated.chain(writes.opened);
        self.wallets.extend(now.map(|wallet| (wallet.id, wallet)));
    }

    /// How far this memory reaches, so that the turn gives only what came after.
    pub fn turn_request(&self) -> TurnRequest {
        TurnRequest {
            last_row: self.last_row.map_or(-1, |row| row.number),
            since: self.head.filter(|_| !self.wallets.is_empty()).map(|head| head.last_id),
        }
    }

    /// The wallets of these commands that are remembered, and the ids of the others. Some wallets are always among the
    /// others, because they must be read:
    /// - a wallet that a command may not use: otherwise its answer would come sooner than that for a wallet that does
    ///   not exist, and so reveal it;
    /// - a wallet whose status is to change: if it has that status already, nothing is written, and no check would find
    ///   that a person has changed the wallet meanwhile.
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

    /// Notes the head, and the wallets that other processes changed up to it. `None` means too many: all wallets are
    /// forgotten.
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

    /// Forgets the head and the wallets, and keeps the identity and the newest row that was seen.
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
