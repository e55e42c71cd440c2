//! What a kind of file defines: where its columns are, what a row means, and how a block of rows is stored.

use std::future::Future;
use std::time::Duration;

use csv::ByteRecord;

use super::checkpoint::{Checkpoint, Stored};
use super::counts::SkipReason;
use super::error::HeaderProblem;
use crate::db::Fault;
use crate::values::ImportKind;

/// One kind of file.
pub trait FileKind: Send + Sync + 'static {
    /// The kind, as the table `imports` has it.
    const KIND: ImportKind;
    /// True when rows have no id: a content that was imported is then recognized by its digest and never applied again.
    /// False when each row's id shows whether the row is stored already.
    const ONCE_PER_CONTENT: bool;
    /// Where the columns are.
    type Layout: Send + Sync + 'static;
    /// A record that was parsed.
    type Row: Send + 'static;
    /// The rows of a block, made ready to be stored; `Vec<Self::Row>` where there is nothing to prepare.
    type Batch: Send + Sync + 'static;

    /// Rows of a block, skipped ones included; a replay makes smaller blocks. A constant for each database, so that
    /// without a replay every reader of a file makes the same blocks. A kind that would hold SQLite's write lock for
    /// more than 100 ms a block stores it in parts.
    fn block_rows(&self) -> usize;

    /// Reads the header; `columns` does most of it.
    fn layout(header: &ByteRecord) -> Result<Self::Layout, HeaderProblem>;

    /// Parses one record, which may have any bytes in any number of fields.
    fn parse(&self, layout: &Self::Layout, record: &ByteRecord) -> Parsed<Self::Row>;

    /// Prepares a block's rows on the reading thread, while the block before is being stored.
    fn batch(&self, rows: Vec<Self::Row>) -> Self::Batch;

    /// How long a replay at the original pace waits before this row, in milliseconds.
    fn wait_ms(_row: &Self::Row) -> u64 {
        0
    }

    /// Stores the rows of a block and moves its checkpoint, both in one transaction. Where a block takes several, the
    /// last one moves the checkpoint and the others note which rows are stored, so that none is stored twice. On
    /// `Stored::Stale` the transaction is rolled back. After a conflict the driver calls again with the same block.
    fn store(&self, checkpoint: &Checkpoint, batch: &Self::Batch)
    -> impl Future<Output = Result<Stored, Fault>> + Send;
}

/// How fast a file is replayed, in thousandths of the pace that its rows came at: 2 000 is twice as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(u32);

impl Pace {
    /// As fast as the rows came.
    pub const ORIGINAL: Self = Self(1_000);

    /// Reads a factor such as `2` or `0.25`, of at most three decimals and above zero; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| (1..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 3 {
            return None;
        }
        let thousandths = whole.parse::<u32>().ok()? * 1_000 + format!("{fraction:0<3}").parse::<u32>().ok()?;
        (thousandths > 0).then_some(Self(thousandths))
    }

    /// How long a time of so many milliseconds takes at this pace.
    #[must_use]
    pub fn of(self, original_ms: u64) -> Duration {
        Duration::from_micros(original_ms.saturating_mul(1_000_000) / u64::from(self.0))
    }
}

/// What became of one row when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<Row> {
    /// A row to store.
    Row {
        /// The row.
        row: Row,
        /// True when the amount could not be read and was set to zero.
        coerced: bool,
    },
    /// The record is skipped, for this reason.
    Skipped(SkipReason),
}

/// Finds columns by name, in any case and order, among other columns. Refuses a header that lacks one or has one twice.
pub fn columns<const N: usize>(header: &ByteRecord, names: [&str; N]) -> Result<[usize; N], HeaderProblem> {
    let mut found = [0; N];
    let (mut missing, mut repeated) = (Vec::new(), Vec::new());
    for (place, name) in found.iter_mut().zip(names) {
        let is_named = |field: &[u8]| field.trim_ascii().eq_ignore_ascii_case(name.as_bytes());
        let mut places = header.iter().enumerate().filter(|(_, field)| is_named(field));
        match (places.next(), places.next()) {
            (Some((index, _)), None) => *place = index,
            (None, _) => missing.push(name),
            (Some(_), Some(_)) => repeated.push(name),
        }
    }
    if !missing.is_empty() {
        return Err(HeaderProblem(format!("the header lacks {}", missing.join(", "))));
    }
    if !repeated.is_empty() {
        return Err(HeaderProblem(format!("the header has {} twice", repeated.join(", "))));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_in_any_order_and_case() {
        let header = ByteRecord::from(vec!["b", "other", " A "]);
        assert_eq!(columns(&header, ["a", "b"]), Ok([2, 0]));
    }

    #[test]
    fn a_pace_is_a_factor_above_zero() {
        let of_a_second = |text| Pace::parse(text).map(|pace| pace.of(1_000).as_micros());
        assert_eq!(of_a_second("1"), Some(1_000_000));
        assert_eq!(of_a_second("2"), Some(500_000));
        assert_eq!(of_a_second("0.25"), Some(4_000_000));
        assert_eq!(of_a_second("1000"), Some(1_000));
        assert_eq!(Pace::parse("1"), Some(Pace::ORIGINAL));
        for text in ["", "0", "0.0", "-1", "1.", ".5", "1e3", "0.0001", "fast.csv", "1234567"] {
            assert_eq!(Pace::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_missing_or_twice_is_named() {
        let header = ByteRecord::from(vec!["b", "b", "c"]);
        let sentence = |names: [&str; 2]| columns(&header, names).expect_err("a column is wrong").0;
        assert_eq!(sentence(["a", "d"]), "the header lacks a, d");
        assert_eq!(sentence(["b", "c"]), "the header has b twice");
    }
}
