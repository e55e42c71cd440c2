//! What a database error means for the caller: try again, come back later, or our bug.

use std::error::Error;
use std::sync::Arc;

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr};

/// Something broke. Nothing of what was asked was done, unless the kind is `Unreachable` and a commit was under way.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", kind.sentence())]
pub struct Fault {
    pub kind: FaultKind,
    #[source]
    source: Arc<dyn Error + Send + Sync>,
}

/// What can be done about a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The database, or Redis where it is needed, cannot be reached or is going away.
    Unreachable,
    /// Another writer was in the way; nothing was written and the same work may be tried again at once.
    Conflict,
    /// A unique constraint, by name, already holds the value.
    Unique(String),
    /// A CHECK, a foreign key or another rule of the schema refused a row.
    Constraint,
    /// The batch was decided on a wallet that has changed since.
    Stale,
    /// Anything else: our bug, a full disk, a damaged file.
    Broken,
}

impl FaultKind {
    fn sentence(&self) -> &'static str {
        match self {
            Self::Unreachable => "a store is out of reach",
            Self::Conflict => "another writer was in the way",
            Self::Unique(_) => "a unique value is taken",
            Self::Constraint => "the schema refused a row",
            Self::Stale => "a wallet changed in the meantime",
            Self::Broken => "the database could not do what was asked",
        }
    }
}

impl Fault {
    /// A fault that no retry will mend.
    pub fn broken(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FaultKind::Broken,
            source: Arc::new(source),
        }
    }

    /// Somebody else was at it; the same work may be tried again at once.
    pub fn conflict(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FaultKind::Conflict,
            source: Arc::new(source),
        }
    }

    /// A store beside the database is out of reach.
    pub fn unreachable(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FaultKind::Unreachable,
            source: Arc::new(source),
        }
    }

    /// True when a unique constraint refused the write and its name, or on SQLite its columns, contain `part`.
    #[must_use]
    pub fn is_unique_violation_of(&self, part: &str) -> bool {
        matches!(&self.kind, FaultKind::Unique(name) if name.contains(part))
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self {
            kind: kind_of(&error),
            source: Arc::new(error),
        }
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        let kind = match &error {
            DbErr::Conn(RuntimeErr::SqlxError(inner))
            | DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner)) => kind_of(inner),
            DbErr::ConnectionAcquire(_) => FaultKind::Unreachable,
            _ => FaultKind::Broken,
        };
        Self {
            kind,
            source: Arc::new(error),
        }
    }
}

fn kind_of(error: &sqlx::Error) -> FaultKind {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            if database.is_unique_violation() {
                return FaultKind::Unique(database.constraint().unwrap_or(database.message()).to_owned());
            }
            if database.is_check_violation() || database.is_foreign_key_violation() {
                return FaultKind::Constraint;
            }
            if database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                sqlite_kind(&code)
            } else {
                postgres_kind(&code)
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => FaultKind::Unreachable,
        _ => FaultKind::Broken,
    }
}

/// PostgreSQL: by SQLSTATE.
fn postgres_kind(code: &str) -> FaultKind {
    match code {
        // Serialization failure, deadlock, lock not available within lock_timeout.
        "40001" | "40P01" | "55P03" => FaultKind::Conflict,
        // Only the committer divides, and by zero only when a version check failed.
        "22012" => FaultKind::Stale,
        // Too many connections, shutdown, crash of another backend, still starting, statement_timeout.
        "53300" | "57P01" | "57P02" | "57P03" | "57014" | "40003" => FaultKind::Unreachable,
        _ if code.starts_with("08") => FaultKind::Unreachable,
        _ if code.starts_with("23") => FaultKind::Constraint,
        // Numbers out of range, bytes that are no text: one bad row, not a broken database.
        _ if code.starts_with("22") => FaultKind::Constraint,
        _ => FaultKind::Broken,
    }
}

/// SQLite: the low byte of an extended result code is the primary one.
fn sqlite_kind(code: &str) -> FaultKind {
    const BUSY: i32 = 5;
    const LOCKED: i32 = 6;
    const CONSTRAINT: i32 = 19;
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(BUSY | LOCKED) => FaultKind::Conflict,
        Ok(CONSTRAINT) => FaultKind::Constraint,
        _ => FaultKind::Broken,
    }
}
