//! The table that proves that the database takes writes. On PostgreSQL each proof inserts a row and the next one
//! removes it, so that no replica waits for another session's row lock. On SQLite there is one row, which each proof
//! updates.

use sea_orm_migration::prelude::*;

use crate::sql::{Dialects, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            Dialects {
                postgres: POSTGRES,
                sqlite: SQLITE,
            },
        )
        .await
    }
}

const POSTGRES: &str = "
CREATE TABLE readiness (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
";

const SQLITE: &str = "
CREATE TABLE readiness (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), proofs INTEGER NOT NULL) STRICT;
INSERT INTO readiness (id, proofs) VALUES (1, 0);
";
