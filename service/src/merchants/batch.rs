//! A block's rows made ready for the database, on the thread that reads: sorted, each event once, and summed up.

use std::ops::Range;

use super::rollup::Rollup;
use super::row::Activity;

/// Rows sorted by event, so that they meet the pages of an index one after the other, and in parts that are stored in a
/// transaction each. Of a repeated event the first row counts.
#[derive(Clone, Debug)]
pub struct Batch {
    rows: Vec<Activity>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    rows: Range<usize>,
    rollup: Rollup,
}

impl Batch {
    /// Takes the rows of a block in the order of the file.
    #[must_use]
    pub fn new(mut rows: Vec<Activity>, part_rows_max: usize) -> Self {
        // Stable, so that the first of a repeated event stays the first.
        rows.sort_by_key(|row| row.event_id);
        rows.dedup_by_key(|row| row.event_id);
        let parts = (0..rows.len())
            .step_by(part_rows_max)
            .map(|from| {
                let range = from..rows.len().min(from + part_rows_max);
                let rollup = Rollup::of(&rows[range.clone()]);
                Part { rows: range, rollup }
            })
            .collect();
        Self { rows, parts }
    }

    /// Every part: its rows and what they add.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&[Activity], &Rollup)> {
        self.parts
            .iter()
            .map(|part| (&self.rows[part.rows.clone()], &part.rollup))
    }
}
