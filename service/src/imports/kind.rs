//! What a kind of file has to say: where its columns are, what a row means, and how a block of rows is stored.

use std::collections::BTreeMap;
use std::future::Future;

use csv::ByteRecord;

use super::HeaderProblem;
use crate::db::Fault;
use crate::values::{ImportId, ImportKind};

/// Why a row was left out: a word such as `blank_timestamp`.
pub type SkipReason = &'static str;

/// Rows left out, by reason.
pub type Skips = BTreeMap<SkipReason, u64>;

/// One kind of file.
pub trait Rows: Send + Sync + 'static {
    const KIND: ImportKind;
    /// True when rows carry no identity of their own: a content that was imported once is then known by its digest and
    /// never applied again. False when rows tell themselves whether they are stored already.
    const ONCE: bool;
    /// Where the columns are.
    type Layout: Send + Sync + 'static;
    type Row: Send + 'static;
    /// The rows of a block, made ready to be stored; `Vec<Self::Row>` where there is nothing to prepare.
    type Batch: Send + Sync + 'static;

    /// How many rows make a block, skipped ones among them. A constant for a database, so that the blocks of a file have
    /// the same bounds whoever reads it; with SQLite's write lock held for at most 100 ms a block.
    fn block_rows(&self) -> usize;

    /// Reads the header; `columns` does most of it.
    fn layout(header: &ByteRecord) -> Result<Self::Layout, HeaderProblem>;

    /// Reads one row. Any bytes may come, in any number of fields.
    fn parse(&self, layout: &Self::Layout, record: &ByteRecord) -> Parsed<Self::Row>;

    /// Makes a block's rows ready, on the thread that reads, while the block before is being stored.
    fn batch(&self, rows: Vec<Self::Row>) -> Self::Batch;

    /// Applies a block: its rows and `repo::advance` in one transaction. On `repo::Advanced::Stale` everything is rolled
    /// back and the answer is `Stored::Stale`. A fault means that nothing is stored, or that nobody knows; the driver
    /// calls again with the same block, and the checkpoint tells.
    fn store(&self, block: &Block<Self::Batch>) -> impl Future<Output = Result<Stored, Fault>> + Send;
}

/// What became of one row when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<Row> {
    Row {
        row: Row,
        /// The amount was not one and became zero.
        coerced: bool,
    },
    Skipped(SkipReason),
}

/// Rows that stand side by side in a file, applied together or not at all.
#[derive(Clone, Debug)]
pub struct Block<Batch> {
    pub import: ImportId,
    /// Blocks are counted from 0.
    pub number: u64,
    /// The byte where the block begins: the checkpoint that it is applied on.
    pub from: u64,
    /// The byte behind it: the checkpoint once it is applied.
    pub to: u64,
    pub rows: Batch,
    pub counts: Counts,
    /// The import's skipped rows by reason once this block is applied, as a JSON object.
    pub skip_reasons: String,
}

/// What reading a block counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows read, the skipped ones among them.
    pub read: u64,
    pub coerced: u64,
    pub skipped: Skips,
}

impl Counts {
    /// Rows that are there to be stored: inserted, or duplicates.
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

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// `inserted + duplicate` is `counts.rows()`.
    Applied { inserted: u64, duplicate: u64 },
    /// Somebody else has applied it, or a part of it.
    Stale,
}

/// Finds columns by name, in any case and order, other columns among them.
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
    fn what_is_missing_or_twice_is_named() {
        let header = ByteRecord::from(vec!["b", "b", "c"]);
        let sentence = |names: [&str; 2]| columns(&header, names).expect_err("a column is wrong").0;
        assert_eq!(sentence(["a", "d"]), "the header lacks a, d");
        assert_eq!(sentence(["b", "c"]), "the header has b twice");
    }
}
