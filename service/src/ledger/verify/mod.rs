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
mod entry_proof;
mod fingerprint;
mod holds;
mod journal;
mod limits;
mod progress;
mod records;
mod reversals;
mod rows;
mod wallets;

use std::sync::Arc;

use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseTransaction, DbBackend, QueryResult, Value};
use tokio_util::task::AbortOnDropHandle;

pub use self::progress::VerifyProgress;

use self::batches::batches_keep_their_outcomes;
use self::books::{BookChecks, BookCounts, compare_books, count_rows, name_wrong_entries, proved_entries};
use self::entry_proof::FoundEntries;
use self::fingerprint::FingerprintKey;
use self::journal::{JournalWalkResult, WalkStart, walk_journal};
use self::progress::CountedSteps;
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

/// Transactions that see one moment of the database. The second lets two readings go on side by side.
pub struct BooksSnapshot {
    /// The first one.
    pub tx: DatabaseTransaction,
    /// The second one. `None` on SQLite, where two transactions cannot be made to see one moment.
    pub parallel: Option<DatabaseTransaction>,
}

impl BooksSnapshot {
    /// The present moment.
    pub async fn take(db: &Db) -> Result<Self, Fault> {
        let tx = db.snapshot().await?;
        let parallel = db.share_snapshot(&tx).await?;
        Ok(Self { tx, parallel })
    }
}

/// Runs every check in one snapshot, beside a running bank.
pub async fn verify(db: &Db) -> Result<Report, VerifyError> {
    verify_since(db, 0).await
}

/// The same, but rows of the journal up to `since`, and the transfers and changes in them, are not checked against each
/// other. Everything else is checked as a whole: a balance rests on all entries of its wallet.
pub async fn verify_since(db: &Db, since: i64) -> Result<Report, VerifyError> {
    verify_in(BooksSnapshot::take(db).await?, since, &Arc::default()).await
}

/// Whether the journal extends a row that was noted elsewhere.
#[derive(Clone, Debug)]
pub struct Extension {
    /// Which rows were checked: all of them.
    pub span: JournalSpan,
    /// What breaks the journal.
    pub check: Check,
    /// True if the row has the digest that was noted.
    pub has_row: bool,
}

/// Checks the journal alone, all of it, and whether its row `number` has this digest, which was noted elsewhere: if it has and
/// the journal is whole, nothing up to that row was changed since.
pub async fn verify_extension(
    db: &Db,
    (number, digest): (i64, Sha256Digest),
    progress: &VerifyProgress,
) -> Result<Extension, VerifyError> {
    let tx = db.snapshot().await?;
    progress.count(&tx, CountedSteps::Records).await?;
    let start = WalkStart {
        since: 0,
        noted: Some((number, digest)),
    };
    let walked = walk_journal(&tx, start, FingerprintKey::random(), progress).await?;
    tx.rollback().await.map_err(Fault::from)?;
    Ok(Extension {
        span: walked.span,
        check: walked.check,
        has_row: walked.has_noted_row,
    })
}

/// Runs every check in a snapshot that the caller has taken, and ends it.
pub async fn verify_in(
    snapshot: BooksSnapshot,
    since: i64,
    progress: &Arc<VerifyProgress>,
) -> Result<Report, VerifyError> {
    let key = FingerprintKey::random();
    let BooksSnapshot { tx, parallel } = snapshot;
    progress.count(&tx, CountedSteps::All).await?;
    let (mut walked, books) = match parallel {
        None => {
            // The journal first, since it refuses a `since` that does not exist: the other checks take long.
            let walked = walk_journal(&tx, WalkStart::after(since), key, progress).await?;
            (walked, read_books(&tx, key, progress).await?)
        }
        Some(parallel) => {
            let shown = progress.clone();
            let reading = AbortOnDropHandle::new(tokio::spawn(async move {
                let books = read_books(&parallel, key, &shown).await;
                parallel.rollback().await.map_err(Fault::from)?;
                books
            }));
            let walked = walk_journal(&tx, WalkStart::after(since), key, progress).await?;
            (walked, reading.await.map_err(Fault::broken)??)
        }
    };
    let transfers = complete_demand(&tx, &mut walked, progress).await?;
    let EntryAndBookChecks {
        found,
        compared,
        batches,
    } = books;
    let are_proved =
        walked.check.offenders.is_empty() && walked.demanded.as_ref().is_some_and(|demanded| found.prove(demanded));
    let entries = if are_proved {
        proved_entries(&tx).await?
    } else {
        name_wrong_entries(&tx).await?
    };
    let counts = count_rows(&tx, transfers, found.entries).await?;
    tx.rollback().await.map_err(Fault::from)?;
    let checks = compared.in_order(entries, [batches, walked.check]);
    Ok(report(counts, walked.span, checks))
}

/// What is read beside the journal.
struct EntryAndBookChecks {
    found: FoundEntries,
    compared: BookChecks,
    batches: Check,
}

async fn read_books(
    tx: &DatabaseTransaction,
    key: FingerprintKey,
    progress: &VerifyProgress,
) -> Result<EntryAndBookChecks, Fault> {
    Ok(EntryAndBookChecks {
        found: FoundEntries::read(tx, key, progress).await?,
        compared: compare_books(tx).await?,
        batches: batches_keep_their_outcomes(tx).await?,
    })
}

/// Adds what the transfers demand that the walk did not read. Tells how many transfers were read in all, if each was.
async fn complete_demand(
    tx: &DatabaseTransaction,
    walked: &mut JournalWalkResult,
    progress: &VerifyProgress,
) -> Result<Option<u64>, Fault> {
    let Some(demanded) = walked.demanded.as_mut().filter(|_| walked.check.offenders.is_empty()) else {
        return Ok(None);
    };
    if let Some(last) = &walked.skipped_through {
        demanded.add_through(tx, last, progress).await?;
    }
    Ok(Some(demanded.transfers))
}

fn report(counts: BookCounts, journal: JournalSpan, checks: Vec<Check>) -> Report {
    Report {
        wallets: counts.wallets,
        transfers: counts.transfers,
        entries: counts.entries,
        changes: counts.changes,
        currencies: counts.currencies,
        journal,
        checks,
    }
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

/// An id to compare with. On PostgreSQL every id is a UUID; on SQLite an id may have another length.
fn id_value(backend: DbBackend, id: &[u8]) -> Value {
    match (backend, Uuid::from_slice(id)) {
        (DbBackend::Postgres, Ok(id)) => id.into(),
        _ => id.to_vec().into(),
    }
}
