//! An import as callers see it, and how far one has come at the moment.

use std::collections::BTreeMap;

use crate::values::{Digest, ImportId, ImportKind, ImportStatus, Timestamp};

/// The import of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Ids grow with the time at which imports began.
    pub id: ImportId,
    /// What the file's rows are.
    pub kind: ImportKind,
    /// The file's name, without its folder.
    pub file_name: String,
    /// RUNNING until the file's end, then COMPLETED or FAILED.
    pub status: ImportStatus,
    /// Why the file cannot be read; only when the status is FAILED.
    pub failure: Option<String>,
    /// The first 16 bytes of the SHA-256 of the content.
    pub digest: Digest,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of the file whose rows are applied.
    pub bytes_applied: u64,
    /// How many blocks are applied.
    pub blocks_applied: u64,
    /// What became of the rows up to `bytes_applied`.
    pub counts: ImportTotals,
    /// When the import was created.
    pub started_at: Timestamp,
    /// When it ended; `None` while it is RUNNING.
    pub finished_at: Option<Timestamp>,
}

/// What became of the rows of an import so far: every one read is inserted, a duplicate or skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportTotals {
    /// Rows read, with the skipped ones.
    pub rows_read: u64,
    /// Rows that were new.
    pub rows_inserted: u64,
    /// Rows that were stored before.
    pub rows_duplicate: u64,
    /// Rows that were not stored, for any reason.
    pub rows_skipped: u64,
    /// Rows whose amount could not be read and was set to zero.
    pub amounts_coerced: u64,
    /// Skipped rows by reason.
    pub skip_reasons: BTreeMap<String, u64>,
}

/// How a run of an import ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportOutcome {
    /// COMPLETED or FAILED.
    Finished(Import),
    /// Stopped at a block's end; the next run continues there. `None` when it was stopped while the file was hashed.
    Stopped(Option<Import>),
    /// The content was imported before, and the options say to skip it.
    SkippedAsKnown(Import),
}

/// How far the import of one file has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// What is done with the file now.
    pub stage: ImportStage,
    /// Bytes done in this stage, of `size`.
    pub bytes: u64,
    /// The file's size in bytes.
    pub size: u64,
    /// Rows read so far, those of earlier runs included.
    pub rows: u64,
    /// Those of `rows` that were applied before this run began.
    pub rows_before: u64,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportStage {
    /// Its content is hashed, to find an earlier import of it.
    #[default]
    Hashing,
    /// Its rows are applied.
    Applying,
}

impl Import {
    pub(super) fn progress(&self, rows_before: u64) -> ImportProgress {
        ImportProgress {
            stage: ImportStage::Applying,
            bytes: self.bytes_applied,
            size: self.size,
            rows: self.counts.rows_read,
            rows_before,
        }
    }
}

impl ImportTotals {
    /// Adds the counts of another import.
    pub fn add(&mut self, other: &Self) {
        self.rows_read += other.rows_read;
        self.rows_inserted += other.rows_inserted;
        self.rows_duplicate += other.rows_duplicate;
        self.rows_skipped += other.rows_skipped;
        self.amounts_coerced += other.amounts_coerced;
        for (reason, count) in &other.skip_reasons {
            *self.skip_reasons.entry(reason.clone()).or_default() += count;
        }
    }

    /// True when every row was new, and none was skipped or had its amount set to zero.
    #[must_use]
    pub fn is_spotless(&self) -> bool {
        self.rows_skipped == 0 && self.amounts_coerced == 0 && self.rows_duplicate == 0
    }
}
