//! A block's rows made ready for the database, on the thread that reads: sorted, each event once, and summed up.

use std::borrow::Cow;

use super::rollup::Rollup;
use super::row::Activity;

/// Rows sorted by event, so that they meet the pages of an index one after the other. Of a repeated event the first row
/// counts.
#[derive(Clone, Debug)]
pub struct ActivityBatch {
    rows: Vec<Activity>,
    part_rows_max: usize,
    /// What all of them add; only where they are stored in one part. Those of many parts would take more memory than the
    /// rows.
    rollup: Option<Rollup>,
}

impl ActivityBatch {
    /// Takes the rows of a block in the order of the file, to be stored at most so many in a transaction.
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

    /// All rows in one, and what they add.
    pub(super) fn whole(&self) -> (&[Activity], Cow<'_, Rollup>) {
        let rollup = match &self.rollup {
            Some(rollup) => Cow::Borrowed(rollup),
            None => Cow::Owned(Rollup::of(&self.rows)),
        };
        (&self.rows, rollup)
    }

    /// Every row.
    pub(super) fn rows(&self) -> &[Activity] {
        &self.rows
    }

    /// The most rows of a transaction.
    pub(super) fn part_rows_max(&self) -> usize {
        self.part_rows_max
    }
}
