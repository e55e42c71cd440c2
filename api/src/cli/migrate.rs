//! `florin migrate`: the schema, step by step.

use anyhow::Context;
use clap::Subcommand;
use service::db;

use super::{Ending, Settings, bank, print};

#[derive(Debug, Subcommand)]
pub enum MigrateAction {
    /// Apply every step that is missing
    Up,
    /// List the steps and which are applied
    Status,
}

pub async fn run(settings: &Settings, action: MigrateAction) -> anyhow::Result<Ending> {
    let config = settings.config()?;
    let db = match action {
        MigrateAction::Up => bank::connect(&config).await?,
        MigrateAction::Status => db::open(&config.database_url, bank::connect_settings(&config)).await?,
    };
    for step in migration::status(&db.write)
        .await
        .context("cannot read the schema's state")?
    {
        print(format_args!(
            "{} {}",
            if step.applied { "applied" } else { "missing" },
            step.name
        ))?;
    }
    db.close().await;
    Ok(Ending::Done)
}
