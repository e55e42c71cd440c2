//! What an error of the database means for the caller: try again, come back later, or a bug of ours.

use std::error::Error;
use std::sync::Arc;

use sea_orm::sqlx;
use sea_orm::sqlx::error::DatabaseError;
use sea_orm::{DbErr, RuntimeErr};

/// A failure, as opposed to a refusal by a rule. Nothing of the request was done, unless the kind is `OutcomeUnknown`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", kind.sentence())]
pub struct Fault {
    /// What went wrong, by what can be done about it.
    pub kind: FaultKind,
    /// True when a COMMIT that ended with this fault may have happened all the same.
    leaves_doubt: bool,
    #[source]
    source: Arc<dyn Error + Send + Sync>,
}

/// What can be done about a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The database, or Redis where it is needed, cannot be reached, is shutting down, or cannot do the work now.
    Unreachable,
    /// The connection was lost around a commit, which may have happened.
    OutcomeUnknown,
    /// A lock was not granted in time; nothing was written.
    Locked,
    /// Another writer was in the way; nothing was written and the same work may be tried again at once.
    Conflict,
    /// The value is already there. Holds the name of the unique constraint; on SQLite a text with its columns.
    Unique(String),
    /// A foreign key refused a row that names a missing row of another table.
    ForeignKey,
    /// A CHECK or another rule of the schema refused a row, or a value was not valid.
    Constraint,
    /// The journal's head has moved, another process has the turn, or the commit's time is ahead of the database's
    /// clock; nothing was written.
    Stale,
    /// A wallet differs from what the batch was decided on though the head has not moved: another session changed it.
    WalletChanged,
    /// This process' clock and the database's contradict each other; nothing was written.
    Skew,
    /// Anything else: a bug of ours, or a damaged file.
    Broken,
}

impl FaultKind {
    fn sentence(&self) -> &'static str {
        match self {
            Self::Unreachable => "a store is out of reach",
            Self::OutcomeUnknown => "the connection was lost around a commit",
            Self::Locked => "a lock was not granted in time",
            Self::Conflict => "another writer was in the way",
            Self::Unique(_) => "a unique value is taken",
            Self::ForeignKey => "a row that another one names is not there",
            Self::Constraint => "the schema refused a row",
            Self::Stale => "the books moved on in the meantime",
            Self::WalletChanged => "a wallet was changed in the meantime",
            Self::Skew => "this machine's clock and the database's contradict each other",
            Self::Broken => "the database could not do what was asked",
        }
    }
}

impl Fault {
    /// A fault that no retry can repair.
    pub fn broken(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FaultKind::Broken,
            leaves_doubt: false,
            source: Arc::new(source),
        }
    }

    /// A stored value that this program cannot have written.
    #[must_use]
    pub fn damaged(what: &str) -> Self {
        Self::broken(DbErr::Type(format!("the database holds {what}, which cannot be read")))
    }

    /// Another writer was in the way; the same work may be tried again at once.
    pub fn conflict(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FaultKind::Conflict,
            leaves_doubt: false,
            source: Arc::new(source),
        }
    }

    /// The server has stopped answering: a statement that was sent may have been executed.
    pub fn lost(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FaultKind::Unreachable,
            leaves_doubt: true,
            source: Arc::new(source),
        }
    }

    /// A wallet that a batch was decided on has changed since; nothing was written.
    pub fn wallet_changed() -> Self {
        Self {
            kind: FaultKind::WalletChanged,
            leaves_doubt: false,
            source: Arc::new(DbErr::RecordNotUpdated),
        }
    }

    /// This process' clock is so many milliseconds ahead of the database's (negative: behind); nothing was written.
    pub fn clock_skew(ahead_ms: i64) -> Self {
        Self {
            kind: FaultKind::Skew,
            leaves_doubt: false,
            source: Arc::new(DbErr::Custom(format!("this process' clock is {ahead_ms} ms ahead"))),
        }
    }

    /// A store beside the database is out of reach.
    pub fn unreachable(source: impl Error + Send + Sync + 'static) -> Self {
        Self {
            kind: FaultKind::Unreachable,
            leaves_doubt: false,
            source: Arc::new(source),
        }
    }

    /// The same fault on a COMMIT, or on a statement that is its own transaction: where the answer was lost, the
    /// outcome is unknown.
    #[must_use]
    pub fn of_commit(self) -> Self {
        let kind = if self.leaves_doubt {
            FaultKind::OutcomeUnknown
        } else {
            self.kind
        };
        Self { kind, ..self }
    }

    /// True when another writer was in the way, so that the same work may be tried again at once.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind, FaultKind::Conflict | FaultKind::Locked)
    }

    /// True when the same work may succeed once the store is back.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        matches!(self.kind, FaultKind::Unreachable | FaultKind::OutcomeUnknown)
    }

    /// True when a unique constraint refused the write and its name, or on SQLite its columns, contain `part`.
    #[must_use]
    pub fn is_unique_violation_of(&self, part: &str) -> bool {
        matches!(&self.kind, FaultKind::Unique(name) if name.contains(part))
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let (kind, leaves_doubt) = (kind_of(&error), leaves_doubt(&error));
        Self {
            kind,
            leaves_doubt,
            source: Arc::new(error),
        }
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        let (kind, leaves_doubt) = match &error {
            DbErr::Conn(RuntimeErr::SqlxError(inner))
            | DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner)) => (kind_of(inner), leaves_doubt(inner)),
            DbErr::ConnectionAcquire(_) => (FaultKind::Unreachable, false),
            _ => (FaultKind::Broken, false),
        };
        Self {
            kind,
            leaves_doubt,
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
            if database.is_foreign_key_violation() {
                return FaultKind::ForeignKey;
            }
            if database.is_check_violation() {
                return FaultKind::Constraint;
            }
            if is_of_sqlite(database.as_ref()) {
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

/// Whether a COMMIT that ended with this error may have happened. An error that PostgreSQL answered means that it did
/// not, unless the server or the session was being ended: it may have been waiting for a standby then, with the commit
/// already made.
fn leaves_doubt(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) if is_of_sqlite(database.as_ref()) => {
            sqlite_leaves_doubt(&database.code().unwrap_or_default())
        }
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            matches!(&*code, "40003" | "57P01" | "57P02") || code.starts_with("08")
        }
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => false,
        _ => true,
    }
}

