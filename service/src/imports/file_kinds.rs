//! The kinds of files that the bank reads, without their types: what runs an import need not know its rows.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::driver::{self, ImportRun};
use super::error::ImportError;
use super::import::ImportOutcome;
use super::kind::FileKind;
use crate::values::ImportKind;

type RunFuture = Pin<Box<dyn Future<Output = Result<ImportOutcome, ImportError>> + Send>>;

/// A kind of file without its types, for use as a `dyn` trait.
pub(super) trait AnyFileKind: Send + Sync {
    fn is_once_per_content(&self) -> bool;
    fn run(self: Arc<Self>, run: ImportRun) -> RunFuture;
}

impl<K: FileKind> AnyFileKind for K {
    fn is_once_per_content(&self) -> bool {
        K::ONCE_PER_CONTENT
    }

    fn run(self: Arc<Self>, run: ImportRun) -> RunFuture {
        Box::pin(driver::run(self, run))
    }
}

/// The kinds of files that the bank reads.
pub struct FileKinds {
    activities: Arc<dyn AnyFileKind>,
    transactions: Arc<dyn AnyFileKind>,
}

impl FileKinds {
    /// The two kinds, which the bank imports into its reports.
    pub fn new<A: FileKind, T: FileKind>(activities: A, transactions: T) -> Self {
        const {
            assert!(matches!(A::KIND, ImportKind::Activities), "activities come first");
            assert!(matches!(T::KIND, ImportKind::Transactions), "transactions come second");
        }
        Self {
            activities: Arc::new(activities),
            transactions: Arc::new(transactions),
        }
    }

    pub(super) fn of(&self, kind: ImportKind) -> Arc<dyn AnyFileKind> {
        match kind {
            ImportKind::Activities => self.activities.clone(),
            ImportKind::Transactions => self.transactions.clone(),
        }
    }
}
