//! Proves the books in one snapshot: every balance again from its entries, every currency to zero, no gap and no orphan; and
//! the journal, row by row, with the bytes of every transfer and change in it.
//!
//! What is damaged is named and never a fault: a fault says that the database did not answer.

mod books;
mod journal;
mod records;
mod rows;

use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseTransaction, QueryResult};

use self::books::{books_are_right, count_rows};
use self::journal::journal_is_whole;
use crate::db::{Db, Fault};
use crate::values::Sha256Digest;

/// Offenders that a check names; it may have more.
const OFFENDERS_MAX: usize = 100;

/// What was looked at and what was found.
#[derive(Clone, Debug)]
pub struct Report {
    pub wallets: u64,
    pub transfers: u64,
    pub entries: u64,
    /// What happened to wallets besides money: openings and new statuses.
    pub changes: u64,
    pub currencies: u64,
    pub journal: JournalSpan,
    pub checks: Vec<Check>,
}

/// Which rows of the journal were checked.
#[derive(Clone, Debug, Default)]
pub struct JournalSpan {
    /// The row before them: its digest was taken as it is stored. `None` where there is no such row.
    pub start: Option<RowDigest>,
    /// How many.
    pub rows: u64,
    /// The newest row. Note its digest elsewhere: a journal that was made anew as a whole has another one.
    pub head: Option<RowDigest>,
}

/// A row of the journal by its number.
#[derive(Clone, Debug)]
pub struct RowDigest {
    pub number: i64,
    /// `None` where what is stored is no digest.
    pub digest: Option<Sha256Digest>,
}

/// One thing that must hold, and what breaks it.
#[derive(Clone, Debug)]
pub struct Check {
    /// What must hold, as a sentence.
    pub claim: &'static str,
    /// Ids, or currencies, that break it; at most a hundred.
    pub offenders: Vec<String>,
}

impl Report {
    /// True when nothing breaks anything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.checks.iter().all(|check| check.offenders.is_empty())
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the journal has no row {since} to begin after; its newest row is {head}")]
    NoSuchRow { since: i64, head: i64 },
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Runs every check in one snapshot, beside a running bank.
pub async fn verify(db: &Db) -> Result<Report, VerifyError> {
    verify_since(db, 0).await
}

/// The same, but rows of the journal up to `since`, and the transfers and changes in them, are not checked against each other. All else
/// is recomputed as a whole: a balance rests on all entries of its wallet.
pub async fn verify_since(db: &Db, since: i64) -> Result<Report, VerifyError> {
    let tx = db.snapshot().await?;
    let report = verify_in(&tx, since).await?;
    tx.rollback().await.map_err(Fault::from)?;
    Ok(report)
}

/// Runs every check in a snapshot that the caller has taken.
pub async fn verify_in(tx: &DatabaseTransaction, since: i64) -> Result<Report, VerifyError> {
    // First, since it may refuse: the rest takes its time.
    let (journal, chain) = journal_is_whole(tx, since).await?;
    let mut checks = books_are_right(tx).await?;
    checks.push(chain);
    let counts = count_rows(tx).await?;
    Ok(Report {
        wallets: counts.wallets,
        transfers: counts.transfers,
        entries: counts.entries,
        changes: counts.changes,
        currencies: counts.currencies,
        journal,
        checks,
    })
}

/// An id's bytes: SQLite can be made to hold an id that has not sixteen of them.
fn id_bytes(row: &QueryResult, column: &str) -> Result<Vec<u8>, Fault> {
    let id: Result<Uuid, _> = row.try_get("", column);
    Ok(match id {
        Ok(id) => id.into_bytes().to_vec(),
        Err(_) => row.try_get("", column)?,
    })
}

fn id_text(bytes: &[u8]) -> String {
    match Uuid::from_slice(bytes) {
        Ok(id) => id.to_string(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
