//! One-time tokens, each found by the digest of its text. A user has one for each purpose, since a newer one replaces
//! it.

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
CREATE TABLE one_time_tokens (
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    purpose text NOT NULL CHECK (purpose IN ('password', 'email')),
    made_by uuid,
    digest sha256_digest NOT NULL CONSTRAINT one_time_tokens_digest_unique UNIQUE,
    email text,
    CONSTRAINT one_time_tokens_one_of_a_kind UNIQUE (user_id, purpose),
    CONSTRAINT one_time_tokens_last_a_time CHECK (created_at < expires_at),
    CONSTRAINT one_time_tokens_name_what_they_confirm CHECK ((purpose = 'email') = (email IS NOT NULL))
);
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (expires_at);
";

const SQLITE: &str = "
CREATE TABLE one_time_tokens (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('password', 'email')),
    digest BLOB NOT NULL CONSTRAINT one_time_tokens_digest_unique UNIQUE CHECK (length(digest) = 32),
    made_by BLOB,
    email TEXT,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at TEXT,
    CONSTRAINT one_time_tokens_one_of_a_kind UNIQUE (user_id, purpose),
    CONSTRAINT one_time_tokens_last_a_time CHECK (created_at < expires_at),
    CONSTRAINT one_time_tokens_name_what_they_confirm CHECK ((purpose = 'email') = (email IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX one_time_tokens_by_expiry ON one_time_tokens (expires_at);
";
