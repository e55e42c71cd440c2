//! How far a proof has come.

use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};

use crate::db::{Fault, SqlDialect};

/// How far a proof has come: read by a progress bar while the proof runs. A step is a record of the journal or an entry.
#[derive(Debug, Default)]
pub struct VerifyProgress {
    done: AtomicU64,
    total: AtomicU64,
}

/// What a proof reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum CountedSteps {
    /// All records of the journal.
    Records,
    /// All records and all entries.
    All,
}

/// Steps that are shown at most. A damaged version may be any number.
const STEPS_MAX: i64 = 1_000_000_000_000;

impl VerifyProgress {
    /// Steps that were done, and how many there are; 0 while that is not known. On a damaged database more may be done than
    /// there are.
    #[must_use]
    pub fn steps(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    pub(super) fn add(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// Counts the steps of a proof. A wallet's version is the number of its entries.
    pub(super) async fn count(&self, tx: &DatabaseTransaction, steps: CountedSteps) -> Result<(), Fault> {
        let dialect = SqlDialect::of(tx);
        let number = |sum: &str| {
            if dialect.is_postgres() {
                format!("least(coalesce(sum(({sum})::numeric), 0), {STEPS_MAX})::bigint")
            } else {
                format!("CAST(min(coalesce(total({sum}), 0), {STEPS_MAX}) AS INTEGER)")
            }
        };
        let (records, entries) = (number("transfers + changes"), number("version"));
        let entries = match steps {
            CountedSteps::Records => "CAST(0 AS bigint)".to_owned(),
            CountedSteps::All => format!("(SELECT {entries} FROM wallets)"),
        };
        let sql = format!("SELECT (SELECT {records} FROM journal) AS records, {entries} AS entries");
        let query = Statement::from_string(tx.get_database_backend(), sql);
        if let Some(row) = tx.query_one_raw(query).await? {
            let records: i64 = row.try_get("", "records")?;
            let entries: i64 = row.try_get("", "entries")?;
            let total = records.unsigned_abs() + entries.unsigned_abs();
            self.total.store(total, Ordering::Relaxed);
        }
        Ok(())
    }
}
