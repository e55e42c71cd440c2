//! Users, unique by e-mail. A customer's row has the currency of the first wallet, which the ledger opens.
//!
//! Staff search for the beginning of an e-mail address or a name. A beginning is a range of an index whose texts are
//! compared by their bytes, as SQLite does, and PostgreSQL with the collation "C". The other indexes are those of the
//! list's filters.
//!
//! An erased user has a time of erasure once everything that told who they were is gone. The indexes lead to those whose
//! erasure is not finished, and to those that were erased lately.

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

const POSTGRES: &str = r#"
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL CONSTRAINT users_email_unique UNIQUE CHECK (email = lower(email)),
    full_name text NOT NULL,
    name_key text COLLATE "C" NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL CHECK (role IN ('customer', 'support', 'operator', 'auditor', 'admin')),
    status text NOT NULL CHECK (status IN ('active', 'suspended', 'erased')),
    first_currency text CHECK (first_currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    erased_at timestamptz,
    CONSTRAINT users_only_erased_have_time CHECK (erased_at IS NULL OR status = 'erased')
);
CREATE INDEX users_erasing ON users (id) WHERE status = 'erased' AND erased_at IS NULL;
CREATE INDEX users_erased_lately ON users (erased_at) WHERE erased_at IS NOT NULL;
CREATE INDEX users_by_email ON users (email COLLATE "C", id);
CREATE INDEX users_by_name ON users (name_key, id);
CREATE INDEX users_by_role ON users (role, id);
CREATE INDEX users_by_status ON users (status, id);
CREATE INDEX users_by_role_and_status ON users (role, status, id);
"#;

const SQLITE: &str = "
CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    email TEXT NOT NULL CONSTRAINT users_email_unique UNIQUE,
    full_name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('customer', 'support', 'operator', 'auditor', 'admin')),
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'erased')),
    first_currency TEXT CHECK (first_currency GLOB '[A-Z][A-Z][A-Z]'),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    erased_at TEXT,
    CONSTRAINT users_only_erased_have_time CHECK (erased_at IS NULL OR status = 'erased')
) STRICT, WITHOUT ROWID;
CREATE INDEX users_erasing ON users (id) WHERE status = 'erased' AND erased_at IS NULL;
CREATE INDEX users_erased_lately ON users (erased_at) WHERE erased_at IS NOT NULL;
CREATE INDEX users_by_name ON users (name_key, id);
CREATE INDEX users_by_role ON users (role, id);
CREATE INDEX users_by_status ON users (status, id);
CREATE INDEX users_by_role_and_status ON users (role, status, id);
";
