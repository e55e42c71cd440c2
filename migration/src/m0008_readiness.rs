//! What is written to prove that the database takes writes: on PostgreSQL a row for each proof, until the next one removes
//! it, so that no replica waits for another session's row lock; on SQLite one row.

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
