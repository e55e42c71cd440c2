//! The rules of money, pure: wallets in memory, commands in, outcomes out. No database, no clock, no `async`.
//!
//! A book is opened for one batch, on wallets that were read or remembered. Its decisions are only true once the batch
//! has been written, which fails if a wallet that they rest on is no longer as it was given to the book.

mod audit;
mod batches;
mod draft;
mod holds;
mod money;
mod posting;
mod reversals;
mod undo;
mod wallets;
mod writes;

pub(super) use audit::action_of;
pub use writes::{BatchRow, HoldUpdate, WalletUpdate, Writes};

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use self::undo::Undo;
use super::types::{
    Action, Command, Entry, Hold, LimitState, Original, Outcome, Outflow, Owner, Transfer, Wallet, WalletChange,
    WalletLimits,
};
use crate::audit::AuditLine;
use crate::values::{Bucket, Currency, Digest, Money, TextsSalt, Timestamp, TransferId, WalletId};

/// Source of the time and id of each record, both greater than all before, and of the salts of texts.
pub trait Stamps {
    /// The time that the next stamp will have.
    fn time(&mut self) -> Timestamp;

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
    audit: Vec<AuditLine>,
    /// What captures, voids and reversals refer to, by its id; and the holds that may expire in this batch.
    originals: HashMap<TransferId, OriginalPage>,
    /// The holds of a wallet that may expire in this batch, the first to expire last.
    expiring: HashMap<WalletId, Vec<TransferId>>,
    batches: Vec<BatchRow>,
    /// How many stamps were taken; more than there are records.
    stamps_taken: usize,
    /// What to take back if the command that is being decided is refused as a whole; `None` for most commands.
    undo: Option<Undo>,
}

#[derive(Clone)]
struct OriginalPage {
    transfer: Arc<Transfer>,
    /// The hold as it was given to the book; `None` for one that this batch makes.
    read: Option<Hold>,
    now: Option<Hold>,
    reversed: Money,
}

#[derive(Clone)]
struct WalletPage {
    /// The wallet as it was given to the book; `None` for a wallet that this batch opens.
    read: Option<Wallet>,
    now: Wallet,
    /// True if a recorded outcome rests on this wallet.
    decided_on: bool,
}

impl OriginalPage {
    fn of(stored: Original) -> Self {
        Self {
            transfer: stored.transfer,
            read: stored.hold,
            now: stored.hold,
            reversed: stored.reversed,
        }
    }
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

    /// Adds what captures, voids and reversals of the batch refer to.
    pub fn add_originals(&mut self, stored: impl IntoIterator<Item = Original>) {
        for original in stored {
            self.originals
                .entry(original.transfer.id)
                .or_insert_with(|| OriginalPage::of(original));
        }
    }

    /// Adds the open holds that expire before the batch ends, with the first to expire first. A batch must be given
    /// those of every wallet that its commands pay from or change.
    pub fn add_expiring(&mut self, holds: impl IntoIterator<Item = Original>) {
        let mut in_order = Vec::new();
        for original in holds {
            in_order.push((original.transfer.source, original.transfer.id));
            self.add_originals([original]);
        }
        for (wallet, hold) in in_order.into_iter().rev() {
            self.expiring.entry(wallet).or_default().push(hold);
        }
    }

    /// Adds what went out of a wallet today, for a wallet without limits that is to get some.
    pub fn add_outflow(&mut self, wallet: WalletId, outflow: Outflow) {
        let Some(page) = self.pages.get_mut(&wallet) else {
            return;
        };
        // The rest of the batch counts against it too. A state without limits is not written.
        let counted = || {
            Box::new(LimitState {
                limits: WalletLimits::default(),
                outflow,
            })
        };
        page.now.limits.get_or_insert_with(counted);
    }

    /// Decides one command. A used-up key is answered before any rule is checked.
    pub fn apply(&mut self, command: &Command, stamps: &mut impl Stamps) -> Outcome {
        if let Some(answer) = command.idempotency.and_then(|idempotency| self.replay(idempotency)) {
            return answer;
        }
        if !command.is_dry_run {
            return self.decide(command, stamps);
        }
        self.begin_undo();
        let outcome = self.decide(command, stamps);
        self.undo();
        outcome
    }

    /// The next stamp. It counts even if what it is for is taken back: later stamps follow it all the same.
    fn stamp(&mut self, bucket: Option<Bucket>, stamps: &mut impl Stamps) -> (Timestamp, Uuid) {
        self.stamps_taken += 1;
        stamps.next(bucket)
    }

    fn decide(&mut self, command: &Command, stamps: &mut impl Stamps) -> Outcome {
        match &command.action {
            Action::Move(movement) => self.transfer(command, movement, stamps),
            Action::Pay(payment) => self.pay(command, payment, stamps),
            Action::Capture(request) => self.capture(command, request, stamps),
            Action::Void(request) => self.void(command, request, stamps),
            Action::Reverse(request) => self.reverse(command, request, stamps),
            Action::Batch(batch) => self.batch(command, batch, stamps),
            Action::Expire(wallets) => {
                self.release_expired(wallets.iter().copied(), stamps);
                Outcome::Expired
            }
            Action::Open(opening) => self.open_wallet(command, opening, stamps),
            Action::SetStatus(request) => self.set_status(command, request, stamps),
            Action::SetLimits(request) => self.set_limits(command, request, stamps),
        }
    }

    /// Closes the book: gives what is to be written.
    #[must_use]
    pub fn close(self) -> Writes {
        let mut writes = Writes {
            transfers: self.transfers,
            changes: self.changes,
            audit: self.audit,
            entries: self.entries,
            batches: self.batches,
            stamps_taken: self.stamps_taken,
            ..Writes::default()
        };
        for original in self.originals.into_values() {
            match (original.read, original.now) {
                (None, Some(now)) => writes.begun_holds.push(now),
                (Some(read), Some(now)) if read != now => writes.changed_holds.push(HoldUpdate { read, now }),
                _ => {}
            }
        }
        writes.begun_holds.sort_unstable_by_key(|hold| hold.id);
        writes.changed_holds.sort_unstable_by_key(|update| update.read.id);
        for mut page in self.pages.into_values() {
            page.now.limits = page.now.limits.filter(|state| !state.limits.is_empty());
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
