//! Sessions: who is signed in, and the hash of the one refresh token of each that may be exchanged.
//!
//! A session is live while it has no end and has not expired. The indexes lead to the live sessions of a user and to the
//! ended ones, to all sessions that ended lately, to those that have expired, and to the admins, one of whom must be left.

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

// No index holds a column that a refresh changes, so that PostgreSQL keeps the new version of the row on its page.
const POSTGRES: &str = "
CREATE TABLE sessions (
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    generation bigint NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    nonce bytea NOT NULL CHECK (length(nonce) = 16),
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    end_reason text CHECK (end_reason IN
        ('signed_out', 'ended_by_owner', 'password_changed', 'suspended', 'role_changed', 'token_reused', 'too_many',
        'erased')),
    address text,
    user_agent text CHECK (length(user_agent) BETWEEN 1 AND 200),
    CONSTRAINT sessions_last_a_time CHECK (created_at < expires_at),
    CONSTRAINT sessions_end_for_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX sessions_live_by_user ON sessions (user_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_unended_by_expiry ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_ended_by_user ON sessions (user_id, id) WHERE ended_at IS NOT NULL;
";

const SQLITE: &str = "
CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    nonce BLOB NOT NULL CHECK (length(nonce) = 16),
    token_hash BLOB NOT NULL CHECK (length(token_hash) = 32),
    generation INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 4294967295),
    created_at TEXT NOT NULL,
    last_used_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at TEXT,
    end_reason TEXT CHECK (end_reason IN
        ('signed_out', 'ended_by_owner', 'password_changed', 'suspended', 'role_changed', 'token_reused', 'too_many',
        'erased')),
    address TEXT,
    user_agent TEXT CHECK (length(user_agent) BETWEEN 1 AND 200),
    CONSTRAINT sessions_last_a_time CHECK (created_at < expires_at),
    CONSTRAINT sessions_end_for_a_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_live_by_user ON sessions (user_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_unended_by_expiry ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_ended_by_user ON sessions (user_id, id) WHERE ended_at IS NOT NULL;
";
