//! What merchants do, and five reports on it.
//!
//! Invariants: every event is stored once; the rollups are written in the transaction that stores the rows, so they equal
//! a recomputation from the rows at every moment; the reports at hand are less than a second behind a commit by anybody,
//! or none once the database is out of reach.

mod batch;
mod error;
mod file_kind;
mod month;
mod ranking;
mod refresher;
mod remembered;
mod repo;
mod report;
mod rollup;
mod row;
mod summary;
mod volume;

pub use batch::ActivityBatch;
pub use error::MerchantError;
pub use file_kind::ActivityFiles;
pub use month::Month;
pub use ranking::Ranked;
pub use report::{FailureRate, Funnel, Reports};
pub use rollup::MerchantCounts;
pub use row::{Activity, ActivityLayout, COLUMNS, MERCHANT_BYTES_MAX, TEXT_BYTES_MAX, parse};
pub use summary::MerchantSummary;
pub use volume::Volume;

use std::sync::Arc;

use self::refresher::{ReportCache, keep_fresh};
use crate::db::{Db, Fault};
use crate::workers::Workers;

/// The reports, and what each merchant has done.
pub struct Merchants {
    db: Db,
    snapshot: Arc<ReportCache>,
    workers: Workers,
}

impl Merchants {
    /// Starts keeping the reports at hand. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(db: &Db, workers: Workers) -> Self {
        let snapshot = Arc::new(ReportCache::new(db.clone()));
        let kept = snapshot.clone();
        workers.start("reports", move |worker| keep_fresh(worker, kept.clone()));
        Self {
            db: db.clone(),
            snapshot,
            workers,
        }
    }

    /// The reports as they were less than a second ago, without a look at the database. A fault while they are not read
    /// yet, and when nobody could look whether they have changed for some seconds.
    pub fn reports(&self) -> Result<Arc<Reports>, Fault> {
        self.snapshot.get()
    }

    /// Brings the reports up to date now.
    pub async fn refresh(&self) -> Result<(), Fault> {
        self.snapshot.refresh().await
    }

    /// What a merchant has done.
    pub async fn summary(&self, merchant_id: &str) -> Result<MerchantSummary, MerchantError> {
        // A text with NUL is no merchant's id, and PostgreSQL cannot be asked for it.
        if merchant_id.contains('\0') {
            return Err(MerchantError::NotFound);
        }
        repo::summary(&self.db.read, merchant_id)
            .await?
            .ok_or(MerchantError::NotFound)
    }

    pub(crate) async fn stop(&self) {
        self.workers.stop().await;
    }
}
