//! A bank without a database: what is stored, and books that are opened on it with no more than the committer gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::TimeDelta;
use service::ledger::{Book, Command, Hold, Original, Transfer, Wallet, Writes};
use service::values::{Digest, Money, Timestamp, TransferId, TransferKind, TransferStatus, WalletId};

/// A batch takes less time than this, as in the committer.
const BATCH_TIME_MAX: TimeDelta = TimeDelta::seconds(1);

/// What is stored.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub wallets: BTreeMap<WalletId, Wallet>,
    /// In the order of their ids.
    pub transfers: Vec<Arc<Transfer>>,
    pub holds: BTreeMap<TransferId, Hold>,
}

impl Stored {
    pub fn of(wallets: impl IntoIterator<Item = Wallet>) -> Self {
        Self {
            wallets: wallets.into_iter().map(|wallet| (wallet.id, wallet)).collect(),
            ..Self::default()
        }
    }

    /// A book for commands that are decided from this time on.
    pub fn book(&self, commands: &[Command], now: Timestamp) -> Book {
        let originals = commands.iter().filter_map(|command| command.action.original());
        let originals: Vec<Original> = originals.filter_map(|id| self.original(id)).collect();
        let mut needed: BTreeSet<WalletId> = commands.iter().flat_map(|command| command.action.wallets()).collect();
        for original in &originals {
            needed.extend([original.transfer.source, original.transfer.destination]);
        }
        let mut book = Book::open(needed.iter().filter_map(|id| self.wallets.get(id).cloned()));
        book.add_originals(originals);
        book.add_expiring(self.expiring(&needed, now + BATCH_TIME_MAX));
        let keys = commands.iter().filter_map(|command| command.idempotency);
        let keys: BTreeSet<Digest> = keys.map(|idempotency| idempotency.key).collect();
        let uses_one = |transfer: &&Arc<Transfer>| transfer.key.is_some_and(|key| keys.contains(&key));
        let used = self.transfers.iter().filter(uses_one);
        book.add_used_keys(used.map(|transfer| transfer.as_ref().clone()));
        book
    }

    /// Stores what a book writes, which must rest on what is stored.
    pub fn write(&mut self, writes: Writes) {
        for update in writes.updated {
            let read = self.wallets.insert(update.now.id, update.now);
            assert_eq!(read, Some(update.read), "the book was not given this wallet");
        }
        for wallet in &writes.confirmed {
            assert_eq!(self.wallets.get(&wallet.id), Some(wallet));
        }
        for update in writes.changed_holds {
            let read = self.holds.insert(update.now.id, update.now);
            assert_eq!(read, Some(update.read), "the book was not given this hold");
        }
        self.wallets
            .extend(writes.opened.into_iter().map(|wallet| (wallet.id, wallet)));
        self.holds
            .extend(writes.begun_holds.into_iter().map(|hold| (hold.id, hold)));
        self.transfers.extend(writes.transfers);
    }

    /// A stored transfer with what has become of it.
    pub fn original(&self, id: TransferId) -> Option<Original> {
        let transfer = self.transfers.iter().find(|transfer| transfer.id == id)?;
        Some(Original {
            transfer: transfer.clone(),
            hold: self.holds.get(&id).copied(),
            reversed: self.reversed(id),
        })
    }

    /// The sum of a transfer's completed reversals.
    pub fn reversed(&self, id: TransferId) -> Money {
        let children = self.transfers.iter().filter(|transfer| transfer.parent == Some(id));
        children
            .filter(|child| child.kind == TransferKind::Reversal && child.status == TransferStatus::Completed)
            .fold(Money::ZERO, |sum, child| {
                sum.checked_add(child.amount).unwrap_or(Money::MAX)
            })
    }

    /// The open holds on these wallets that expire up to a time, the first to expire first.
    fn expiring(&self, wallets: &BTreeSet<WalletId>, until: Timestamp) -> Vec<Original> {
        let open = self.holds.values().filter(|hold| hold.end.is_none());
        let due = open.filter(|hold| hold.expires_at <= until && wallets.contains(&hold.wallet));
        let mut due: Vec<&Hold> = due.collect();
        due.sort_by_key(|hold| hold.expires_at);
        due.into_iter().filter_map(|hold| self.original(hold.id)).collect()
    }
}
