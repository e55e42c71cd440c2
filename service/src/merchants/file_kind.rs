//! Activity feeds as a kind of file: what a row is, and how a block of rows is stored.

use csv::ByteRecord;
use sea_orm::DbBackend;

use super::batch::ActivityBatch;
use super::repo::{PostgresActivityStore, SqliteActivityStore};
use super::row::{self, Activity, ActivityLayout};
use crate::db::{Db, Fault};
use crate::imports::{Checkpoint, FileKind, HeaderProblem, Parsed, Stored};
use crate::values::ImportKind;

/// Stores the rows of activity feeds, each event once, with everything that the reports count.
pub struct ActivityFiles(ActivityStore);

enum ActivityStore {
    Postgres(PostgresActivityStore),
    Sqlite(SqliteActivityStore),
}

impl ActivityFiles {
    /// Stores into this database.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        Self(match db.backend() {
            DbBackend::Postgres => ActivityStore::Postgres(PostgresActivityStore::new(db)),
            _ => ActivityStore::Sqlite(SqliteActivityStore::new(db)),
        })
    }
}

impl FileKind for ActivityFiles {
    const KIND: ImportKind = ImportKind::Activities;
    const ONCE_PER_CONTENT: bool = false;
    type Layout = ActivityLayout;
    type Row = Activity;
    type Batch = ActivityBatch;

    fn block_rows(&self) -> usize {
        match self.0 {
            ActivityStore::Postgres(_) => PostgresActivityStore::BLOCK_ROWS,
            ActivityStore::Sqlite(_) => SqliteActivityStore::BLOCK_ROWS,
        }
    }

    fn layout(header: &ByteRecord) -> Result<ActivityLayout, HeaderProblem> {
        ActivityLayout::of(header)
    }

    fn parse(&self, layout: &ActivityLayout, record: &ByteRecord) -> Parsed<Activity> {
        row::parse(layout, record)
    }

    fn batch(&self, rows: Vec<Activity>) -> ActivityBatch {
        ActivityBatch::new(
            rows,
            match self.0 {
                ActivityStore::Postgres(_) => PostgresActivityStore::BLOCK_ROWS,
                ActivityStore::Sqlite(_) => SqliteActivityStore::PART_ROWS,
            },
        )
    }

    async fn store(&self, checkpoint: &Checkpoint, batch: &ActivityBatch) -> Result<Stored, Fault> {
        match &self.0 {
            ActivityStore::Postgres(store) => store.store(checkpoint, batch).await,
            ActivityStore::Sqlite(store) => store.store(checkpoint, batch).await,
        }
    }
}
