//! Takes back what a command has decided so far: all of an atomic batch when one of its transfers is refused, and all of
//! a dry run. Pure.

use std::collections::HashMap;

use super::{Book, OriginalPage, WalletPage};
use crate::values::{Digest, TransferId, WalletId};

/// What the book was before the command: how long its lists were, and each page before its first change.
#[derive(Default)]
pub(super) struct Undo {
    transfers: usize,
    entries: usize,
    changes: usize,
    /// Only a dry run takes lines back: a caller's batch has transfers only, and they leave no lines.
    audit: usize,
    batches: usize,
    pages: HashMap<WalletId, WalletPage>,
    /// `None` for a hold that the command has made.
    originals: HashMap<TransferId, Option<OriginalPage>>,
    expired: Vec<(WalletId, TransferId)>,
    keys: Vec<Digest>,
    opened: Vec<WalletId>,
}

impl Book {
    /// From here on changes can be taken back.
    pub(super) fn begin_undo(&mut self) {
        self.undo = Some(Undo {
            transfers: self.transfers.len(),
            entries: self.entries.len(),
            changes: self.changes.len(),
            audit: self.audit.len(),
            batches: self.batches.len(),
            ..Undo::default()
        });
    }

    /// Keeps what was decided since `begin_undo`.
    pub(super) fn end_undo(&mut self) {
        self.undo = None;
    }

    /// Takes back everything since `begin_undo`. Gives the wallets that it has changed back to what they were.
    pub(super) fn undo(&mut self) -> Vec<WalletId> {
        let Some(undo) = self.undo.take() else {
            return Vec::new();
        };
        self.transfers.truncate(undo.transfers);
        self.entries.truncate(undo.entries);
        self.changes.truncate(undo.changes);
        self.audit.truncate(undo.audit);
        self.batches.truncate(undo.batches);
        let wallets = undo.pages.keys().copied().collect();
        self.pages.extend(undo.pages);
        for wallet in undo.opened {
            self.pages.remove(&wallet);
        }
        for (id, before) in undo.originals {
            match before {
                Some(page) => self.originals.insert(id, page),
                None => self.originals.remove(&id),
            };
        }
        for (wallet, hold) in undo.expired.into_iter().rev() {
            self.expiring.entry(wallet).or_default().push(hold);
        }
        for key in undo.keys {
            self.by_key.remove(&key);
        }
        wallets
    }

    /// The page of a wallet that the rules were asked about, to be changed.
    pub(super) fn page_mut(&mut self, id: WalletId) -> &mut WalletPage {
        let page = self
            .pages
            .get_mut(&id)
            .expect("the rules were asked about this very wallet");
        if let Some(undo) = &mut self.undo {
            undo.pages.entry(id).or_insert_with(|| page.clone());
        }
        page
    }

    /// The page of a transfer that the command refers to, to be changed.
    pub(super) fn original_mut(&mut self, id: TransferId) -> &mut OriginalPage {
        let page = self
            .originals
            .get_mut(&id)
            .expect("the rules were asked about this very transfer");
        if let Some(undo) = &mut self.undo {
            undo.originals.entry(id).or_insert_with(|| Some(page.clone()));
        }
        page
    }

    /// Adds a wallet that only this command has.
    pub(super) fn add_opened(&mut self, page: WalletPage) {
        if let Some(undo) = &mut self.undo {
            undo.opened.push(page.now.id);
        }
        self.pages.insert(page.now.id, page);
    }

    /// Adds a hold that the command makes.
    pub(super) fn add_hold(&mut self, page: OriginalPage) {
        let id = page.transfer.id;
        if let Some(undo) = &mut self.undo {
            undo.originals.insert(id, None);
        }
        self.originals.insert(id, page);
    }

    /// Notes that a hold is no longer among those that may expire.
    pub(super) fn note_expired(&mut self, wallet: WalletId, hold: TransferId) {
        if let Some(undo) = &mut self.undo {
            undo.expired.push((wallet, hold));
        }
    }

    /// Notes that a key was used up.
    pub(super) fn note_key(&mut self, key: Digest) {
        if let Some(undo) = &mut self.undo {
            undo.keys.push(key);
        }
    }
}
