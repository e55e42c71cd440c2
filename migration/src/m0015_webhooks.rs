//! Webhooks: the endpoints that users have the bank call, their secrets, what became of the events that were sent there, and
//! the processes that send.
//!
//! An event that waits has no row: an endpoint's `mark` is the record up to which everything is settled, and what comes after
//! it is in the journal. An endpoint's `holder` is the process that alone may send to it. It is there as long as the row of
//! that process is: the statement that deletes the row frees the endpoints too.

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
                postgres: &format!("{POSTGRES}{INDEXES}"),
                sqlite: &format!("{SQLITE}{INDEXES}"),
            },
        )
        .await
    }
}

// Lists are words with blanks between them, as those of API keys are. `leased_until_ms` is in milliseconds since 1970, by the
// database's clock. A deleted endpoint keeps its row, emptied, until its deliveries are deleted, which may be many.
const POSTGRES: &str = "
CREATE TABLE webhook_workers (
    id uuid PRIMARY KEY,
    leased_until_ms bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE webhooks (
    revision bigint NOT NULL CHECK (revision >= 0),
    replays bigint NOT NULL CHECK (replays >= 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    failing_since timestamptz,
    deleted_at timestamptz,
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    mark uuid NOT NULL,
    holder uuid REFERENCES webhook_workers (id) ON DELETE SET NULL,
    is_ordered boolean NOT NULL,
    is_bank_wide boolean NOT NULL,
    url text NOT NULL CHECK (length(url) <= 2048),
    types text CHECK (length(types) BETWEEN 1 AND 1000),
    wallet_ids text CHECK (length(wallet_ids) BETWEEN 36 AND 3699),
    description text CHECK (length(description) BETWEEN 1 AND 200),
    scheme text NOT NULL CHECK (scheme IN ('hmac', 'ed25519')),
    status text NOT NULL CHECK (status IN ('active', 'paused', 'disabled')),
    disabled_reason text CHECK (length(disabled_reason) BETWEEN 1 AND 200),
    CONSTRAINT webhooks_disabled_have_a_reason CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
    CONSTRAINT webhooks_deleted_are_empty CHECK ((deleted_at IS NULL) = (url <> '')
        AND (deleted_at IS NULL OR (status = 'paused' AND coalesce(types, wallet_ids, description) IS NULL)))
) WITH (fillfactor = 70);

CREATE TABLE webhook_secrets (
    expires_at timestamptz,
    webhook_id uuid NOT NULL REFERENCES webhooks (id),
    number integer NOT NULL CHECK (number >= 0),
    secret bytea NOT NULL CHECK (length(secret) BETWEEN 24 AND 64),
    PRIMARY KEY (webhook_id, number)
);

CREATE TABLE webhook_deliveries (
    created_at timestamptz NOT NULL,
    first_attempt_at timestamptz,
    next_attempt_at timestamptz,
    settled_at timestamptz,
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL REFERENCES webhooks (id),
    event_id uuid NOT NULL,
    attempts integer NOT NULL CHECK (attempts >= 0),
    failures integer NOT NULL CHECK (failures BETWEEN 0 AND attempts),
    response_status smallint CHECK (response_status BETWEEN 100 AND 999),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'parked')),
    response_excerpt text CHECK (length(response_excerpt) <= 1024),
    CONSTRAINT webhook_deliveries_one_of_an_event UNIQUE (webhook_id, event_id),
    CONSTRAINT webhook_deliveries_pending_go_on CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT webhook_deliveries_others_are_settled CHECK ((status = 'pending') = (settled_at IS NULL)),
    CONSTRAINT webhook_deliveries_fail_after_they_begin CHECK (failures = 0 OR first_attempt_at IS NOT NULL)
) WITH (fillfactor = 80);
";

const SQLITE: &str = "
CREATE TABLE webhook_workers (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    leased_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB NOT NULL REFERENCES users (id),
    url TEXT NOT NULL CHECK (length(url) <= 2048),
    types TEXT CHECK (length(types) BETWEEN 1 AND 1000),
    wallet_ids TEXT CHECK (length(wallet_ids) BETWEEN 36 AND 3699),
    description TEXT CHECK (length(description) BETWEEN 1 AND 200),
    is_ordered INTEGER NOT NULL CHECK (is_ordered IN (0, 1)),
    is_bank_wide INTEGER NOT NULL CHECK (is_bank_wide IN (0, 1)),
    scheme TEXT NOT NULL CHECK (scheme IN ('hmac', 'ed25519')),
    status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'disabled')),
    disabled_reason TEXT CHECK (length(disabled_reason) BETWEEN 1 AND 200),
    mark BLOB NOT NULL CHECK (length(mark) = 16),
    failing_since TEXT,
    revision INTEGER NOT NULL CHECK (revision >= 0),
    replays INTEGER NOT NULL CHECK (replays >= 0),
    holder BLOB REFERENCES webhook_workers (id) ON DELETE SET NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    deleted_at TEXT,
    CONSTRAINT webhooks_disabled_have_a_reason CHECK ((status = 'disabled') = (disabled_reason IS NOT NULL)),
    CONSTRAINT webhooks_deleted_are_empty CHECK ((deleted_at IS NULL) = (url <> '')
        AND (deleted_at IS NULL OR (status = 'paused' AND coalesce(types, wallet_ids, description) IS NULL)))
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_secrets (
    webhook_id BLOB NOT NULL REFERENCES webhooks (id),
    number INTEGER NOT NULL CHECK (number >= 0),
    secret BLOB NOT NULL CHECK (length(secret) BETWEEN 24 AND 64),
    expires_at TEXT,
    PRIMARY KEY (webhook_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_deliveries (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    webhook_id BLOB NOT NULL REFERENCES webhooks (id),
    event_id BLOB NOT NULL CHECK (length(event_id) = 16),
    kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 50),
    status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'parked')),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND attempts),
    first_attempt_at TEXT,
    next_attempt_at TEXT,
    response_status INTEGER CHECK (response_status BETWEEN 100 AND 999),
    response_excerpt TEXT CHECK (length(response_excerpt) <= 1024),
    created_at TEXT NOT NULL,
    settled_at TEXT,
    CONSTRAINT webhook_deliveries_one_of_an_event UNIQUE (webhook_id, event_id),
    CONSTRAINT webhook_deliveries_pending_go_on CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT webhook_deliveries_others_are_settled CHECK ((status = 'pending') = (settled_at IS NULL)),
    CONSTRAINT webhook_deliveries_fail_after_they_begin CHECK (failures = 0 OR first_attempt_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
";

/// The same on both databases. The endpoints of a user, and those of a status, newest first; those that no process holds;
/// those of a process, with when they were last changed; those that are deleted. The deliveries of an endpoint, newest first,
/// of any status, and of those that are few; those that wait for their next attempt, and those that are to be deleted.
const INDEXES: &str = "
CREATE INDEX webhooks_by_user ON webhooks (user_id, id);
CREATE INDEX webhooks_by_status ON webhooks (status, id) WHERE deleted_at IS NULL;
CREATE INDEX webhooks_free ON webhooks (id) WHERE holder IS NULL AND status = 'active';
CREATE INDEX webhooks_by_holder ON webhooks (holder, updated_at) WHERE holder IS NOT NULL;
CREATE INDEX webhooks_deleted ON webhooks (id) WHERE deleted_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook_id, status, id) WHERE status <> 'delivered';
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook_id, next_attempt_at, event_id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;
";
