//! The schema, one step a file. A step never changes once it has been released, and knows nothing of the entities.
//!
//! Steps are plain SQL in both dialects, since the CHECKs, triggers and storage options are the point of them.

use sea_orm_migration::MigrationStatus;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, SqliteTransactionMode, TransactionOptions, TransactionTrait,
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

/// Applies what is missing, all of it or nothing, under a lock that replicas and commands which start at once share.
pub async fn up(db: &DatabaseConnection) -> Result<(), DbErr> {
    if status(db).await?.iter().all(|step| step.applied) {
        return Ok(());
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
    Migrator::up(&tx, None).await?;
    tx.commit().await
}

/// Every step and whether it is applied. Writes nothing.
pub async fn status(db: &DatabaseConnection) -> Result<Vec<Step>, DbErr> {
    let steps = Migrator::get_migration_with_status_read_only(db).await?;
    Ok(steps
        .into_iter()
        .map(|step| Step {
            name: step.name().to_owned(),
            applied: step.status() == MigrationStatus::Applied,
        })
        .collect())
}

/// Any number will do, as long as it stays the same: "florin" in ASCII.
const LOCK: i64 = 0x66_6c_6f_72_69_6e;
