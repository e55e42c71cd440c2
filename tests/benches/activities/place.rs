//! A database on disk, durable as in production, and the program to measure on it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use harness::Backend;
use harness::servers::{Durability, PostgresServer};
use sea_orm::{ConnectionTrait, Statement};
use service::db::Db;
use tempfile::TempDir;

/// A migrated database.
pub struct Place {
    pub backend: Backend,
    pub program: PathBuf,
    pub folder: TempDir,
    pub url: String,
    pub server: Option<PostgresServer>,
    db: Db,
}

const DATABASE: &str = "bench";

/// Room for a whole run, so that no checkpoint disturbs a measurement. Commits are as durable as without them.
const SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "1GB"),
    ("max_wal_size", "16GB"),
    ("checkpoint_timeout", "1h"),
];

impl Place {
    pub async fn new(backend: Backend, program: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("florin-bench-")
            .tempdir_in("/var/tmp")?;
        let (server, url) = match backend {
            Backend::Postgres => {
                let server = PostgresServer::start(Durability::Durable, SETTINGS).await?;
                server.create_database(DATABASE).await?;
                let url = server.url(DATABASE);
                (Some(server), url)
            }
            Backend::Sqlite => (None, format!("sqlite://{}", folder.path().join("florin.db").display())),
        };
        let db = Db::connect(&url).await.context("the database opens")?;
        migration::up(&db.write).await?;
        Ok(Self {
            backend,
            program: program.to_owned(),
            folder,
            url,
            server,
            db,
        })
    }

    /// Deletes every row, so that each run begins with empty tables.
    pub async fn forget(&self) -> Result<()> {
        let statements = match self.backend {
            Backend::Postgres => {
                "DROP TABLE IF EXISTS bare; CREATE TABLE bare (LIKE activities INCLUDING INDEXES);
                TRUNCATE activities, merchants, merchant_months, report_counts, imports, import_rejects;
                UPDATE merchant_ranking SET version = version + 1, ranking = '{\"leaders\":[],\"floor\":null}';
                CHECKPOINT;"
            }
            Backend::Sqlite => {
                "DELETE FROM activities; DELETE FROM merchants; DELETE FROM merchant_months; DELETE FROM report_counts;
                DELETE FROM activity_parts; DELETE FROM imports;
                UPDATE merchant_ranking SET version = version + 1, ranking = '{\"leaders\":[],\"floor\":null}';
                PRAGMA wal_checkpoint(TRUNCATE);"
            }
        };
        for statement in statements.split(';').filter(|statement| !statement.trim().is_empty()) {
            self.db.write.execute_unprepared(statement).await?;
        }
        if self.backend == Backend::Sqlite {
            self.db.write.execute_unprepared("VACUUM").await?;
            self.db
                .write
                .execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
                .await?;
        }
        Ok(())
    }

    /// The number of stored rows.
    pub async fn rows(&self) -> Result<u64> {
        let statement = Statement::from_string(self.db.backend(), "SELECT count(*) AS n FROM activities");
        let row = self.db.read.query_one_raw(statement).await?.context("a count")?;
        Ok(u64::try_from(row.try_get::<i64>("", "n")?)?)
    }

    pub async fn close(self) -> Result<()> {
        self.db.close().await;
        match self.server {
            Some(server) => server.stop(),
            None => Ok(()),
        }
    }
}
