//! What a batch is decided on: the wallets, the transfers that its commands refer to, and the holds that may expire.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;

use super::attempts::{Originals, payers};
use super::batch::CommandBatch;
use super::batch_committer::{BatchCommitter, Decision};
use super::book::Book;
use super::metrics::Metrics;
use super::stamps::BatchStamps;
use super::store::{Lookups, MissingOriginals, Store};
use super::types::{Action, Command, Original, Outflow, Transfer, Wallet};
use crate::db::Fault;
use crate::values::{Timestamp, WalletId};

/// The most expired holds that one batch releases, shared equally among the wallets that have some. Commands that pay
/// from a wallet with more than its share are set aside until the rest is released; all others are decided at once.
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

/// The open holds that expire before the batch ends.
#[derive(Default)]
pub(super) struct Expiring {
    /// Of each wallet no more than its share, the first to expire first.
    holds: Vec<Original>,
    /// The wallets of which more holds have expired than their share.
    crowded: BTreeSet<WalletId>,
    /// When the first hold expires that the other wallets have beyond their shares; `None` if they have no more.
    rest_expires_at: Option<Timestamp>,
}

impl Expiring {
    /// `read` are the first holds to expire, of each wallet one more than its share if it has so many. A wallet is
    /// crowded if that one has expired by `now`.
    fn shared(read: Vec<Original>, share: usize, now: Timestamp) -> Self {
        let mut expiring = Self::default();
        let mut taken: HashMap<WalletId, usize> = HashMap::new();
        for original in read {
            let Some(hold) = original.hold else {
                continue;
            };
            let taken = taken.entry(hold.wallet).or_default();
            if *taken < share {
                *taken += 1;
                expiring.holds.push(original);
            } else if hold.expires_at <= now {
                expiring.crowded.insert(hold.wallet);
            } else {
                expiring.rest_expires_at.get_or_insert(hold.expires_at);
            }
        }
        expiring
    }
}

impl Basis {
    fn wallets_by_id(&self) -> HashMap<WalletId, &Wallet> {
        self.wallets.iter().map(|wallet| (wallet.id, wallet)).collect()
    }

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
            let reversed = commands.iter().filter_map(|command| match &command.action {
                Action::Reverse(request) => Some(request.original),
                _ => None,
            });
            let missing = MissingOriginals {
                reversed: reversed.collect(),
                ids: missing,
            };
            let read = lookups.read_originals(&missing).await?;
            originals.extend(read.into_iter().map(|original| (original.transfer.id, original)));
        }
        Ok(originals)
    }

    /// The open holds that expire before a batch ends which begins now, of the wallets that these commands pay from or
    /// change. Nothing is read for a wallet without holds, nor for one whose first expiry is known to be later.
    pub(super) async fn expiring_on(
        &mut self,
        lookups: &mut impl Lookups,
        commands: &[&Command],
        basis: &Basis,
        floor: Timestamp,
    ) -> Result<Expiring, Fault> {
        let now = BatchStamps::above(&*self.clock, floor).last_time();
        let until = now + BATCH_TIME_MAX;
        let was_late = std::mem::take(&mut self.was_late);
        let mut to_look_at = self.memory.may_expire(&basis.wallets, until);
        if !to_look_at.is_empty() {
            let by_id = basis.wallets_by_id();
            let known = |id: &WalletId| by_id.get(id).copied();
            let paying = commands
                .iter()
                .flat_map(|command| payers(command, &basis.originals, known));
            let paying: HashSet<WalletId> = paying.collect();
            to_look_at.retain(|wallet| paying.contains(wallet));
        }
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
        let share = (RELEASES_MAX / due.len()).max(1);
        let read = lookups.expiring_holds(&due, until, share + 1).await?;
        Ok(Expiring::shared(read, share, if was_late { until } else { now }))
    }

    /// Removes the commands that pay from a crowded wallet, or change it, from `places`. The sweeper's own command stays:
    /// it asks again.
    pub(super) fn set_crowded_aside(&self, basis: &Basis, batch: &CommandBatch<'_>, places: &mut Vec<usize>) {
        let crowded = &basis.expiring.crowded;
        if crowded.is_empty() {
            return;
        }
        let by_id = basis.wallets_by_id();
        let known = |id: &WalletId| by_id.get(id).copied();
        let is_stopped = |command: &Command| {
            let mut paying = payers(command, &basis.originals, known).into_iter();
            !matches!(command.action, Action::Expire(_)) && paying.any(|wallet| crowded.contains(&wallet))
        };
        let taken = places.len();
        places.retain(|place| !is_stopped(batch.command(*place)));
        Metrics::add(&self.metrics.set_aside, taken - places.len());
    }

    /// Releases the expired holds of crowded wallets, as many as their share, and decides the commands in order. The time
    /// is that of the last stamp.
    pub(super) fn decide(
        &self,
        basis: &Basis,
        used_keys: &[Transfer],
        commands: &[&Command],
        floor: Timestamp,
    ) -> Decision {
        let mut book = basis.book(used_keys);
        let mut stamps = BatchStamps::above(&*self.clock, floor);
        book.release_expired(basis.expiring.crowded.iter().copied(), &mut stamps);
        let outcomes = commands.iter().map(|command| book.apply(command, &mut stamps));
        let outcomes = outcomes.collect();
        let at = stamps.last_time();
        Decision {
            outcomes,
            writes: book.close(),
            at,
            is_late: basis.expiring.rest_expires_at.is_some_and(|rest| rest <= at),
        }
    }
}
