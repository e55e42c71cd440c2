//! Activity feeds as a kind of file: what a row is, and how a block of rows is stored.

use csv::ByteRecord;
use sea_orm::DbBackend;

use super::batch::ActivityBatch;
use super::repo::{PostgresRows, SqliteRows};
use super::row::{self, Activity, ActivityLayout};
use crate::db::{Db, Fault};
use crate::imports::{Block, HeaderProblem, Parsed, Rows, Stored};
use crate::values::ImportKind;

/// Stores the rows of activity feeds, each event once, with everything that the reports count.
pub struct ActivityRows(ActivityStore);

enum ActivityStore {
    Postgres(PostgresRows),
    Sqlite(SqliteRows),
}

impl ActivityRows {
    /// Stores into this database.
    #[must_use]
    pub fn new(db: &Db) -> Self {
        Self(match db.backend() {
            DbBackend::Postgres => ActivityStore::Postgres(PostgresRows::new(db)),
            _ => ActivityStore::Sqlite(SqliteRows::new(db)),
        })
    }
}

impl Rows for ActivityRows {
    const KIND: ImportKind = ImportKind::Activities;
    const ONCE: bool = false;
    type Layout = ActivityLayout;
    type Row = Activity;
    type Batch = ActivityBatch;

    fn block_rows(&self) -> usize {
        match self.0 {
            ActivityStore::Postgres(_) => PostgresRows::BLOCK_ROWS,
            ActivityStore::Sqlite(_) => SqliteRows::BLOCK_ROWS,
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
                ActivityStore::Postgres(_) => PostgresRows::BLOCK_ROWS,
                ActivityStore::Sqlite(_) => SqliteRows::PART_ROWS,
            },
        )
    }

    async fn store(&self, block: &Block<ActivityBatch>) -> Result<Stored, Fault> {
        match &self.0 {
            ActivityStore::Postgres(repo) => repo.store(block).await,
            ActivityStore::Sqlite(repo) => repo.store(block).await,
        }
    }
}
