//! Daily aggregates: hot totals, cold totals, the totals of imported files for every day, and one row with the state of
//! the pipeline.

use sea_orm_migration::prelude::*;

use crate::sql::{Dialects, run};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (postgres, sqlite) = (postgres(), sqlite());
        run(
            manager,
            Dialects {
                postgres: &postgres,
                sqlite: &sqlite,
            },
        )
        .await
    }
}

// An amount is `units_high * 10^9 + units_low` ten-thousandths, since ten of the largest amounts do not fit into a
// bigint. source: 1 the bank's own, 2 imported; kind as in transfers. The mark is the last row of the journal whose
// payments are counted; without a mark the count begins at the journal's first row.
fn postgres() -> String {
    let totals = |table: &str| {
        format!(
            "
CREATE TABLE {table} (
    units_high bigint NOT NULL,
    units_low bigint NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    day date NOT NULL,
    source smallint NOT NULL CHECK (source IN (1, 2)),
    kind smallint NOT NULL CHECK (kind IN (2, 3)),
    currency text NOT NULL,
    method text NOT NULL,
    PRIMARY KEY (currency, day, kind, method, source)
);"
        )
    };
    let (hot, cold, imported) = (totals("hot_totals"), totals("cold_totals"), totals("imported_totals"));
    format!(
        "
{hot}
{cold}
{imported}
CREATE TABLE archived_generations (
    archived_at timestamptz NOT NULL,
    generation text PRIMARY KEY
);
CREATE TABLE aggregates_state (
    id smallint PRIMARY KEY CHECK (id = 1),
    bank text NOT NULL,
    mark_number bigint CHECK (mark_number >= 0),
    mark_digest bytea CHECK (length(mark_digest) = 32),
    newest_day date,
    epoch text,
    version bigint NOT NULL,
    purged_version bigint NOT NULL DEFAULT 0,
    rebuilds bigint NOT NULL,
    rebuilt_at timestamptz,
    CONSTRAINT aggregates_state_mark_is_whole CHECK ((mark_number IS NULL) = (mark_digest IS NULL)),
    CONSTRAINT aggregates_state_rebuild_has_time CHECK ((rebuilds > 0) = (rebuilt_at IS NOT NULL))
);
INSERT INTO aggregates_state (id, bank, version, rebuilds)
VALUES (1, replace(gen_random_uuid()::text, '-', ''), 0, 0);
"
    )
}

fn sqlite() -> String {
    let totals = |table: &str| {
        format!(
            "
CREATE TABLE {table} (
    currency TEXT NOT NULL,
    day TEXT NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'),
    kind INTEGER NOT NULL CHECK (kind IN (2, 3)),
    method TEXT NOT NULL,
    source INTEGER NOT NULL CHECK (source IN (1, 2)),
    units_high INTEGER NOT NULL,
    units_low INTEGER NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (currency, day, kind, method, source)
) STRICT, WITHOUT ROWID;"
        )
    };
    let (hot, cold, imported) = (totals("hot_totals"), totals("cold_totals"), totals("imported_totals"));
    format!(
        "
{hot}
{cold}
{imported}
CREATE TABLE archived_generations (
    generation TEXT NOT NULL PRIMARY KEY,
    archived_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE aggregates_state (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    bank TEXT NOT NULL,
    mark_number INTEGER CHECK (mark_number >= 0),
    mark_digest BLOB CHECK (length(mark_digest) = 32),
    newest_day TEXT,
    epoch TEXT,
    version INTEGER NOT NULL,
    purged_version INTEGER NOT NULL DEFAULT 0,
    rebuilds INTEGER NOT NULL,
    rebuilt_at TEXT,
    CONSTRAINT aggregates_state_mark_is_whole CHECK ((mark_number IS NULL) = (mark_digest IS NULL)),
    CONSTRAINT aggregates_state_rebuild_has_time CHECK ((rebuilds > 0) = (rebuilt_at IS NOT NULL))
) STRICT;
INSERT INTO aggregates_state (id, bank, version, rebuilds)
VALUES (1, lower(hex(randomblob(16))), 0, 0);
"
    )
}
