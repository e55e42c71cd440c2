//! The rules of money, pure: wallets in memory, commands in, outcomes out. No database, no clock, no `async`.
//!
//! A book is opened for one batch, on wallets that were read or remembered. Its decisions are only true once the batch
//! has been written, which fails if a wallet that they rest on is no longer as it was given to the book.

mod money;
mod wallets;

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use self::money::MoneyRequest;
use super::types::{Action, Command, Entry, Outcome, Owner, Transfer, Wallet, WalletChange};
use crate::values::{Bucket, Currency, Digest, TextsSalt, Timestamp, WalletId};

/// Source of the time and id of each record, both greater than all before, and of the salts of texts.
pub trait Stamps {
    /// The next time, and an id in the bucket; without one, in a random bucket.
    fn next(&mut self, bucket: Option<Bucket>) -> (Timestamp, Uuid);

    /// The salt of a transfer's texts.
    fn salt(&mut self) -> TextsSalt;
}

/// The wallets of one batch and what has been decided about them.
#[derive(Default)]
pub struct Book {
    pages: HashMap<WalletId, WalletPage>,
    /// Wallets by owner and currency, only for owners for whom this batch opens one.
    by_owner: HashMap<(Owner, Currency), WalletId>,
    /// Transfers by the key that they used up: stored ones that were looked up, and the batch's own.
    by_key: HashMap<Digest, Arc<Transfer>>,
    transfers: Vec<Arc<Transfer>>,
    entries: Vec<Entry>,
    changes: Vec<WalletChange>,
}

struct WalletPage {
    /// The wallet as it was given to the book; `None` for a wallet that this batch opens.
    read: Option<Wallet>,
    now: Wallet,
    /// True if a recorded outcome rests on this wallet.
    decided_on: bool,
}

/// What a batch writes. Transfers and changes are in the order of their ids, everything else is sorted by wallet id.
///
/// Keep this order: without it the committer may deadlock with other sessions that lock wallets in id order.
#[derive(Default)]
pub struct Writes {
    /// Completed and failed transfers.
    pub transfers: Vec<Arc<Transfer>>,
    /// Openings of wallets and changes of their status.
    pub changes: Vec<WalletChange>,
    /// Two for each completed transfer.
    pub entries: Vec<Entry>,
    /// New wallets, as they are at the end of the batch.
    pub opened: Vec<Wallet>,
    /// Stored wallets that the batch changes.
    pub updated: Vec<WalletUpdate>,
    /// Wallets that a failed transfer was decided on and that the batch does not change. The write fails if one of them
    /// is no longer as it was given to the book.
    pub confirmed: Vec<Wallet>,
}

impl Writes {
    /// True when there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transfers.is_empty() && self.changes.is_empty()
    }

    /// True if a transfer has texts, or was asked for by a user other than the source's owner.
    #[must_use]
    pub fn has_notes(&self) -> bool {
        let has_notes = |transfer: &Arc<Transfer>| transfer.created_by.is_some() || transfer.texts.is_some();
        self.transfers.iter().any(has_notes)
    }
}

/// A stored wallet that a batch changes.
pub struct WalletUpdate {
    /// As it was given to the book. The write fails if the stored wallet has changed since.
    pub read: Wallet,
    /// As it is written.
    pub now: Wallet,
}

impl WalletPage {
    /// A wallet that is not stored yet.
    fn new(wallet: Wallet) -> Self {
        Self {
            read: None,
            now: wallet,
            decided_on: false,
        }
    }

    fn of(stored: Wallet) -> Self {
        Self {
            read: Some(stored.clone()),
            now: stored,
            decided_on: false,
        }
    }
}

impl Book {
    /// Opens a book on the wallets of a batch.
    #[must_use]
    pub fn open(wallets: impl IntoIterator<Item = Wallet>) -> Self {
        let pages = wallets.into_iter().map(|wallet| (wallet.id, WalletPage::of(wallet)));
        Self {
            pages: pages.collect(),
            ..Self::default()
        }
    }

    /// Adds stored transfers whose keys were used up before this batch.
    pub fn add_used_keys(&mut self, stored: impl IntoIterator<Item = Transfer>) {
        for transfer in stored {
            if let Some(key) = transfer.key {
                self.by_key.insert(key, Arc::new(transfer));
            }
        }
    }

    /// Adds wallets that exist already, of those that the batch is to open.
    pub fn add_existing_wallets(&mut self, stored: impl IntoIterator<Item = Wallet>) {
        for wallet in stored {
            let owner = match (wallet.owner, &wallet.method) {
                (Some(user), _) => Owner::Customer(user),
                (None, Some(method)) => Owner::Method(method.clone()),
                (None, None) => continue,
            };
            self.by_owner.insert((owner, wallet.currency), wallet.id);
            self.pages.entry(wallet.id).or_insert_with(|| WalletPage::of(wallet));
        }
    }

    /// Decides one command. A used-up key is answered before any rule is checked.
    pub fn apply(&mut self, command: &Command, stamps: &mut impl Stamps) -> Outcome {
        if let Some(answer) = command.idempotency.and_then(|idempotency| self.replay(idempotency)) {
            return answer;
        }
        match &command.action {
            Action::Move(movement) => self.transfer(command, MoneyRequest::Move(movement), stamps),
            Action::Pay(payment) => self.transfer(command, MoneyRequest::Pay(payment), stamps),
            Action::Open(opening) => self.open_wallet(command, opening, stamps),
            Action::SetStatus(request) => self.set_status(command, request, stamps),
        }
    }

    /// Closes the book: gives what is to be written.
    #[must_use]
    pub fn close(self) -> Writes {
        let mut writes = Writes {
            transfers: self.transfers,
            changes: self.changes,
            entries: self.entries,
            ..Writes::default()
        };
        for page in self.pages.into_values() {
            match page.read {
                None => writes.opened.push(page.now),
                Some(read) if read != page.now => writes.updated.push(WalletUpdate { read, now: page.now }),
                Some(read) if page.decided_on => writes.confirmed.push(read),
                Some(_) => {}
            }
        }
        writes.opened.sort_unstable_by_key(|wallet| wallet.id);
        writes.updated.sort_unstable_by_key(|update| update.read.id);
        writes.confirmed.sort_unstable_by_key(|wallet| wallet.id);
        writes
            .entries
            .sort_unstable_by_key(|entry| (entry.wallet, entry.transfer));
        writes
    }

    /// A wallet with what the book has decided so far; `None` if the book does not have it.
    #[must_use]
    pub fn wallet(&self, id: WalletId) -> Option<&Wallet> {
        self.pages.get(&id).map(|page| &page.now)
    }
}
