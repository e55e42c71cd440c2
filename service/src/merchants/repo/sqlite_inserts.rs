//! SQLite: inserts many rows by one statement, as a list of VALUES. The lists have few sizes, so that the statements
//! are prepared once.

use std::ops::Range;

use chrono::{Datelike, SecondsFormat, Timelike};
use sea_orm::sqlx::error::BoxDynError;
use sea_orm::sqlx::sqlite::SqliteArguments;
use sea_orm::sqlx::{self, Arguments as _, SqliteConnection};

use crate::db::Fault;
use crate::values::Timestamp;

/// Rows of a statement, the largest size first. The last is one, so that they add up to any number.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

/// Cuts rows into chunks of these sizes.
pub(super) fn chunks(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let size = SIZES.iter().find(|size| **size <= rows - from)?;
        let chunk = from..from + size;
        from = chunk.end;
        Some(chunk)
    })
}

/// `(?, ?), (?, ?)`
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * (2 * columns + 3));
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ",(" });
        for column in 0..columns {
            text.push_str(if column == 0 { "?" } else { ",?" });
        }
        text.push(')');
    }
    text
}

/// A statement that inserts any number of rows.
pub(super) struct Insert<T> {
    /// What comes before VALUES.
    pub into: &'static str,
    pub columns: usize,
    /// What comes after the rows.
    pub conflict: &'static str,
    /// Adds a row's values, in the order of the columns.
    pub values: fn(&mut SqliteArguments, &T) -> Result<(), BoxDynError>,
}

/// Inserts rows chunk by chunk, and answers how many rows each chunk changed. While the database inserts one chunk, the
/// values of the next are encoded.
pub(super) async fn insert_chunked<T>(
    tx: &mut SqliteConnection,
    rows: &[T],
    insert: &Insert<T>,
) -> Result<Vec<(Range<usize>, u64)>, Fault> {
    let mut done = Vec::new();
    let mut chunks = chunks(rows.len());
    let mut next = chunks.next().map(|chunk| insert.chunk(rows, chunk)).transpose()?;
    while let Some((chunk, arguments)) = next {
        let sql = format!(
            "{} VALUES {} {}",
            insert.into,
            placeholders(chunk.len(), insert.columns),
            insert.conflict
        );
        let query = sqlx::query_with(sqlx::AssertSqlSafe(sql), arguments);
        let following = async { chunks.next().map(|chunk| insert.chunk(rows, chunk)).transpose() };
        let (inserted, following) = tokio::join!(query.execute(&mut *tx), following);
        done.push((chunk, inserted?.rows_affected()));
        next = following?;
    }
    Ok(done)
}

impl<T> Insert<T> {
    fn chunk(&self, rows: &[T], chunk: Range<usize>) -> Result<(Range<usize>, SqliteArguments), Fault> {
        let mut arguments = SqliteArguments::default();
        arguments.reserve(chunk.len() * self.columns, 0);
        for row in &rows[chunk.clone()] {
            (self.values)(&mut arguments, row).map_err(sqlx::Error::Encode)?;
        }
        Ok((chunk, arguments))
    }
}

/// The text that the driver itself writes for a time, made several times as fast.
pub(super) fn time(time: Timestamp) -> String {
    if time.nanosecond() != 0 {
        return time.to_rfc3339_opts(SecondsFormat::AutoSi, false);
    }
    let date = [time.year().unsigned_abs(), time.month(), time.day()];
    let clock = [time.hour(), time.minute(), time.second()];
    let mut text = *b"0000-00-00T00:00:00+00:00";
    let mut put = |end: usize, number: u32, digits: usize| {
        let mut rest = number;
        for place in (end - digits..end).rev() {
            text[place] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    };
    put(4, date[0], 4);
    for (index, number) in date[1..].iter().chain(&clock).enumerate() {
        put(7 + 3 * index, *number, 2);
    }
    text.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_any_number() {
        for rows in [0, 1, 3, 4, 255, 256, 257, 8_191] {
            let chunks: Vec<_> = chunks(rows).collect();
            assert_eq!(chunks.iter().map(ExactSizeIterator::len).sum::<usize>(), rows);
            assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }

    #[test]
    fn placeholders_stand_in_rows() {
        assert_eq!(placeholders(2, 3), "(?,?,?),(?,?,?)");
    }
}