fn is_of_sqlite(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
}

/// PostgreSQL: by SQLSTATE.
fn postgres_kind(code: &str) -> FaultKind {
    // Temporary: connection errors (08), a password that changed (28), too many connections or a full disk (53),
    // shutdown, crash of another backend, still starting, statement_timeout (57), an I/O error (58).
    const OUT_OF_REACH: [&str; 5] = ["08", "28", "53", "57", "58"];
    match code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => FaultKind::Conflict,
        "55P03" => FaultKind::Locked,
        // Raised by `florin_stale` in the committer's statement.
        "FL001" => FaultKind::Stale,
        "FL002" => FaultKind::WalletChanged,
        // A server that became read-only, as a demoted primary does; a session or transaction that the server ended.
        "25006" | "25P03" | "25P04" | "40003" => FaultKind::Unreachable,
        _ if OUT_OF_REACH.iter().any(|class| code.starts_with(class)) => FaultKind::Unreachable,
        _ if code.starts_with("23") => FaultKind::Constraint,
        // Numbers out of range, bytes that are not text: one bad row, not a broken database.
        _ if code.starts_with("22") => FaultKind::Constraint,
        _ => FaultKind::Broken,
    }
}

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const CONSTRAINT: i32 = 19;
const IOERR_WRITE: i32 = 778;

/// Whether a COMMIT of SQLite that ended with this code may have happened. It did not when the file was locked, when a
/// constraint refused it, or when a write failed, since the frame of the WAL that makes the commit is written last.
/// After any other fault, such as a failed flush, that frame may be in the file.
fn sqlite_leaves_doubt(code: &str) -> bool {
    match code.parse::<i32>() {
        Ok(IOERR_WRITE) => false,
        Ok(code) => !matches!(code & 0xff, BUSY | LOCKED | FULL | CONSTRAINT),
        Err(_) => true,
    }
}

/// SQLite: the low byte of an extended result code is the primary one.
fn sqlite_kind(code: &str) -> FaultKind {
    match code.parse::<i32>().map(|code| code & 0xff) {
        Ok(BUSY | LOCKED) => FaultKind::Conflict,
        Ok(READONLY | IOERR | FULL | CANTOPEN) => FaultKind::Unreachable,
        Ok(CONSTRAINT) => FaultKind::Constraint,
        _ => FaultKind::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_cannot_do_now_is_out_of_reach() {
        for code in [
            "25006", "28P01", "53100", "53300", "57P01", "57014", "58030", "08006", "40003",
        ] {
            assert_eq!(postgres_kind(code), FaultKind::Unreachable, "{code}");
        }
        for (code, kind) in [
            ("55P03", FaultKind::Locked),
            ("40P01", FaultKind::Conflict),
            ("23514", FaultKind::Constraint),
            ("42P01", FaultKind::Broken),
            ("25P02", FaultKind::Broken),
        ] {
            assert_eq!(postgres_kind(code), kind, "{code}");
        }
        // Primary and extended result codes.
        for code in ["13", "10", "778", "8", "14"] {
            assert_eq!(sqlite_kind(code), FaultKind::Unreachable, "{code}");
        }
    }

    #[test]
    fn a_commit_is_in_doubt_only_where_its_answer_was_lost() {
        let lost = Fault::from(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert_eq!(lost.of_commit().kind, FaultKind::OutcomeUnknown);
        let refused = Fault::from(sqlx::Error::PoolTimedOut);
        assert_eq!(refused.of_commit().kind, FaultKind::Unreachable);
        // A full disk, a file-size limit, a locked file, a deferred foreign key.
        for code in ["13", "778", "5", "787"] {
            assert!(!sqlite_leaves_doubt(code), "{code}");
        }
        // A flush that failed, the shared memory that could not grow.
        for code in ["1034", "4874", "10", "11"] {
            assert!(sqlite_leaves_doubt(code), "{code}");
        }
    }
}
