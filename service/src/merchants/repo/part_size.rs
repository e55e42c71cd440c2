//! SQLite: how many rows go into one transaction, which keeps every other writer of the file waiting.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How long a transaction should take: well below the promised 100 ms, since the next part may be slower than the last.
const AIM: Duration = Duration::from_millis(60);
/// Rows of the first part, before the speed of the machine is known.
const FIRST_ROWS: usize = 1_024;
const ROWS_MIN: usize = 64;
const ROWS_MAX: usize = super::SqliteActivityStore::PART_ROWS;

/// The size of the next part, by how long the parts before it took.
pub(super) struct PartSize {
    rows: AtomicUsize,
    /// How many rows take `AIM` at the speed of the last part.
    last_fit: AtomicUsize,
}

impl PartSize {
    pub fn new() -> Self {
        Self {
            rows: AtomicUsize::new(FIRST_ROWS),
            last_fit: AtomicUsize::new(0),
        }
    }

    /// Rows of the next part.
    pub fn rows(&self) -> usize {
        self.rows.load(Ordering::Relaxed)
    }

    /// Adapts the size of the next part to how long a part took.
    pub fn note(&self, rows: usize, held: Duration) {
        let now = self.rows();
        // The last part of a block may be small, and says little about a large one.
        if rows < now && held <= AIM {
            return;
        }
        let fit = rows as u128 * AIM.as_micros() / held.as_micros().max(1);
        let fit = usize::try_from(fit).unwrap_or(usize::MAX);
        // Every few commits SQLite copies its WAL into the file, which takes long but makes no other writer wait. So of
        // two parts the faster one counts.
        let fits = fit.max(self.last_fit.swap(fit, Ordering::Relaxed));
        self.rows
            .store(fits.min(2 * now).clamp(ROWS_MIN, ROWS_MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the next parts on a machine that takes `row_us` for each row and `commit_us` for each transaction.
    fn sizes(size: &PartSize, row_us: u64, commit_us: u64) -> Vec<usize> {
        let next = || {
            let rows = size.rows();
            size.note(rows, Duration::from_micros(commit_us + row_us * rows as u64));
            size.rows()
        };
        std::iter::repeat_with(next).take(8).collect()
    }

    #[test]
    fn a_part_takes_the_time_that_it_should() {
        let size = PartSize::new();
        // A fast machine: soon the largest size.
        assert_eq!(
            sizes(&size, 3, 1_000),
            [2_048, 4_096, 8_192, 8_192, 8_192, 8_192, 8_192, 8_192]
        );
        // Suddenly ten times slower: from the second part on it fits.
        let slow = sizes(&size, 30, 1_000);
        assert!(slow[1..].iter().all(|rows| rows * 30 + 1_000 <= 62_000), "{slow:?}");
        assert!(slow[7] * 30 + 1_000 > 55_000, "{slow:?}");
    }

    #[test]
    fn one_slow_part_changes_nothing() {
        let size = PartSize::new();
        sizes(&size, 3, 1_000);
        for _ in 0..5 {
            size.note(ROWS_MAX, Duration::from_millis(400));
            assert_eq!(size.rows(), ROWS_MAX);
            size.note(ROWS_MAX, Duration::from_millis(30));
            assert_eq!(size.rows(), ROWS_MAX);
        }
    }

    #[test]
    fn however_slow_there_are_some_rows() {
        let size = PartSize::new();
        assert_eq!(sizes(&size, 10_000, 1_000_000)[7], ROWS_MIN);
    }

    #[test]
    fn the_end_of_a_block_changes_nothing_unless_it_is_slow() {
        let size = PartSize::new();
        size.note(10, Duration::from_millis(20));
        assert_eq!(size.rows(), FIRST_ROWS);
        size.note(500, Duration::from_millis(120));
        assert_eq!(size.rows(), 250);
    }
}
