//! What has become of each hold, which is a row of `transfers` that never changes; and the outcomes of callers' batches.
//!
//! A hold is held while it has no end. The indexes lead to the open holds of a wallet, and to those that expire next.

use sea_orm_migration::prelude::*;

use crate::sql::{Dialects, canonical, run, units};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            Dialects {
                postgres: POSTGRES,
                sqlite: &sqlite(),
            },
        )
        .await
    }
}

// end: 1 captured, 2 voided, 3 expired.
const POSTGRES: &str = r#"
CREATE TABLE holds (
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    id uuid PRIMARY KEY,
    wallet_id uuid NOT NULL,
    "end" smallint CHECK ("end" BETWEEN 1 AND 3),
    remaining held_amount NOT NULL,
    captured held_amount NOT NULL,
    CONSTRAINT holds_end_with_nothing CHECK (("end" IS NULL) = (remaining > 0)),
    CONSTRAINT holds_end_at_a_time CHECK (("end" IS NULL) = (ended_at IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX holds_open_by_wallet ON holds (wallet_id, expires_at) WHERE "end" IS NULL;
CREATE INDEX holds_open ON holds (expires_at, id) WHERE "end" IS NULL;
CREATE INDEX holds_open_by_id ON holds (id) WHERE "end" IS NULL;

CREATE TABLE batches (
    id uuid PRIMARY KEY,
    results text NOT NULL
);

CREATE TRIGGER holds_are_not_deleted BEFORE DELETE ON holds
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER holds_are_not_truncated BEFORE TRUNCATE ON holds
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER batches_are_final BEFORE UPDATE OR DELETE ON batches
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER batches_are_not_truncated BEFORE TRUNCATE ON batches
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
"#;

fn sqlite() -> String {
    let (remaining, remaining_is_canonical) = (units("remaining"), canonical("remaining"));
    let (captured, captured_is_canonical) = (units("captured"), canonical("captured"));
    format!(
        r#"
CREATE TABLE holds (
    id BLOB NOT NULL PRIMARY KEY REFERENCES transfers (id),
    wallet_id BLOB NOT NULL REFERENCES wallets (id),
    remaining TEXT NOT NULL CHECK ({remaining_is_canonical} AND {remaining} >= 0),
    captured TEXT NOT NULL CHECK ({captured_is_canonical} AND {captured} >= 0),
    expires_at TEXT NOT NULL,
    "end" INTEGER CHECK ("end" BETWEEN 1 AND 3),
    ended_at TEXT,
    CONSTRAINT holds_end_with_nothing CHECK (("end" IS NULL) = ({remaining} > 0)),
    CONSTRAINT holds_end_at_a_time CHECK (("end" IS NULL) = (ended_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_open_by_wallet ON holds (wallet_id, expires_at) WHERE "end" IS NULL;
CREATE INDEX holds_open ON holds (expires_at, id) WHERE "end" IS NULL;
CREATE INDEX holds_open_by_id ON holds (id) WHERE "end" IS NULL;

CREATE TABLE batches (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    results TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER holds_are_not_replaced BEFORE INSERT ON holds
WHEN EXISTS (SELECT 1 FROM holds WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'rows of holds are not replaced'); END;
CREATE TRIGGER holds_are_not_deleted BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'rows of holds are not deleted'); END;
CREATE TRIGGER batches_are_not_replaced BEFORE INSERT ON batches
WHEN EXISTS (SELECT 1 FROM batches WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'rows of batches are written once and never changed'); END;
CREATE TRIGGER batches_are_not_changed BEFORE UPDATE ON batches
BEGIN SELECT RAISE(ABORT, 'rows of batches are written once and never changed'); END;
CREATE TRIGGER batches_are_not_deleted BEFORE DELETE ON batches
BEGIN SELECT RAISE(ABORT, 'rows of batches are written once and never changed'); END;
"#
    )
}
