//! Opening the bank for a command: connect, migrate, start the services.

use std::sync::Arc;

use anyhow::Context;
use service::Services;
use service::clock::SystemClock;
use service::config::Config;
use service::db::{self, Db};

/// The services of one process.
pub type Bank = Arc<Services>;

/// Opens the bank on its database, migrated.
pub async fn open(config: &Config) -> anyhow::Result<Bank> {
    let db = connect(config).await?;
    let services = Services::start(config, db, Arc::new(SystemClock)).context("cannot start the bank")?;
    Ok(Arc::new(services))
}

/// Connects and brings the schema up to date.
pub async fn connect(config: &Config) -> anyhow::Result<Db> {
    let db = db::open(&config.database_url).await?;
    let applied = migration::up(&db.write)
        .await
        .context("cannot bring the schema up to date")?;
    if let Some(newest) = applied.last() {
        tracing::info!(steps = applied.len(), newest, "brought the schema up to date");
    }
    Ok(db)
}

/// Answers what was accepted and closes everything.
pub async fn close(bank: Bank) {
    match Arc::try_unwrap(bank) {
        Ok(services) => services.stop().await,
        // A request outlived its grace time and still holds the services; the process ends under it.
        Err(_) => tracing::warn!("a request was still running at the end"),
    }
}
