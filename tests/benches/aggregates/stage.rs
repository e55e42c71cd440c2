//! A database, with or without Redis, for one import. Afterwards the daily totals are compared with the file.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::Backend;
use harness::servers::PostgresServer;
use secrecy::SecretString;
use service::aggregates::{Aggregates, Day, DayRange};
use service::clock::SystemClock;
use service::db::Db;
use service::redis::Redis;
use service::values::Currency;
use tempfile::TempDir;

use crate::feed::Feed;

pub struct Stage {
    url: String,
    redis_url: Option<String>,
    folder: TempDir,
}

impl Stage {
    /// A new, migrated database.
    pub async fn new(backend: Backend, postgres: &PostgresServer, redis_url: Option<String>) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir()?;
        let url = match backend {
            Backend::Sqlite => format!("sqlite://{}", folder.path().join("florin.db").display()),
            Backend::Postgres => {
                let name = format!("aggregates_{}", COUNT.fetch_add(1, Ordering::Relaxed));
                postgres.create_database(&name).await?;
                postgres.url(&name)
            }
        };
        let db = Db::connect(&url).await?;
        migration::up(&db.write).await?;
        db.close().await;
        Ok(Self { url, redis_url, folder })
    }

    /// Imports the file and returns the import's time. Fails unless the daily totals are those of the file.
    pub async fn import(&self, program: &Path, feed: &Feed) -> Result<Duration> {
        let mut command = Command::new(program);
        command
            .args(["import", "transactions"])
            .arg(&feed.path)
            .env("FLORIN_DATABASE_URL", &self.url)
            .env("FLORIN_DATA_DIR", self.folder.path())
            .env("FLORIN_LOG", "warn")
            .stdout(Stdio::null());
        if let Some(url) = &self.redis_url {
            command.env("FLORIN_REDIS_URL", url);
        }
        let began = Instant::now();
        let status = command.status().context("the program starts")?;
        let elapsed = began.elapsed();
        ensure!(status.success(), "the import ended with {status}");
        self.check(feed).await?;
        Ok(elapsed)
    }

    async fn check(&self, feed: &Feed) -> Result<()> {
        let redis = self.redis_url.clone().map(SecretString::from);
        let redis = redis.as_ref().map(Redis::try_new).transpose()?;
        let db = Db::connect(&self.url).await?;
        let aggregates = Aggregates::new(db.clone(), Arc::new(SystemClock), redis);
        let day = |text| Day::parse(text).context("this is a day");
        let days = DayRange::try_new(day("2026-01-01")?, day("2026-01-31")?)?;
        let currency = Currency::from_code("USD").context("this is a currency")?;
        let totals = aggregates.daily(days, currency).await?;
        let (mut units, mut count) = (0, 0);
        for (_, sum) in totals.iter() {
            units += sum.units.unsigned_abs();
            count += sum.count;
        }
        ensure!(
            (units, count) == (feed.units, feed.rows),
            "{count} rows with {units} ten-thousandths"
        );
        db.close().await;
        Ok(())
    }
}
