//! What the committer remembers between batches: the head and the wallets. All of it is right while the head is the database's
//! newest row. Once other processes have moved the head, it learns with its next turn which wallets they moved.

use std::collections::HashMap;

use super::book::Writes;
use super::store::{Known, MovedWallet};
use super::types::Wallet;
use crate::journal::{Head, Identity};
use crate::values::WalletId;

/// Wallets remembered between batches; at about 250 bytes each.
const REMEMBERED_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Memory {
    /// Read once: a ledger keeps its identity.
    pub identity: Option<Identity>,
    /// `None` until the first batch has had its turn, and after a connection was lost.
    pub head: Option<Head>,
    /// The newest row that this process wrote or saw. Another digest under its number means that the database went back.
    pub seen: Option<Head>,
    wallets: HashMap<WalletId, Wallet>,
}

impl Memory {
    pub fn wallets(&self) -> &HashMap<WalletId, Wallet> {
        &self.wallets
    }

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

    /// What the next turn has to tell.
    pub fn known(&self) -> Known {
        Known {
            own: self.seen.map_or(-1, |own| own.number),
            since: self.head.map(|head| head.last_id),
        }
    }

    /// Notes the head, and what other processes have moved up to it; `None` where that is too much to tell.
    pub fn catch_up(&mut self, head: Head, moved: Option<Vec<MovedWallet>>) {
        match moved {
            Some(moved) => moved.into_iter().for_each(|moved| self.note_moved(moved)),
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

    fn note_moved(&mut self, moved: MovedWallet) {
        if let Some(wallet) = self.wallets.get_mut(&moved.id) {
            wallet.balance = moved.balance;
            wallet.held = moved.held;
            wallet.status = moved.status;
            wallet.version = moved.version;
            wallet.updated_at = moved.updated_at;
        }
    }

    fn note_head(&mut self, head: Head) {
        self.head = Some(head);
        self.seen = Some(head);
    }
}
