//! Files that are arriving, waiting or being imported, counted by kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::values::ImportKind;

/// Files that arrive, wait or are being imported.
#[derive(Default)]
pub(super) struct PendingFiles {
    activities: AtomicUsize,
    transactions: AtomicUsize,
}

/// One pending file; counted until it is dropped.
pub(super) struct PendingFile {
    files: Arc<PendingFiles>,
    kind: ImportKind,
}

impl PendingFiles {
    /// Counts a file.
    pub fn count(self: &Arc<Self>, kind: ImportKind) -> PendingFile {
        self.number(kind).fetch_add(1, Ordering::Relaxed);
        PendingFile {
            files: self.clone(),
            kind,
        }
    }

    /// Files of a kind.
    pub fn of(&self, kind: ImportKind) -> usize {
        self.number(kind).load(Ordering::Relaxed)
    }

    /// Files of every kind.
    pub fn all(&self) -> usize {
        self.of(ImportKind::Activities) + self.of(ImportKind::Transactions)
    }

    fn number(&self, kind: ImportKind) -> &AtomicUsize {
        match kind {
            ImportKind::Activities => &self.activities,
            ImportKind::Transactions => &self.transactions,
        }
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        self.files.number(self.kind).fetch_sub(1, Ordering::Relaxed);
    }
}
