//! The schema, one step a file. A step never changes once it has been released, and knows nothing of the entities.
//!
//! Steps are plain SQL in both dialects, since the CHECKs, triggers and storage options are the point of them.

use sea_orm_migration::MigrationStatus;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait,
};

mod m0001_users;
mod m0002_wallets;
mod m0003_transfers;
mod m0004_entries;
mod m0005_imports;
mod m0006_activities;
mod m0007_aggregates;
mod sql;

/// Every step, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_users::Migration),
            Box::new(m0002_wallets::Migration),
            Box::new(m0003_transfers::Migration),
            Box::new(m0004_entries::Migration),
            Box::new(m0005_imports::Migration),
            Box::new(m0006_activities::Migration),
            Box::new(m0007_aggregates::Migration),
        ]
    }
}

/// One step and whether the database has it.
pub struct Step {
    pub name: String,
    pub applied: bool,
}

/// Why the schema cannot be read or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(
        "the schema is newer than this program: it has the step {step}, and this program knows steps up to {known}"
    )]
    Newer { step: String, known: String },
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Applies what is missing, all of it or nothing, under a lock that replicas and commands which start at once share; gives
/// the names of the steps that it applied.
pub async fn up(db: &DatabaseConnection) -> Result<Vec<String>, SchemaError> {
    if missing(db).await?.is_empty() {
        return Ok(Vec::new());
    }
    let options = TransactionOptions {
        // SQLite: the file's write lock is the lock.
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let tx = db.begin_with_options(options).await?;
    if db.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
            .await?;
    }
    // Another process may have applied them while this one waited for the lock.
    let missing = missing(&tx).await?;
    Migrator::up(&tx, None).await?;
    tx.commit().await?;
    Ok(missing)
}

async fn missing(db: &impl ConnectionTrait) -> Result<Vec<String>, SchemaError> {
    let steps = status(db).await?.into_iter();
    Ok(steps.filter(|step| !step.applied).map(|step| step.name).collect())
}

/// Every step and whether it is applied. Writes nothing.
pub async fn status(db: &impl ConnectionTrait) -> Result<Vec<Step>, SchemaError> {
    let steps = match Migrator::get_migration_with_status_read_only(db).await {
        Ok(steps) => steps,
        Err(error) => return Err(newer(db).await?.unwrap_or(SchemaError::Database(error))),
    };
    Ok(steps
        .into_iter()
        .map(|step| Step {
            name: step.name().to_owned(),
            applied: step.status() == MigrationStatus::Applied,
        })
        .collect())
}

/// The newest applied step that this program does not know.
async fn newer(db: &impl ConnectionTrait) -> Result<Option<SchemaError>, DbErr> {
    let names = Statement::from_string(
        db.get_database_backend(),
        "SELECT version FROM seaql_migrations ORDER BY version DESC",
    );
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    for row in db.query_all_raw(names).await? {
        let step: String = row.try_get_by_index(0)?;
        if !known.contains(&step) {
            let known = known.last().cloned().unwrap_or_default();
            return Ok(Some(SchemaError::Newer { step, known }));
        }
    }
    Ok(None)
}

/// Any number will do, as long as it stays the same: "florin" in ASCII.
const LOCK: i64 = 0x66_6c_6f_72_69_6e;
