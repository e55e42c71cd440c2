//! Opening the bank for a command: connect, migrate, start the services.

use std::sync::Arc;

use anyhow::Context;
use service::Services;
use service::clock::Clock;
use service::config::Config;
use service::db::{self, ConnectSettings, Db};
use service::ledger::bank_clock;

/// The services of one process.
pub type Bank = Arc<Services>;

/// The services of one process, and the bank's clock.
pub struct ClockedBank {
    pub services: Bank,
    pub clock: Arc<dyn Clock>,
}

/// Connects to the database, brings its schema up to date and starts the services.
pub async fn open(config: &Config) -> anyhow::Result<Bank> {
    let db = connect(config).await?;
    Ok(start(config, db).await?.services)
}

/// Like `open`, with a clock in the place of the bank's own.
pub async fn open_at(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Bank> {
    let db = connect(config).await?;
    let services = Services::start(config, db, clock).context("cannot start the bank")?;
    Ok(Arc::new(services))
}

/// Like `open`, for a command that needs a bank to look at: it does not make a missing SQLite file.
pub async fn open_existing(config: &Config) -> anyhow::Result<ClockedBank> {
    let db = connect_existing(config).await?;
    start(config, db).await
}

async fn start(config: &Config, db: Db) -> anyhow::Result<ClockedBank> {
    let clock = bank_clock(&db).await.context("cannot read the bank's clock")?;
    let services = Services::start(config, db, clock.clone()).context("cannot start the bank")?;
    Ok(ClockedBank {
        services: Arc::new(services),
        clock,
    })
}

/// Connects and brings the schema up to date.
pub async fn connect(config: &Config) -> anyhow::Result<Db> {
    up_to_date(db::open(&config.database_url, connect_settings(config)).await?, config).await
}

/// Like `connect`, for a command that only reads a bank: it does not make a missing SQLite file.
pub async fn connect_existing(config: &Config) -> anyhow::Result<Db> {
    let db = db::open_existing(&config.database_url, connect_settings(config)).await?;
    up_to_date(db, config).await
}

/// The connection settings of a configuration.
pub fn connect_settings(config: &Config) -> ConnectSettings {
    ConnectSettings {
        generic_plans: config.generic_plans,
    }
}

async fn up_to_date(db: Db, config: &Config) -> anyhow::Result<Db> {
    refuse_unsafe(&db, config).await?;
    let waits = || tracing::info!("another process is bringing the schema up to date; waiting for it");
    let applied = migration::up_after(&db.write, waits)
        .await
        .context("cannot bring the schema up to date")?;
    if let Some(newest) = applied.last() {
        tracing::info!(steps = applied.len(), newest, "brought the schema up to date");
    }
    Ok(db)
}

/// Refuses a database that may lose commits which the bank has reported as durable, unless the configuration allows it.
async fn refuse_unsafe(db: &Db, config: &Config) -> anyhow::Result<()> {
    let found = db
        .unsafe_settings()
        .await
        .context("cannot read the database's settings")?;
    match found {
        Some(settings) if config.allows_unsafe_database => tracing::debug!("{settings}"),
        Some(settings) => anyhow::bail!("{settings}; mend that, or allow it with FLORIN_UNSAFE_DATABASE=allow"),
        None => {}
    }
    Ok(())
}
