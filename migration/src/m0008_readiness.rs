//! One row that is written to prove that the database takes writes.

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
CREATE TABLE readiness (id smallint PRIMARY KEY CHECK (id = 1), proofs bigint NOT NULL);
INSERT INTO readiness (id, proofs) VALUES (1, 0);
";

const SQLITE: &str = "
CREATE TABLE readiness (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), proofs INTEGER NOT NULL) STRICT;
INSERT INTO readiness (id, proofs) VALUES (1, 0);
";
