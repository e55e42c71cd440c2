//! What the committer remembers between batches: the head and the wallets. All of it is right while the head is the database's
//! newest row, and all of it is forgotten once the head has moved.

use std::collections::HashMap;

use super::book::Writes;
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

    /// Notes the head as it was read in turn. What was remembered with another one is forgotten.
    pub fn note_seen(&mut self, head: Head) {
        if self.head != Some(head) {
            self.wallets.clear();
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
        self.seen = Some(head);
    }
}
