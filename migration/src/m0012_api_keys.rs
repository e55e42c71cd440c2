//! API keys, each found by the digest of its secret, or of the secret before while both are valid.
//!
//! Lists are words with blanks between them: they are short, and are read and written as a whole.

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
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    digest sha256_digest NOT NULL CONSTRAINT api_keys_digest_unique UNIQUE,
    former_digest sha256_digest CONSTRAINT api_keys_former_digest_unique UNIQUE,
    former_ends_at timestamptz,
    scopes text NOT NULL CHECK (length(scopes) BETWEEN 1 AND 1000),
    wallet_ids text CHECK (length(wallet_ids) BETWEEN 36 AND 3699),
    addresses text CHECK (length(addresses) BETWEEN 2 AND 1000),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_former_secret_ends CHECK ((former_digest IS NULL) = (former_ends_at IS NULL)),
    CONSTRAINT api_keys_end_after_they_begin CHECK (expires_at > created_at)
) WITH (fillfactor = 80);
CREATE INDEX api_keys_by_user ON api_keys (user_id, id);
";

const SQLITE: &str = "
CREATE TABLE api_keys (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    digest BLOB NOT NULL CONSTRAINT api_keys_digest_unique UNIQUE CHECK (length(digest) = 32),
    former_digest BLOB CONSTRAINT api_keys_former_digest_unique UNIQUE CHECK (length(former_digest) = 32),
    former_ends_at TEXT,
    scopes TEXT NOT NULL CHECK (length(scopes) BETWEEN 1 AND 1000),
    wallet_ids TEXT CHECK (length(wallet_ids) BETWEEN 36 AND 3699),
    addresses TEXT CHECK (length(addresses) BETWEEN 2 AND 1000),
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT,
    last_used_at TEXT,
    CONSTRAINT api_keys_former_secret_ends CHECK ((former_digest IS NULL) = (former_ends_at IS NULL)),
    CONSTRAINT api_keys_end_after_they_begin CHECK (expires_at > created_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_user ON api_keys (user_id, id);
";
