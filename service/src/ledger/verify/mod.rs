//! Proves the books in one snapshot: every balance is computed again from its entries, every currency sums to zero,
//! there is no gap and no orphan; what is kept of holds, batches and limits is computed again too, and the audit log
//! tells of each change of a wallet and each reversal. Proves the journal row by row, with the bytes of every transfer
//! and change in it.
//!
//! Damaged data is named in the report and never a fault: a fault means that the database did not answer.

mod audit;
mod batches;
mod books;
mod changes;
mod dialect;
mod entries;
mod holds;
mod journal;
mod limits;
mod records;
mod reversals;
mod rows;
mod wallets;

use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseTransaction, QueryResult};

use self::batches::batches_keep_their_outcomes;
use self::books::{books_are_right, count_rows};
use self::journal::journal_is_whole;
use crate::db::{Db, Fault};
use crate::values::Sha256Digest;

/// The most offenders that a check lists; there may be more. Currencies are few, so all of them are listed.
const OFFENDERS_MAX: usize = 100;

/// What was checked and what was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many wallets there are.
    pub wallets: u64,
    /// How many transfers there are, with the failed ones.
    pub transfers: u64,
    /// How many entries there are.
    pub entries: u64,
    /// How many changes of wallets there are: openings, new statuses and new limits.
    pub changes: u64,
    /// How many currencies the wallets have.
    pub currencies: u64,
    /// Which rows of the journal were checked.
    pub journal: JournalSpan,
    /// Every check, clean or not.
    pub checks: Vec<Check>,
}

/// Which rows of the journal were checked.
#[derive(Clone, Debug, Default)]
pub struct JournalSpan {
    /// The row before the first checked one. Its digest was taken as it is stored. `None` if there is no such row.
    pub start: Option<RowDigest>,
    /// How many rows were checked.
    pub rows: u64,
    /// The newest row. Note its digest elsewhere: a journal that was replaced as a whole has another one.
    pub head: Option<RowDigest>,
}

/// A row of the journal, by its number, with its digest.
#[derive(Clone, Debug)]
pub struct RowDigest {
    /// The row's number.
    pub number: i64,
    /// `None` if what is stored is not a digest.
    pub digest: Option<Sha256Digest>,
}

/// One thing that must hold, and what breaks it.
#[derive(Clone, Debug)]
pub struct Check {
    /// What must hold, as a sentence.
    pub claim: &'static str,
    /// What breaks it, at most a hundred: ids, or sentences about rows of the journal. Of currencies, a sentence for
    /// each.
    pub offenders: Vec<String>,
}

impl Report {
    /// True if no check has an offender.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.checks.iter().all(|check| check.offenders.is_empty())
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// `since` is negative, or greater than the number of the newest row.
    #[error("the journal has no row {since} to begin after; its newest row is {head}")]
    NoSuchRow {
        /// The number that was asked for.
        since: i64,
        /// The number of the newest row; 0 if there is no row.
        head: i64,
    },
    /// The database did not answer.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Runs every check in one snapshot, beside a running bank.
pub async fn verify(db: &Db) -> Result<Report, VerifyError> {
    verify_since(db, 0).await
}

/// The same, but rows of the journal up to `since`, and the transfers and changes in them, are not checked against each
/// other. Everything else is checked as a whole: a balance rests on all entries of its wallet.
pub async fn verify_since(db: &Db, since: i64) -> Result<Report, VerifyError> {
    let tx = db.snapshot().await?;
    let report = verify_in(&tx, since).await?;
    tx.rollback().await.map_err(Fault::from)?;
    Ok(report)
}

/// Runs every check in a snapshot that the caller has taken.
pub async fn verify_in(tx: &DatabaseTransaction, since: i64) -> Result<Report, VerifyError> {
    // The journal first, since it refuses a `since` that does not exist: the other checks take long.
    let (journal, chain) = journal_is_whole(tx, since).await?;
    let mut checks = books_are_right(tx).await?;
    checks.push(batches_keep_their_outcomes(tx).await?);
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

/// An id's bytes. SQLite can be made to hold an id of another length than sixteen.
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
