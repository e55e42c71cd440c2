//! Transfers, recorded refusals among them. A row is written once and never changed.
//!
//! PostgreSQL has no foreign keys here: six checks a transfer halve the commit path, the committer has read every wallet
//! that it writes, and `florin verify` finds orphans.

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

// Columns are ordered so that no byte is lost to alignment. kind: 1 transfer, 2 deposit, 3 withdrawal, 4 reversal;
// status: 1 pending, 2 completed, 3 failed. A wallet's completed transfers are listed through its entries, so only its
// refused ones are indexed by wallet. The partial indexes leave out what the bank has most of: completed transfers between
// customers pay for none of them.
const POSTGRES: &str = "
CREATE TABLE transfers (
    created_at timestamptz NOT NULL,
    kind smallint NOT NULL CHECK (kind BETWEEN 1 AND 4),
    status smallint NOT NULL CHECK (status BETWEEN 1 AND 3),
    id uuid PRIMARY KEY,
    source_wallet_id uuid NOT NULL,
    destination_wallet_id uuid NOT NULL,
    idempotency_key bytea CONSTRAINT transfers_idempotency_key_unique UNIQUE,
    request_digest bytea,
    amount numeric(18,4) NOT NULL CHECK (amount > 0 AND amount <= 99999999999999.9999),
    currency text NOT NULL,
    method text,
    description text,
    metadata text,
    failure_reason text,
    available numeric(18,4) CHECK (available <= 99999999999999.9999),
    CONSTRAINT transfers_failed_has_reason CHECK ((status = 3) = (failure_reason IS NOT NULL)),
    CONSTRAINT transfers_failed_keeps_no_text CHECK (status <> 3 OR (description IS NULL AND metadata IS NULL)),
    CONSTRAINT transfers_two_wallets CHECK (source_wallet_id <> destination_wallet_id),
    CONSTRAINT transfers_key_has_digest CHECK ((idempotency_key IS NULL) = (request_digest IS NULL))
);
CREATE INDEX transfers_unfinished_by_source ON transfers (source_wallet_id, id) WHERE status <> 2;
CREATE INDEX transfers_unfinished ON transfers (status, id) WHERE status <> 2;
CREATE INDEX transfers_payments ON transfers (kind, id) WHERE kind <> 1;

CREATE FUNCTION florin_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are written once and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER transfers_are_final BEFORE UPDATE OR DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER transfers_are_not_truncated BEFORE TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
";

// A row in the way of REPLACE is removed without asking the triggers on deletion, so it has to be looked for before: that is
// the same way down the same index which the insert itself then takes.
fn sqlite() -> String {
    let (amount, amount_is_canonical) = (units("amount"), canonical("amount"));
    let available_is_canonical = canonical("available");
    format!(
        "
CREATE TABLE transfers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 4),
    status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 3),
    source_wallet_id BLOB NOT NULL REFERENCES wallets (id),
    destination_wallet_id BLOB NOT NULL REFERENCES wallets (id),
    amount TEXT NOT NULL CHECK ({amount_is_canonical} AND {amount} > 0),
    currency TEXT NOT NULL,
    method TEXT,
    description TEXT,
    metadata TEXT,
    failure_reason TEXT,
    available TEXT CHECK (available IS NULL OR ({available_is_canonical})),
    idempotency_key BLOB CONSTRAINT transfers_idempotency_key_unique UNIQUE,
    request_digest BLOB,
    created_at TEXT NOT NULL,
    CONSTRAINT transfers_failed_has_reason CHECK ((status = 3) = (failure_reason IS NOT NULL)),
    CONSTRAINT transfers_failed_keeps_no_text CHECK (status <> 3 OR (description IS NULL AND metadata IS NULL)),
    CONSTRAINT transfers_two_wallets CHECK (source_wallet_id <> destination_wallet_id),
    CONSTRAINT transfers_key_has_digest CHECK ((idempotency_key IS NULL) = (request_digest IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX transfers_unfinished_by_source ON transfers (source_wallet_id, id) WHERE status <> 2;
CREATE INDEX transfers_unfinished ON transfers (status, id) WHERE status <> 2;
CREATE INDEX transfers_payments ON transfers (kind, id) WHERE kind <> 1;

CREATE TRIGGER transfers_are_not_replaced BEFORE INSERT ON transfers
WHEN EXISTS (SELECT 1 FROM transfers WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM transfers WHERE idempotency_key = NEW.idempotency_key)
BEGIN SELECT RAISE(ABORT, 'rows of transfers are written once and never changed'); END;
CREATE TRIGGER transfers_are_not_changed BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'rows of transfers are written once and never changed'); END;
CREATE TRIGGER transfers_are_not_deleted BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'rows of transfers are written once and never changed'); END;
"
    )
}
