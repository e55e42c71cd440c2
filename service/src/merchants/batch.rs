//! Prepares a block's rows for the database, on the reading thread: sorts them, keeps each event once, and sums them
//! up.

use std::borrow::Cow;

use super::rollup::Rollup;
use super::row::Activity;

/// Rows sorted by event, so that they change the pages of an index one after the other. Of a repeated event the first
/// row counts.
#[derive(Clone, Debug)]
pub struct ActivityBatch {
    rows: Vec<Activity>,
    part_rows_max: usize,
    /// What all rows add; only where they are stored in one part. The rollups of many parts would take more memory than
    /// the rows.
    rollup: Option<Rollup>,
}

impl ActivityBatch {
    /// Takes a block's rows in the order of the file. One transaction stores at most `part_rows_max` of them.
    #[must_use]
    pub fn new(mut rows: Vec<Activity>, part_rows_max: usize) -> Self {
        // Stable, so that the first of a repeated event stays the first.
        rows.sort_by_key(|row| row.event_id);
        rows.dedup_by_key(|row| row.event_id);
        Self {
            rollup: (rows.len() <= part_rows_max).then(|| Rollup::of(&rows)),
            rows,
            part_rows_max,
        }
    }

    /// All rows, and what they add.
    pub(super) fn whole(&self) -> (&[Activity], Cow<'_, Rollup>) {
        let rollup = match &self.rollup {
            Some(rollup) => Cow::Borrowed(rollup),
            None => Cow::Owned(Rollup::of(&self.rows)),
        };
        (&self.rows, rollup)
    }

    pub(super) fn rows(&self) -> &[Activity] {
        &self.rows
    }

    /// The most rows of a transaction.
    pub(super) fn part_rows_max(&self) -> usize {
        self.part_rows_max
    }
}
