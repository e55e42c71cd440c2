//! Transfers, including recorded refusals. A row is written once. One change is allowed: its texts can be erased,
//! together with the salt of their digest, the digest of the request, which was computed from them, and an id that a
//! client has chosen for its request.
//!
//! PostgreSQL has no foreign keys here: six checks a transfer would halve the speed of the commit path, the committer
//! has read every wallet that it writes, and `florin verify` finds orphans.

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
                postgres: &POSTGRES.replace("{INDEXES}", INDEXES),
                sqlite: &sqlite(),
            },
        )
        .await
    }
}

/// The same on both databases.
const INDEXES: &str = "
CREATE INDEX transfers_refused_by_source ON transfers (source_wallet_id, id) WHERE status = 3;
CREATE INDEX transfers_refused_by_asker ON transfers (created_by, id) WHERE status = 3 AND created_by IS NOT NULL;
CREATE INDEX transfers_made_by_asker ON transfers (created_by, id) WHERE status <> 3 AND created_by IS NOT NULL;
CREATE INDEX transfers_refused ON transfers (id) WHERE status = 3;
CREATE INDEX transfers_payments ON transfers (kind, id) WHERE kind <> 1;
CREATE INDEX transfers_held_by_source ON transfers (source_wallet_id, id) WHERE kind IN (5, 6) AND status <> 3;
CREATE INDEX transfers_held_by_destination ON transfers (destination_wallet_id, id) WHERE kind IN (5, 6) AND status <> 3;
CREATE INDEX transfers_by_parent ON transfers (parent_id, id) WHERE parent_id IS NOT NULL;
CREATE INDEX transfers_by_batch ON transfers (batch_id, id) WHERE batch_id IS NOT NULL;
";

// Columns are ordered so that no byte is lost to alignment. kind: 1 transfer, 2 deposit, 3 withdrawal, 4 reversal, 5 hold,
// 6 release, 7 capture; status: 1 pending, 2 completed, 3 failed. What has become of a hold is kept in `holds`; its row here
// stays pending.
//
// Transfers that moved money are listed through the entries of their wallets. Only rows without entries are indexed by
// wallet: holds and releases by both sides, refusals by the source and by the user who asked. Every partial index leaves
// out completed transfers between customers, the most frequent rows, which so cost no index entry.
//
// What staff and payees asked for on wallets of others is found by transfers_made_by_asker, for an export and an erasure. No
// list uses it: its condition and that of transfers_refused_by_asker exclude each other.
//
// The bank's refusals are listed by transfers_refused, its pending holds by holds_open_by_id. A hold is stored as pending for
// ever, so an index of pending transfers would fill with holds that have ended; this one has only the open ones.
const POSTGRES: &str = r#"
CREATE DOMAIN transfer_kind AS smallint CHECK (VALUE BETWEEN 1 AND 7);
CREATE DOMAIN transfer_status AS smallint CHECK (VALUE BETWEEN 1 AND 3);
CREATE DOMAIN sha256_digest AS bytea CHECK (length(VALUE) = 32);
CREATE DOMAIN texts_salt AS bytea CHECK (length(VALUE) = 16);

CREATE TABLE transfers (
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    kind transfer_kind NOT NULL,
    status transfer_status NOT NULL,
    id uuid PRIMARY KEY,
    source_wallet_id uuid NOT NULL,
    destination_wallet_id uuid NOT NULL,
    parent_id uuid,
    batch_id uuid,
    created_by uuid,
    api_key_id uuid,
    request_id bytea,
    idempotency_key bytea CONSTRAINT transfers_idempotency_key_unique UNIQUE,
    request_digest bytea,
    amount positive_amount NOT NULL,
    currency text NOT NULL,
    method text,
    description text,
    metadata text,
    failure_reason text,
    available signed_amount,
    released positive_amount,
    texts_digest sha256_digest,
    texts_salt texts_salt,
    CONSTRAINT transfers_failed_has_reason CHECK ((status = 3) = (failure_reason IS NOT NULL)),
    CONSTRAINT transfers_two_wallets CHECK (source_wallet_id <> destination_wallet_id),
    CONSTRAINT transfers_request_has_key CHECK (request_digest IS NULL OR idempotency_key IS NOT NULL),
    CONSTRAINT transfers_texts_are_sealed CHECK (CASE
        WHEN coalesce(description, metadata) IS NOT NULL THEN status <> 3 AND texts_digest IS NOT NULL AND texts_salt IS NOT NULL
        ELSE texts_digest IS NOT NULL OR texts_salt IS NULL
    END)
);
{INDEXES}

