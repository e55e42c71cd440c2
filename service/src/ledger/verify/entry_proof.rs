//! Proves entries and transfers against each other in two readings: every transfer once, in the order of ids, and every
//! entry once, in the order of wallets. What the transfers demand and what the entries are is compared by fingerprints.
//! Neither reading names what is wrong; the queries in `entries` do that, and run only if this proof fails.

use futures_util::TryStreamExt;
use sea_orm::{DatabaseTransaction, DbErr, QueryResult, Statement, StreamTrait};

use super::fingerprint::{EntryFact, Fingerprint, FingerprintKey};
use super::id_value;
use super::progress::VerifyProgress;
use crate::db::Fault;
use crate::values::{Currency, Money, TransferId, TransferKind, TransferStatus, WalletId};

/// Entries between two updates of the progress.
const UPDATE_EVERY: u64 = 1_000;

/// The entries that transfers demand.
pub(super) struct DemandedEntries {
    fingerprint: Fingerprint,
    pub transfers: u64,
    /// False once a transfer could not be read, or was pending and no hold.
    are_sound: bool,
}

/// The values of a transfer that decide which entries it has.
pub(super) struct MovedMoney {
    pub id: TransferId,
    pub status: TransferStatus,
    pub kind: TransferKind,
    pub source: WalletId,
    pub destination: WalletId,
    pub amount: Money,
    pub currency: Currency,
}

impl DemandedEntries {
    pub fn new(key: FingerprintKey) -> Self {
        Self {
            fingerprint: Fingerprint::new(key),
            transfers: 0,
            are_sound: true,
        }
    }

    /// Adds what a transfer demands: two entries if it moved money, otherwise none. `None` for one that cannot be read.
    pub fn add(&mut self, transfer: Option<MovedMoney>) {
        self.transfers += 1;
        let Some(transfer) = transfer else {
            self.are_sound = false;
            return;
        };
        match transfer.status {
            TransferStatus::Completed if transfer.kind != TransferKind::Release => self.add_sides(&transfer),
            TransferStatus::Completed | TransferStatus::Failed => {}
            TransferStatus::Pending => self.are_sound &= transfer.kind == TransferKind::Hold,
        }
    }

    fn add_sides(&mut self, transfer: &MovedMoney) {
        let sides = [
            (transfer.source, transfer.amount.negated()),
            (transfer.destination, transfer.amount),
        ];
        for (wallet, amount) in sides {
            self.fingerprint.add(&EntryFact {
                transfer: transfer.id,
                wallet,
                amount,
                currency: transfer.currency.code(),
            });
        }
    }

    /// Adds every transfer with an id up to `last`.
    pub async fn add_through(
        &mut self,
        tx: &DatabaseTransaction,
        last: &[u8],
        progress: &VerifyProgress,
    ) -> Result<(), Fault> {
        const THROUGH: &str = "SELECT id, status, kind, source_wallet_id, destination_wallet_id, amount, currency \
                               FROM transfers WHERE id <= $1 ORDER BY id";
        let backend = tx.get_database_backend();
        let query = Statement::from_sql_and_values(backend, THROUGH, [id_value(backend, last)]);
        let mut rows = tx.stream_raw(query).await?;
        let before = self.transfers;
        while let Some(row) = rows.try_next().await? {
            self.add(moved_of(&row).ok());
            if self.transfers.is_multiple_of(UPDATE_EVERY) {
                progress.add(UPDATE_EVERY);
            }
        }
        progress.add((self.transfers - before) % UPDATE_EVERY);
        Ok(())
    }
}

fn moved_of(row: &QueryResult) -> Result<MovedMoney, DbErr> {
    Ok(MovedMoney {
        id: row.try_get_by(0)?,
        status: row.try_get_by(1)?,
        kind: row.try_get_by(2)?,
        source: row.try_get_by(3)?,
        destination: row.try_get_by(4)?,
        amount: row.try_get_by(5)?,
        currency: row.try_get_by(6)?,
    })
}

/// The entries that there are.
pub(super) struct FoundEntries {
    fingerprint: Fingerprint,
    /// How many, readable or not.
    pub entries: u64,
    /// True if each has its wallet, each wallet's versions grow by one along the ids of its transfers, and each balance is the
    /// one before plus the amount.
    are_chained: bool,
}

/// An entry with the currency of its wallet, as it is stored.
struct StoredEntry {
    wallet: WalletId,
    transfer: TransferId,
    version: i64,
    amount: Money,
    after: Money,
    currency: String,
}

/// The last entry of the wallet that is being read.
struct ChainEnd {
    wallet: WalletId,
    version: i64,
    after: Money,
}

impl FoundEntries {
    /// Reads all entries, each wallet's in the order of ids.
    pub async fn read(tx: &DatabaseTransaction, key: FingerprintKey, progress: &VerifyProgress) -> Result<Self, Fault> {
        const ALL: &str = "SELECT e.wallet_id, e.transfer_id, e.version, e.amount, e.balance_after, w.currency \
                           FROM entries e LEFT JOIN wallets w ON w.id = e.wallet_id ORDER BY e.wallet_id, e.transfer_id";
        let mut found = Self {
            fingerprint: Fingerprint::new(key),
            entries: 0,
            are_chained: true,
        };
        let mut end = None;
        let mut rows = tx
            .stream_raw(Statement::from_string(tx.get_database_backend(), ALL))
            .await?;
        while let Some(row) = rows.try_next().await? {
            found.entries += 1;
            if found.entries.is_multiple_of(UPDATE_EVERY) {
                progress.add(UPDATE_EVERY);
            }
            match entry_of(&row) {
                Ok(entry) => end = Some(found.add(&entry, end)),
                // An entry without a wallet has no currency, so it cannot be read either.
                Err(_) => found.are_chained = false,
            }
        }
        progress.add(found.entries % UPDATE_EVERY);
        Ok(found)
    }

    fn add(&mut self, entry: &StoredEntry, before: Option<ChainEnd>) -> ChainEnd {
        let before = before.filter(|before| before.wallet == entry.wallet);
        let (version, balance) = before.map_or((0, Money::ZERO), |before| (before.version, before.after));
        let is_next = version.checked_add(1) == Some(entry.version);
        self.are_chained &= is_next && balance.checked_add(entry.amount) == Some(entry.after);
        self.fingerprint.add(&EntryFact {
            transfer: entry.transfer,
            wallet: entry.wallet,
            amount: entry.amount,
            currency: &entry.currency,
        });
        ChainEnd {
            wallet: entry.wallet,
            version: entry.version,
            after: entry.after,
        }
    }

    /// True if these are exactly the entries that the transfers demand, and they are chained.
    pub fn prove(&self, demanded: &DemandedEntries) -> bool {
        self.are_chained
            && demanded.are_sound
            && self.entries == self.fingerprint.entries()
            && self.fingerprint.is_equal_to(&demanded.fingerprint)
    }
}

fn entry_of(row: &QueryResult) -> Result<StoredEntry, DbErr> {
    Ok(StoredEntry {
        wallet: row.try_get_by(0)?,
        transfer: row.try_get_by(1)?,
        version: row.try_get_by(2)?,
        amount: row.try_get_by(3)?,
        after: row.try_get_by(4)?,
        currency: row.try_get_by(5)?,
    })
}
