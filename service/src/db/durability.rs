//! Whether the database keeps what it has reported as durable, and whether it takes writes.

use std::fmt;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{Db, Fault};

/// Settings under which a crash loses or damages what was reported as durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsafeSettings(Vec<String>);

impl fmt::Display for UnsafeSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the database is set to lose what it has reported as durable: {}",
            self.0.join(", ")
        )
    }
}

/// The value that each setting must not have.
const POSTGRES: [(&str, &str); 3] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
];
/// The values that each setting may have; `synchronous` 2 is FULL, 3 EXTRA.
const SQLITE: [(&str, &[&str]); 2] = [("journal_mode", &["wal"]), ("synchronous", &["2", "3"])];

/// A proof inserts a row, and removes earlier rows that no other session has locked.
const REPLACE_PROOFS: &str = "
WITH unlocked AS (SELECT id FROM readiness LIMIT 100 FOR UPDATE SKIP LOCKED),
     removed AS (DELETE FROM readiness USING unlocked WHERE readiness.id = unlocked.id)
INSERT INTO readiness DEFAULT VALUES";

impl Db {
    /// The settings that make the database unsafe now; `None` when all are safe.
    pub async fn unsafe_settings(&self) -> Result<Option<UnsafeSettings>, Fault> {
        let mut found = Vec::new();
        if self.backend() == DbBackend::Postgres {
            for (name, bad) in POSTGRES {
                let value = self
                    .read_text(&format!("SELECT current_setting('{name}') AS value"))
                    .await?;
                if value == bad {
                    found.push(format!("{name} = {value}"));
                }
            }
        } else {
            for (name, good) in SQLITE {
                let query = format!("SELECT CAST({name} AS TEXT) AS value FROM pragma_{name}");
                let value = self.read_text(&query).await?;
                if !good.contains(&value.as_str()) {
                    found.push(format!("{name} = {value}"));
                }
            }
        }
        Ok((!found.is_empty()).then_some(UnsafeSettings(found)))
    }

    /// Proves that the database takes a write, by making one durable. Does not wait for another session's row lock.
    pub async fn prove_writable(&self) -> Result<(), Fault> {
        let statement = match self.backend() {
            DbBackend::Postgres => REPLACE_PROOFS,
            _ => "UPDATE readiness SET proofs = proofs + 1 WHERE id = 1",
        };
        self.write.execute_unprepared(statement).await?;
        Ok(())
    }

    async fn read_text(&self, query: &str) -> Result<String, Fault> {
        let statement = Statement::from_string(self.backend(), query);
        // A setting may differ between connections, so it is read on one that writes: on SQLite the committer uses it
        // too; on PostgreSQL the committer's connections set their own values.
        let row = self.write.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| sea_orm::DbErr::RecordNotFound(query.to_owned()))?;
        Ok(row.try_get("", "value")?)
    }
}
