//! Merchants' activities, and five reports on them.
//!
//! Invariants: every event is stored once; the rollups are written in the transaction that stores the rows, so they
//! equal a recomputation from the rows at every moment; the cached reports are less than a second behind a commit of
//! any process, or are not answered once the database is out of reach for some seconds.

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
    /// Starts the worker that caches the reports. Must be called inside a tokio runtime.
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

    /// The cached reports, less than a second old while the database answers; this does not ask it. A fault until they
    /// are read for the first time, and when the database could not be asked for 5 s whether they have changed.
    pub fn reports(&self) -> Result<Arc<Reports>, Fault> {
        self.snapshot.get()
    }

    /// Brings the reports up to date now.
    pub async fn refresh(&self) -> Result<(), Fault> {
        self.snapshot.refresh().await
    }

    /// What a merchant has done.
    pub async fn summary(&self, merchant_id: &str) -> Result<MerchantSummary, MerchantError> {
        // No merchant's id contains NUL, and PostgreSQL rejects a text that does.
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
