//! Activities in blocks of few rows, with a hook before and after each block is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use harness::TestBank;
use service::aggregates::{Aggregates, TransactionFiles};
use service::db::{Db, Fault};
use service::imports::{Checkpoint, FileKind, FileKinds, HeaderProblem, Imports, Parsed, Stored};
use service::merchants::{Activity, ActivityBatch, ActivityFiles, ActivityLayout};
use service::values::ImportKind;
use service::workers::Workers;

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// Called with the number of the block; a fault that it returns breaks the import at that moment.
pub type Hook = Arc<dyn Fn(u64, Moment) -> Option<Fault> + Send + Sync>;

/// Called before each row is parsed.
pub type Reading = Arc<dyn Fn() + Send + Sync>;

/// Activities in blocks of `block_rows`. With `ONCE`, equal contents are imported once.
pub struct Small<const ONCE: bool> {
    rows: ActivityFiles,
    block_rows: usize,
    hook: Hook,
    reading: Reading,
    stores: Arc<AtomicU64>,
}

impl<const ONCE: bool> Small<ONCE> {
    pub fn new(db: &Db, block_rows: usize, hook: Hook) -> Self {
        Self {
            rows: ActivityFiles::new(db),
            block_rows,
            hook,
            reading: Arc::new(|| ()),
            stores: Arc::default(),
        }
    }

    /// Calls `reading` before each row is parsed.
    pub fn with_row_hook(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    /// A counter of the blocks that were to be stored.
    pub fn stores(&self) -> Arc<AtomicU64> {
        self.stores.clone()
    }

    /// The imports of a process that reads activities in this way.
    pub fn imports(self, bank: &TestBank, db: &Db) -> Imports {
        let aggregates = Aggregates::new(db.clone(), bank.clock.clone(), None);
        let transactions = TransactionFiles::new(&aggregates, bank.config.currency);
        let kinds = FileKinds::new(self, transactions);
        Imports::new(&bank.config, db.clone(), bank.clock.clone(), kinds, Workers::new())
    }
}

/// A hook that breaks nothing.
pub fn quiet() -> Hook {
    Arc::new(|_, _| None)
}

pub fn broken() -> Fault {
    Fault::broken(std::io::Error::other("the test broke it"))
}

/// A hook that breaks one block at one moment.
pub fn breaking(block: u64, moment: Moment) -> Hook {
    Arc::new(move |number, now| ((number, now) == (block, moment)).then(broken))
}

impl<const ONCE: bool> FileKind for Small<ONCE> {
    const KIND: ImportKind = ImportKind::Activities;
    const ONCE_PER_CONTENT: bool = ONCE;
    type Layout = ActivityLayout;
    type Row = Activity;
    type Batch = ActivityBatch;

    fn block_rows(&self) -> usize {
        self.block_rows
    }

    fn layout(header: &ByteRecord) -> Result<ActivityLayout, HeaderProblem> {
        ActivityFiles::layout(header)
    }

    fn parse(&self, layout: &ActivityLayout, record: &ByteRecord) -> Parsed<Activity> {
        (self.reading)();
        self.rows.parse(layout, record)
    }

    fn batch(&self, rows: Vec<Activity>) -> ActivityBatch {
        self.rows.batch(rows)
    }

    async fn store(&self, checkpoint: &Checkpoint, batch: &ActivityBatch) -> Result<Stored, Fault> {
        self.stores.fetch_add(1, Ordering::Relaxed);
        let number = checkpoint.block_number();
        if let Some(fault) = (self.hook)(number, Moment::Before) {
            return Err(fault);
        }
        let stored = self.rows.store(checkpoint, batch).await?;
        match (self.hook)(number, Moment::After) {
            Some(fault) => Err(fault),
            None => Ok(stored),
        }
    }
}
