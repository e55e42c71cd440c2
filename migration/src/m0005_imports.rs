//! Imports: which file is imported, how far its rows are applied, and what became of them. Of the rejected lines the first
//! ones are kept, for those who cannot read the file.

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

// `checkpoint` is the offset in bytes up to which rows are applied; it moves in the transaction that stores the last
// rows of a block. Every row read is inserted, a duplicate or skipped. `holds_content`: no other import of the kind may
// hold the same content.
const POSTGRES: &str = "
CREATE TABLE imports (
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    size bigint NOT NULL,
    checkpoint bigint NOT NULL DEFAULT 0 CHECK (checkpoint BETWEEN 0 AND size),
    block bigint NOT NULL DEFAULT 0 CHECK (block >= 0),
    rows_read bigint NOT NULL DEFAULT 0,
    rows_inserted bigint NOT NULL DEFAULT 0 CHECK (rows_inserted >= 0),
    rows_duplicate bigint NOT NULL DEFAULT 0 CHECK (rows_duplicate >= 0),
    rows_skipped bigint NOT NULL DEFAULT 0 CHECK (rows_skipped >= 0),
    amounts_coerced bigint NOT NULL DEFAULT 0 CHECK (amounts_coerced >= 0),
    id uuid PRIMARY KEY,
    holds_content boolean NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 16),
    kind text NOT NULL CHECK (kind IN ('activities', 'transactions')),
    status text NOT NULL CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED')),
    file text NOT NULL,
    path text,
    failure text,
    skip_reasons text NOT NULL DEFAULT '{}',
    CONSTRAINT imports_rows_add_up CHECK (rows_read = rows_inserted + rows_duplicate + rows_skipped),
    CONSTRAINT imports_finished_has_time CHECK ((status = 'RUNNING') = (finished_at IS NULL)),
    CONSTRAINT imports_failed_has_reason CHECK ((status = 'FAILED') = (failure IS NOT NULL)),
    CONSTRAINT imports_completed_to_the_end CHECK (status <> 'COMPLETED' OR checkpoint = size)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX imports_digest_is_held_once ON imports (kind, digest) WHERE holds_content;
CREATE INDEX imports_unfinished ON imports (id) WHERE status = 'RUNNING';
CREATE INDEX imports_by_content ON imports (digest);

CREATE TABLE import_rejects (
    line bigint NOT NULL CHECK (line > 0),
    import_id uuid NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 50),
    raw text NOT NULL CHECK (length(raw) <= 500),
    PRIMARY KEY (import_id, line)
);
";

const SQLITE: &str = "
CREATE TABLE imports (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('activities', 'transactions')),
    file TEXT NOT NULL,
    path TEXT,
    digest BLOB NOT NULL CHECK (length(digest) = 16),
    size INTEGER NOT NULL,
    checkpoint INTEGER NOT NULL DEFAULT 0 CHECK (checkpoint BETWEEN 0 AND size),
    block INTEGER NOT NULL DEFAULT 0 CHECK (block >= 0),
    rows_read INTEGER NOT NULL DEFAULT 0,
    rows_inserted INTEGER NOT NULL DEFAULT 0 CHECK (rows_inserted >= 0),
    rows_duplicate INTEGER NOT NULL DEFAULT 0 CHECK (rows_duplicate >= 0),
    rows_skipped INTEGER NOT NULL DEFAULT 0 CHECK (rows_skipped >= 0),
    amounts_coerced INTEGER NOT NULL DEFAULT 0 CHECK (amounts_coerced >= 0),
    skip_reasons TEXT NOT NULL DEFAULT '{}',
    status TEXT NOT NULL CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED')),
    failure TEXT,
    holds_content INTEGER NOT NULL CHECK (holds_content IN (0, 1)),
    started_at TEXT NOT NULL,
    finished_at TEXT,
    CONSTRAINT imports_rows_add_up CHECK (rows_read = rows_inserted + rows_duplicate + rows_skipped),
    CONSTRAINT imports_finished_has_time CHECK ((status = 'RUNNING') = (finished_at IS NULL)),
    CONSTRAINT imports_failed_has_reason CHECK ((status = 'FAILED') = (failure IS NOT NULL)),
    CONSTRAINT imports_completed_to_the_end CHECK (status <> 'COMPLETED' OR checkpoint = size)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX imports_digest_is_held_once ON imports (kind, digest) WHERE holds_content;
CREATE INDEX imports_unfinished ON imports (id) WHERE status = 'RUNNING';
CREATE INDEX imports_by_content ON imports (digest);

CREATE TABLE import_rejects (
    import_id BLOB NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line > 0),
    reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 50),
    raw TEXT NOT NULL CHECK (length(raw) <= 500),
    PRIMARY KEY (import_id, line)
) STRICT, WITHOUT ROWID;
";
