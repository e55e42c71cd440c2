//! Wallets: one per user and currency, and one system wallet per payment method and currency.

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

// In the tables that every commit writes, checks of one column are domains, and checks of several columns are few and
// short: PostgreSQL parses a table's CHECKs in every statement that writes to the table, and a domain's once a session.
// ARCHITECTURE.md has the cost.
//
// NaN is above every number in PostgreSQL, so the upper bound keeps it out. Half-empty pages, and no index on a column
// that a transfer changes, let every balance update stay on its page.
//
// `0 <= held <= balance` forbids an overdraft, and a held amount on a closed wallet, whose balance is 0: neither needs
// a CHECK of its own. PostgreSQL checks a domain only when a value is assigned, so the table's CHECK says too that
// `held` is at least 0.
const POSTGRES: &str = "
CREATE DOMAIN natural_bigint AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN signed_amount AS numeric(18,4) CHECK (VALUE BETWEEN -99999999999999.9999 AND 99999999999999.9999);
CREATE DOMAIN held_amount AS numeric(18,4) CHECK (VALUE BETWEEN 0 AND 99999999999999.9999);
CREATE DOMAIN method_name AS text CHECK (VALUE ~ '^[a-z0-9_]{1,32}$');
CREATE DOMAIN currency_code AS text CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE DOMAIN wallet_status AS text CHECK (VALUE IN ('ACTIVE', 'FROZEN', 'CLOSED'));
CREATE DOMAIN positive_amount AS numeric(18,4) CHECK (VALUE > 0 AND VALUE <= 99999999999999.9999);
CREATE DOMAIN positive_count AS bigint CHECK (VALUE > 0);

CREATE TABLE wallets (
    version natural_bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    id uuid PRIMARY KEY,
    user_id uuid REFERENCES users (id),
    balance signed_amount NOT NULL,
    held held_amount NOT NULL,
    method method_name,
    currency currency_code NOT NULL,
    status wallet_status NOT NULL,
    limit_per_transfer positive_amount,
    limit_per_day_amount positive_amount,
    limit_per_day_count positive_count,
    counted_amount held_amount,
    counted_transfers natural_bigint,
    counted_day integer,
    CONSTRAINT wallets_owner CHECK ((user_id IS NULL) <> (method IS NULL)),
    CONSTRAINT wallets_held_is_covered CHECK (user_id IS NULL OR (held >= 0 AND held <= balance)),
    CONSTRAINT wallets_closed_is_empty CHECK (status <> 'CLOSED' OR balance = 0),
    CONSTRAINT wallets_system_stays_active CHECK (user_id IS NOT NULL OR status = 'ACTIVE'),
    CONSTRAINT wallets_user_currency_unique UNIQUE (user_id, currency),
    CONSTRAINT wallets_method_currency_unique UNIQUE (method, currency)
) WITH (fillfactor = 50);
CREATE INDEX wallets_by_currency ON wallets (currency, id);
";

fn sqlite() -> String {
    let (balance, held) = (units("balance"), units("held"));
    let (balance_is_canonical, held_is_canonical) = (canonical("balance"), canonical("held"));
    let limit = |column: &str| {
        let (units, is_canonical) = (units(column), canonical(column));
        format!("{column} TEXT CHECK ({column} IS NULL OR ({is_canonical} AND {units} > 0))")
    };
    let (per_transfer, per_day_amount) = (limit("limit_per_transfer"), limit("limit_per_day_amount"));
    let (counted, counted_is_canonical) = (units("counted_amount"), canonical("counted_amount"));
    format!(
        "
CREATE TABLE wallets (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id BLOB REFERENCES users (id),
    method TEXT CHECK (length(method) BETWEEN 1 AND 32 AND method NOT GLOB '*[^a-z0-9_]*'),
    currency TEXT NOT NULL CHECK (currency GLOB '[A-Z][A-Z][A-Z]'),
    balance TEXT NOT NULL CHECK ({balance_is_canonical}),
    held TEXT NOT NULL CHECK ({held_is_canonical}),
    status TEXT NOT NULL CHECK (status IN ('ACTIVE', 'FROZEN', 'CLOSED')),
    version INTEGER NOT NULL CHECK (version >= 0),
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    {per_transfer},
    {per_day_amount},
    limit_per_day_count INTEGER CHECK (limit_per_day_count > 0),
    counted_day INTEGER,
    counted_amount TEXT CHECK (counted_amount IS NULL OR ({counted_is_canonical} AND {counted} >= 0)),
    counted_transfers INTEGER CHECK (counted_transfers >= 0),
    CONSTRAINT wallets_owner CHECK ((user_id IS NULL) <> (method IS NULL)),
    CONSTRAINT wallets_no_overdraft CHECK (user_id IS NULL OR {balance} >= 0),
    CONSTRAINT wallets_held_is_covered CHECK ({held} >= 0 AND (user_id IS NULL OR {held} <= {balance})),
    CONSTRAINT wallets_closed_is_empty CHECK (status <> 'CLOSED' OR ({balance} = 0 AND {held} = 0)),
    CONSTRAINT wallets_system_stays_active CHECK (user_id IS NOT NULL OR status = 'ACTIVE'),
    CONSTRAINT wallets_user_currency_unique UNIQUE (user_id, currency),
    CONSTRAINT wallets_method_currency_unique UNIQUE (method, currency)
) STRICT;
CREATE INDEX wallets_by_currency ON wallets (currency, id);
"
    )
}
