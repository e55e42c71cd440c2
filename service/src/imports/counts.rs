//! What reading a file counts. Pure.

use std::collections::BTreeMap;

/// Why a row was skipped: a word such as `blank_timestamp`.
pub type SkipReason = &'static str;

/// Rows skipped, by reason.
pub type Skips = BTreeMap<SkipReason, u64>;

/// A block's rows, counted while it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows read, skipped ones included.
    pub read: u64,
    /// Rows whose amount could not be read and was set to zero.
    pub coerced: u64,
    /// Rows skipped, by reason.
    pub skipped: Skips,
}

impl RowCounts {
    /// Rows to store: each is inserted or a duplicate.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.read - self.rows_skipped()
    }

    /// Rows skipped for any reason.
    #[must_use]
    pub fn rows_skipped(&self) -> u64 {
        self.skipped.values().sum()
    }
}
