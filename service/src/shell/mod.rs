//! SQL that a person has typed, on a connection that only reads. The database itself refuses to write. The check of the
//! first word only gives a clearer message. Never uses a connection of the bank.

mod answer;
mod lexer;
mod repo;
mod script;
mod value;
mod views;

pub use answer::{ANSWER_BYTES_MAX, AnswerLimit, SqlAnswer, SqlError, SqlLimits};
pub use script::{Script, ScriptPart};
pub use value::SqlValue;
pub use views::{AccountingView, ColumnKind, VIEWS, ViewColumn};

use std::time::Duration;

use sea_orm::DatabaseConnection;

use crate::db::{OpenError, SqlDialect, open_read_only};

/// How long after its time-out the shell waits for the database to stop a statement.
const GRACE: Duration = Duration::from_secs(5);

/// Reads a database with statements that a person has typed.
pub struct SqlReader {
    pool: DatabaseConnection,
}

impl SqlReader {
    /// Opens a database for reading. Nothing is created or migrated.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let pool = open_read_only(url).await?;
        Ok(Self { pool })
    }

    /// A connection, with which a command checks the schema.
    #[must_use]
    pub fn connection(&self) -> &DatabaseConnection {
        &self.pool
    }

    /// Which dialect the database speaks.
    #[must_use]
    pub fn dialect(&self) -> SqlDialect {
        SqlDialect::of(&self.pool)
    }

    /// Answers one statement. Each has a connection of its own, so nothing that a statement sets, locks or leaves unread
    /// reaches the next one. Dropping the future stops the statement: on SQLite at once, on PostgreSQL after `limits.time`
    /// at the latest.
    pub async fn read(&self, statement: &str, limits: SqlLimits) -> Result<SqlAnswer, SqlError> {
        self.check(statement)?;
        let answer = tokio::time::timeout(limits.time + GRACE, repo::read(&self.pool, statement, limits)).await;
        answer.unwrap_or_else(|_| Err(too_slow(limits)))
    }

    fn check(&self, statement: &str) -> Result<(), SqlError> {
        // Both databases take it for the end of the text, and the driver of SQLite then loops without an end.
        if statement.contains('\0') {
            return Err(SqlError::Refused(
                "a statement cannot contain the character U+0000".to_owned(),
            ));
        }
        let first = script::first_word(statement, self.dialect());
        if first.as_deref().is_some_and(script::is_read_only_word) {
            return Ok(());
        }
        Err(SqlError::NotReadOnly {
            words: script::read_only_words(),
            found: first.unwrap_or_else(|| "no word".to_owned()),
        })
    }

    /// Closes the connections.
    pub async fn close(self) {
        if let Err(error) = self.pool.close().await {
            tracing::debug!(%error, "a pool was closed already");
        }
    }
}

fn too_slow(limits: SqlLimits) -> SqlError {
    SqlError::TooSlow {
        seconds: limits.time.as_secs(),
    }
}