CREATE FUNCTION florin_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are written once and never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION florin_refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased record;
BEGIN
    erased := OLD;
    erased.description := NULL;
    erased.metadata := NULL;
    erased.texts_salt := NULL;
    erased.request_digest := NULL;
    IF NEW.request_id IS NULL THEN
        erased.request_id := NULL;
    END IF;
    IF NEW IS DISTINCT FROM erased THEN
        RAISE EXCEPTION 'rows of % are written once; only their texts can be erased', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER transfers_are_final BEFORE DELETE ON transfers
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_change();
CREATE TRIGGER transfers_are_only_erased BEFORE UPDATE ON transfers
    FOR EACH ROW EXECUTE FUNCTION florin_refuse_all_but_erasure();
CREATE TRIGGER transfers_are_not_truncated BEFORE TRUNCATE ON transfers
    FOR EACH STATEMENT EXECUTE FUNCTION florin_refuse_change();
"#;

// The columns that an erasure must not change.
const KEPT: [&str; 19] = [
    "id",
    "kind",
    "status",
    "source_wallet_id",
    "destination_wallet_id",
    "amount",
    "currency",
    "method",
    "failure_reason",
    "available",
    "released",
    "parent_id",
    "batch_id",
    "created_by",
    "api_key_id",
    "idempotency_key",
    "texts_digest",
    "created_at",
    "expires_at",
];

// REPLACE removes a conflicting row without running the triggers on deletion, so a trigger on insertion looks for such
// a row first. That is cheap: the insert then goes down the same index.
fn sqlite() -> String {
    let (amount, amount_is_canonical) = (units("amount"), canonical("amount"));
    let available_is_canonical = canonical("available");
    let (released, released_is_canonical) = (units("released"), canonical("released"));
    let is_changed = KEPT
        .map(|column| format!("NEW.{column} IS NOT OLD.{column}"))
        .join(" OR ");
    format!(
        r#"
CREATE TABLE transfers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 7),
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
    released TEXT CHECK (released IS NULL OR ({released_is_canonical} AND {released} > 0)),
    parent_id BLOB,
    batch_id BLOB,
    created_by BLOB,
    api_key_id BLOB,
    request_id BLOB,
    idempotency_key BLOB CONSTRAINT transfers_idempotency_key_unique UNIQUE,
    request_digest BLOB,
    texts_digest BLOB CHECK (length(texts_digest) = 32),
    texts_salt BLOB CHECK (length(texts_salt) = 16),
    created_at TEXT NOT NULL,
    expires_at TEXT,
    CONSTRAINT transfers_failed_has_reason CHECK ((status = 3) = (failure_reason IS NOT NULL)),
    CONSTRAINT transfers_failed_keeps_no_text CHECK (status <> 3 OR (description IS NULL AND metadata IS NULL)),
    CONSTRAINT transfers_two_wallets CHECK (source_wallet_id <> destination_wallet_id),
    CONSTRAINT transfers_request_has_key CHECK (request_digest IS NULL OR idempotency_key IS NOT NULL),
    CONSTRAINT transfers_texts_have_digest
        CHECK (texts_digest IS NOT NULL OR (description IS NULL AND metadata IS NULL AND texts_salt IS NULL)),
    CONSTRAINT transfers_digest_has_salt CHECK (texts_salt IS NOT NULL OR (description IS NULL AND metadata IS NULL))
) STRICT, WITHOUT ROWID;
{INDEXES}

CREATE TRIGGER transfers_are_not_replaced BEFORE INSERT ON transfers
WHEN EXISTS (SELECT 1 FROM transfers WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM transfers WHERE idempotency_key = NEW.idempotency_key)
BEGIN SELECT RAISE(ABORT, 'rows of transfers are written once and never changed'); END;
CREATE TRIGGER transfers_are_not_changed BEFORE UPDATE ON transfers
WHEN {is_changed} OR NEW.description IS NOT NULL OR NEW.metadata IS NOT NULL OR NEW.texts_salt IS NOT NULL
    OR NEW.request_digest IS NOT NULL OR (NEW.request_id IS NOT NULL AND NEW.request_id IS NOT OLD.request_id)
BEGIN SELECT RAISE(ABORT, 'rows of transfers are written once and never changed'); END;
CREATE TRIGGER transfers_are_not_deleted BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'rows of transfers are written once and never changed'); END;
"#
    )
}
