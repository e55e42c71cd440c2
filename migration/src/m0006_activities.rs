//! Merchants' activities, and the rollups that the reports are read from.
//!
//! The table of activities has few checks: millions of rows come from one parser, whose types guarantee the rest.

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
                postgres: &postgres(),
                sqlite: &sqlite(),
            },
        )
        .await
    }
}

// product, status and channel: the numbers of `Product`, `ActivityStatus` and `Channel`. counts: a JSON list of the
// numbers of activities, by product and then by status. marks: a bit for each product used, one for each KYC step
// taken, and one for any success. Half-empty pages, and no index except the key, let every change of a merchant stay on
// its page.
fn postgres() -> String {
    format!(
        "
CREATE TABLE activities (
    event_id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    amount numeric(18,4) NOT NULL,
    product smallint NOT NULL CHECK (product BETWEEN 1 AND 7),
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 3),
    channel smallint CHECK (channel BETWEEN 1 AND 5),
    merchant_id text COLLATE \"C\" NOT NULL,
    event_type text NOT NULL,
    region text NOT NULL,
    merchant_tier text NOT NULL
);
CREATE TABLE merchants (
    first_activity timestamptz NOT NULL,
    last_activity timestamptz NOT NULL,
    marks smallint NOT NULL,
    merchant_id text COLLATE \"C\" PRIMARY KEY,
    volume numeric(38,4) NOT NULL,
    counts text NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE merchant_months (
    month integer NOT NULL,
    merchant_id text COLLATE \"C\" NOT NULL,
    PRIMARY KEY (month, merchant_id)
);
CREATE TABLE report_counts (
    report text NOT NULL,
    item text NOT NULL,
    count bigint NOT NULL CHECK (count >= 0),
    PRIMARY KEY (report, item)
) WITH (fillfactor = 50);
CREATE TABLE merchant_ranking (
    id smallint PRIMARY KEY CHECK (id = 1),
    version bigint NOT NULL,
    ranking text NOT NULL
) WITH (fillfactor = 50);
INSERT INTO merchant_ranking (id, version, ranking) VALUES (1, 0, '{EMPTY_RANKING}');
"
    )
}

// Event ids are random, so each insert changes another page. With rowids that is a page of the index of ids, which is a
// fifth as large as the rows; hence no WITHOUT ROWID. A volume is high * 10^18 + low ten-thousandths, and low is never
// negative: one integer could not hold the sum of ten large amounts. activity_parts: how far an unfinished block is
// stored; part is the number of the block's rows up to the end of each part.
fn sqlite() -> String {
    format!(
        "
CREATE TABLE activities (
    event_id BLOB NOT NULL PRIMARY KEY CHECK (length(event_id) = 16),
    occurred_at TEXT NOT NULL,
    amount TEXT NOT NULL,
    product INTEGER NOT NULL CHECK (product BETWEEN 1 AND 7),
    status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 3),
    channel INTEGER CHECK (channel BETWEEN 1 AND 5),
    merchant_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    region TEXT NOT NULL,
    merchant_tier TEXT NOT NULL
) STRICT;
CREATE TABLE merchants (
    merchant_id TEXT NOT NULL PRIMARY KEY,
    volume_high INTEGER NOT NULL,
    volume_low INTEGER NOT NULL CHECK (volume_low BETWEEN 0 AND 999999999999999999),
    first_activity TEXT NOT NULL,
    last_activity TEXT NOT NULL,
    counts TEXT NOT NULL,
    marks INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE merchant_months (
    month INTEGER NOT NULL,
    merchant_id TEXT NOT NULL,
    PRIMARY KEY (month, merchant_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE report_counts (
    report TEXT NOT NULL,
    item TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count >= 0),
    PRIMARY KEY (report, item)
) STRICT, WITHOUT ROWID;
CREATE TABLE merchant_ranking (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    ranking TEXT NOT NULL
) STRICT;
INSERT INTO merchant_ranking (id, version, ranking) VALUES (1, 0, '{EMPTY_RANKING}');
CREATE TABLE activity_parts (
    import_id BLOB NOT NULL,
    block_from INTEGER NOT NULL,
    block_to INTEGER NOT NULL,
    part INTEGER NOT NULL,
    inserted INTEGER NOT NULL,
    PRIMARY KEY (import_id, block_from, block_to, part)
) STRICT, WITHOUT ROWID;
"
    )
}

const EMPTY_RANKING: &str = r#"{"leaders":[],"floor":null}"#;
