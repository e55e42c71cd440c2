//! A block's checkpoint: a kind of file moves it in the transaction that stores the block's last row.

use std::collections::BTreeMap;
use std::ops::Range;

use sea_orm::DatabaseTransaction;
use sea_orm::sqlx::{PgConnection, SqliteConnection};

use super::counts::RowCounts;
use super::import::Import;
use super::kept::{RejectedLine, rejects_text};
use super::repo::{self, ImportUpdate};
use crate::db::{Db, Fault};
use crate::values::ImportId;

/// Where a block begins and ends, and what its import's row says once the block is stored.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    pub(super) import: ImportId,
    pub(super) block_number: u64,
    pub(super) bytes: Range<u64>,
    pub(super) counts: RowCounts,
    /// The import's skipped rows by reason once the block is stored.
    pub(super) skip_reasons: BTreeMap<String, u64>,
    /// Rejected lines of the block, as `rejects_text` writes them; `None` without any to keep.
    pub(super) rejects: Option<String>,
}

/// A transaction in which a checkpoint can be read and moved: sea-orm's, or one of a driver.
pub enum CheckpointTx<'tx> {
    /// sea-orm's, on either database.
    SeaOrm(&'tx DatabaseTransaction),
    /// PostgreSQL's driver.
    Postgres(&'tx mut PgConnection),
    /// SQLite's driver.
    Sqlite(&'tx mut SqliteConnection),
}

impl<'tx> From<&'tx DatabaseTransaction> for CheckpointTx<'tx> {
    fn from(tx: &'tx DatabaseTransaction) -> Self {
        Self::SeaOrm(tx)
    }
}

impl<'tx> From<&'tx mut PgConnection> for CheckpointTx<'tx> {
    fn from(tx: &'tx mut PgConnection) -> Self {
        Self::Postgres(tx)
    }
}

impl<'tx> From<&'tx mut SqliteConnection> for CheckpointTx<'tx> {
    fn from(tx: &'tx mut SqliteConnection) -> Self {
        Self::Sqlite(tx)
    }
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Stored {
    /// Its rows are stored, and the checkpoint is behind it.
    Applied(AppliedRows),
    /// The transaction must be rolled back: another importer has applied the block or a part of it, or the import has
    /// ended.
    Stale,
}

/// The rows of an applied block. Only `Checkpoint::advance` makes one, so that a kind cannot report a block as applied
/// without having moved the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedRows {
    inserted: u64,
    duplicate: u64,
}

impl AppliedRows {
    /// Rows that were not stored before.
    #[must_use]
    pub fn inserted(self) -> u64 {
        self.inserted
    }

    /// Rows that were stored before.
    #[must_use]
    pub fn duplicate(self) -> u64 {
        self.duplicate
    }
}

impl Checkpoint {
    /// The checkpoint of an import's next block, which ends at the byte `to`.
    #[must_use]
    pub fn new(import: &Import, to: u64, counts: RowCounts) -> Self {
        let mut skip_reasons = import.counts.skip_reasons.clone();
        for (reason, count) in &counts.skipped {
            *skip_reasons.entry((*reason).to_owned()).or_default() += count;
        }
        Self {
            import: import.id,
            block_number: import.blocks_applied,
            bytes: import.bytes_applied..to,
            counts,
            skip_reasons,
            rejects: None,
        }
    }

    /// The same, which keeps these rejected lines of the block.
    pub(super) fn keeping(self, rejects: &[RejectedLine]) -> Self {
        Self {
            rejects: rejects_text(rejects),
            ..self
        }
    }

    /// The import that the block is of.
    #[must_use]
    pub fn import(&self) -> ImportId {
        self.import
    }

    /// The block's number in its import, from 0: for a store that recognizes a block by it.
    #[must_use]
    pub fn block_number(&self) -> u64 {
        self.block_number
    }

    /// The block's bytes in the file: for a store that notes parts of a block.
    #[must_use]
    pub fn bytes(&self) -> Range<u64> {
        self.bytes.clone()
    }

    /// Rows to store: each is inserted or a duplicate.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.counts.rows()
    }

    /// Whether the import stands at the block's beginning now. Another importer may move it at any moment.
    pub async fn is_current(&self, db: &Db) -> Result<bool, Fault> {
        repo::is_at(&db.write, self).await
    }

    /// The same in a transaction of SQLite, whose write lock keeps the checkpoint unchanged until the end.
    pub async fn is_current_in(&self, tx: &mut SqliteConnection) -> Result<bool, Fault> {
        repo::is_at_on_sqlite(tx, self).await
    }

    /// Moves the checkpoint behind the block, keeps its rejected lines and adds the block's counts, of which `inserted` rows were new. On `Stale`
    /// the caller must roll the transaction back.
    pub async fn advance<'tx>(&self, tx: impl Into<CheckpointTx<'tx>> + Send, inserted: u64) -> Result<Stored, Fault> {
        let rows = AppliedRows {
            inserted,
            duplicate: self.rows() - inserted,
        };
        Ok(match repo::advance(tx.into(), self, rows).await? {
            ImportUpdate::Changed => Stored::Applied(rows),
            ImportUpdate::Stale => Stored::Stale,
        })
    }

    /// Notes in an import that this block was applied.
    pub(super) fn note_applied(self, rows: AppliedRows, import: &mut Import) {
        import.bytes_applied = self.bytes.end;
        import.blocks_applied += 1;
        import.counts.rows_read += self.counts.read;
        import.counts.rows_inserted += rows.inserted();
        import.counts.rows_duplicate += rows.duplicate();
        import.counts.rows_skipped += self.counts.rows_skipped();
        import.counts.amounts_coerced += self.counts.coerced;
        import.counts.skip_reasons = self.skip_reasons;
    }
}
