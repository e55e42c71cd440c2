//! How much there is to do in the background, by kind of file: from the moment that somebody comes with a file until it is
//! done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::values::ImportKind;

/// Files that arrive, wait or are being imported.
#[derive(Default)]
pub(super) struct Load {
    activities: AtomicUsize,
    transactions: AtomicUsize,
}

/// One of them; counted as long as it lives.
pub(super) struct Counted {
    load: Arc<Load>,
    kind: ImportKind,
}

impl Load {
    /// Counts a file.
    pub fn count(self: &Arc<Self>, kind: ImportKind) -> Counted {
        self.number(kind).fetch_add(1, Ordering::Relaxed);
        Counted {
            load: self.clone(),
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

impl Drop for Counted {
    fn drop(&mut self) {
        self.load.number(self.kind).fetch_sub(1, Ordering::Relaxed);
    }
}
