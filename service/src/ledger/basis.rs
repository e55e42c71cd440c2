//! What a batch is decided on: the wallets, the transfers that its commands refer to, and the holds that may expire.

use chrono::TimeDelta;

use super::attempts::Originals;
use super::batch_committer::{BatchCommitter, Decision};
use super::book::Book;
use super::stamps::BatchStamps;
use super::store::{Lookups, Store};
use super::types::{Command, Original, Outflow, Transfer, Wallet};
use crate::db::Fault;
use crate::values::{Timestamp, WalletId};

/// The most expired holds that one batch releases. If there are more, batches that only release come first.
const RELEASES_MAX: usize = 1_000;

/// A batch takes less time than this from the reading of the holds to its last stamp.
const BATCH_TIME_MAX: TimeDelta = TimeDelta::seconds(1);

/// What a batch is decided on.
#[derive(Default)]
pub(super) struct Basis {
    pub wallets: Vec<Wallet>,
    pub originals: Originals,
    pub expiring: Expiring,
    /// Of the wallets that are to be opened, those that exist already.
    pub existing: Vec<Wallet>,
    /// What went out today of wallets that are to get their first limits.
    pub outflows: Vec<(WalletId, Outflow)>,
}

/// The open holds that expire before the batch ends, the first to expire first.
#[derive(Default)]
pub(super) struct Expiring {
    holds: Vec<Original>,
    /// True if more have expired than one batch releases.
    are_too_many: bool,
}

impl Basis {
    fn book(&self, used_keys: &[Transfer]) -> Book {
        let mut book = Book::open(self.wallets.iter().cloned());
        book.add_existing_wallets(self.existing.iter().cloned());
        book.add_originals(self.originals.values().cloned());
        book.add_expiring(self.expiring.holds.iter().cloned());
        for (wallet, outflow) in &self.outflows {
            book.add_outflow(*wallet, *outflow);
        }
        book.add_used_keys(used_keys.iter().cloned());
        book
    }
}

impl<S: Store> BatchCommitter<S> {
    /// The transfers that these commands refer to: the remembered ones, and the others from the database.
    pub(super) async fn originals_of(
        &self,
        lookups: &mut impl Lookups,
        commands: &[&Command],
    ) -> Result<Originals, Fault> {
        let (mut originals, missing) = self.memory.recall_originals(commands);
        if !missing.is_empty() {
            let read = lookups.read_originals(&missing).await?;
            originals.extend(read.into_iter().map(|original| (original.transfer.id, original)));
        }
        Ok(originals)
    }

    /// The open holds of these wallets that expire before a batch ends which begins now. Nothing is read for a wallet
    /// without holds, nor for one whose first expiry is known to be later.
    pub(super) async fn expiring_on(
        &mut self,
        lookups: &mut impl Lookups,
        wallets: &[Wallet],
        floor: Timestamp,
    ) -> Result<Expiring, Fault> {
        let now = BatchStamps::above(&*self.clock, floor).last_time();
        let until = now + BATCH_TIME_MAX;
        let to_look_at = self.memory.may_expire(wallets, until);
        if to_look_at.is_empty() {
            return Ok(Expiring::default());
        }
        let expiries = lookups.first_expiries(&to_look_at).await?;
        self.memory.note_expiries(&to_look_at, &expiries);
        let due = expiries.into_iter().filter(|(_, first)| *first <= until);
        let due: Vec<WalletId> = due.map(|(wallet, _)| wallet).collect();
        if due.is_empty() {
            return Ok(Expiring::default());
        }
        let mut holds = lookups.expiring_holds(&due, until, RELEASES_MAX + 1).await?;
        let is_expired = |original: &Original| original.hold.is_some_and(|hold| hold.expires_at <= now);
        let are_too_many = holds.get(RELEASES_MAX).is_some_and(is_expired);
        holds.truncate(RELEASES_MAX);
        Ok(Expiring { holds, are_too_many })
    }

    /// Decides the commands in order. If too many holds have expired, decides no command and only releases. The time is
    /// that of the last stamp.
    pub(super) fn decide(
        &self,
        basis: &Basis,
        used_keys: &[Transfer],
        commands: &[&Command],
        floor: Timestamp,
    ) -> Decision {
        let mut book = basis.book(used_keys);
        let mut stamps = BatchStamps::above(&*self.clock, floor);
        let only_releases = basis.expiring.are_too_many;
        let outcomes = if only_releases {
            book.release_expired(&mut stamps);
            Vec::new()
        } else {
            let decided = commands.iter().map(|command| book.apply(command, &mut stamps));
            decided.collect()
        };
        Decision {
            outcomes,
            writes: book.close(),
            at: stamps.last_time(),
            only_releases,
        }
    }
}
