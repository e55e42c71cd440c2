//! The schema, one step a file. A step never changes once it has been released, and does not use the entities.
//!
//! Steps are plain SQL in both dialects, for the sake of the CHECKs, triggers and storage options.

#![warn(missing_docs)]

use sea_orm_migration::MigrationStatus;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

mod m0001_users;
mod m0002_wallets;
mod m0003_transfers;
mod m0004_entries;
mod m0005_imports;
mod m0006_activities;
mod m0007_aggregates;
mod m0008_readiness;
mod m0009_journal;
mod m0010_holds;
mod m0011_sessions;
mod m0012_api_keys;
mod m0013_audit;
mod m0014_one_time_tokens;
mod m0015_webhooks;
mod m0016_accounting_views;
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
            Box::new(m0008_readiness::Migration),
            Box::new(m0009_journal::Migration),
            Box::new(m0010_holds::Migration),
            Box::new(m0011_sessions::Migration),
            Box::new(m0012_api_keys::Migration),
            Box::new(m0013_audit::Migration),
            Box::new(m0014_one_time_tokens::Migration),
            Box::new(m0015_webhooks::Migration),
            Box::new(m0016_accounting_views::Migration),
        ]
    }
}

/// One step and whether the database has it.
pub struct MigrationStep {
    /// The name of its file, such as `m0001_users`.
    pub name: String,
    /// True when the database has it.
    pub applied: bool,
}

/// Why the schema cannot be read or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Answered when a newer release has migrated the database.
    #[error(
        "the schema is newer than this program: it has the step {step}, and this program knows steps up to {known}"
    )]
    Newer {
        /// The newest applied step that this program does not know.
        step: String,
        /// The newest step that this program knows.
        known: String,
    },
    /// Answered on PostgreSQL when no schema of the `search_path` exists.
    #[error("there is no schema to work in: the search_path of the connection names none that is there")]
    NoSchema,
    /// Answered when the database is out of reach or refuses a statement.
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Applies all missing steps in one transaction, and returns their names. A lock keeps replicas and commands that start
/// at the same time apart.
pub async fn up(db: &DatabaseConnection) -> Result<Vec<String>, SchemaError> {
    up_after(db, || {}).await
}

/// The same; calls `waits` when another process has the lock. The time-outs of requests do not apply, since a step may
/// take longer.
pub async fn up_after(db: &DatabaseConnection, waits: impl Fn()) -> Result<Vec<String>, SchemaError> {
    if missing(db).await?.is_empty() {
        return Ok(Vec::new());
    }
    let tx = match db.get_database_backend() {
        DbBackend::Postgres => {
            let tx = begin_on_postgres(db, waits).await?;
            if !has_schema(&tx).await? {
                return Err(SchemaError::NoSchema);
            }
            tx
        }
        _ => begin_on_sqlite(db, waits).await?,
    };
    // Another process may have applied them while this one waited for the lock.
    let missing = missing(&tx).await?;
    Migrator::up(&tx, None).await?;
    tx.commit().await?;
    Ok(missing)
}

async fn begin_on_postgres(db: &DatabaseConnection, waits: impl Fn()) -> Result<DatabaseTransaction, DbErr> {
    // Each statement has to see what other processes committed during the wait, whatever the database's default is.
    let tx = db.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
    tx.execute_unprepared(
        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
    )
    .await?;
    let look = format!("SELECT pg_try_advisory_xact_lock({LOCK}) AS granted");
    let granted = tx
        .query_one_raw(Statement::from_string(DbBackend::Postgres, look))
        .await?;
    let granted: bool = granted.ok_or_else(no_answer)?.try_get("", "granted")?;
    if !granted {
        waits();
        tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
            .await?;
    }
    Ok(tx)
}

/// True when the `search_path` names a schema that exists.
async fn has_schema(tx: &DatabaseTransaction) -> Result<bool, DbErr> {
    let query = Statement::from_string(DbBackend::Postgres, "SELECT current_schema() IS NOT NULL AS is_there");
    let row = tx.query_one_raw(query).await?;
    row.ok_or_else(no_answer)?.try_get("", "is_there")
}

/// The file's write lock is the lock. SQLite waits for it for `busy_timeout`, which is chosen for requests; a step of
/// another process may take longer, hence the loop.
async fn begin_on_sqlite(db: &DatabaseConnection, waits: impl Fn()) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    loop {
        match db.begin_with_options(options).await {
            Err(error) if is_busy(&error) => waits(),
            begun => return begun,
        }
    }
}

fn is_busy(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let code = error.as_database_error().and_then(|error| error.code().map(Into::into));
    let code: Option<i32> = code.and_then(|code: String| code.parse().ok());
    code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
}

const SQLITE_BUSY: i32 = 5;

fn no_answer() -> DbErr {
    DbErr::RecordNotFound("the database did not answer".to_owned())
}

async fn missing(db: &impl ConnectionTrait) -> Result<Vec<String>, SchemaError> {
    let steps = status(db).await?.into_iter();
    Ok(steps.filter(|step| !step.applied).map(|step| step.name).collect())
}

/// Every step and whether it is applied. Writes nothing.
pub async fn status(db: &impl ConnectionTrait) -> Result<Vec<MigrationStep>, SchemaError> {
    let steps = match Migrator::get_migration_with_status_read_only(db).await {
        Ok(steps) => steps,
        Err(error) => return Err(newer(db).await?.unwrap_or(SchemaError::Database(error))),
    };
    Ok(steps
        .into_iter()
        .map(|step| MigrationStep {
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

/// The key of the advisory lock on PostgreSQL: "florin" in ASCII. It must be the same in every release.
pub const LOCK: i64 = 0x66_6c_6f_72_69_6e;
