//! Writes a group commit: one statement for each table, and the checks of wallets.

use std::sync::Arc;

use chrono::SecondsFormat;
use sea_orm::ActiveEnum;
use sea_orm::sqlx::{self, Sqlite, Transaction};
use serde_json::{Value, json};

use crate::db::Fault;
use crate::db::hex;
use crate::ledger::book::{WalletUpdate, Writes};
use crate::ledger::group_commit::GroupCommit;
use crate::ledger::types::{Transfer, Wallet, WalletChange};
use crate::values::Timestamp;

/// Writes the journal's row and everything else of the commit. Nothing else can have moved the head while the turn is
/// held.
pub async fn write(tx: &mut Transaction<'static, Sqlite>, commit: &GroupCommit) -> Result<(), Fault> {
    insert_row(tx, commit).await?;
    let writes = &commit.writes;
    if !writes.changes.is_empty() {
        insert_changes(tx, &writes.changes).await?;
        insert_wallets(tx, &writes.opened).await?;
    }
    if !writes.updated.is_empty() {
        update_wallets(tx, &writes.updated).await?;
    }
    if !writes.confirmed.is_empty() {
        confirm_wallets(tx, &writes.confirmed).await?;
    }
    if !writes.transfers.is_empty() {
        insert_transfers(tx, writes).await?;
    }
    Ok(())
}

async fn update_wallets(tx: &mut Transaction<'static, Sqlite>, updated: &[WalletUpdate]) -> Result<(), Fault> {
    let wallets: Vec<Value> = updated
        .iter()
        .map(|change| {
            json!([
                hex(change.read.id.0.as_bytes()),
                change.read.version.0,
                change.read.status.as_str(),
                change.read.held,
                change.read.balance,
                change.now.balance,
                change.now.version.0,
                change.now.status.as_str(),
                time(change.now.updated_at),
            ])
        })
        .collect();
    let written = sqlx::query(UPDATE_WALLETS)
        .bind(text(&wallets))
        .execute(&mut **tx)
        .await?;
    if written.rows_affected() != updated.len() as u64 {
        return Err(Fault::wallet_changed());
    }
    Ok(())
}

/// Fails unless the wallets that a decision rests on, and that the batch does not change, are as they were read.
async fn confirm_wallets(tx: &mut Transaction<'static, Sqlite>, confirmed: &[Wallet]) -> Result<(), Fault> {
    let wallets: Vec<Value> = confirmed
        .iter()
        .map(|wallet| {
            json!([
                hex(wallet.id.0.as_bytes()),
                wallet.version.0,
                wallet.status.as_str(),
                wallet.held,
                wallet.balance,
            ])
        })
        .collect();
    let found: i64 = sqlx::query_scalar(COUNT_CONFIRMED)
        .bind(text(&wallets))
        .fetch_one(&mut **tx)
        .await?;
    if found != confirmed.len() as i64 {
        return Err(Fault::wallet_changed());
    }
    Ok(())
}

async fn insert_transfers(tx: &mut Transaction<'static, Sqlite>, writes: &Writes) -> Result<(), Fault> {
    let has_notes = writes.has_notes();
    let row = |transfer: &Arc<Transfer>| transfer_row(transfer, has_notes);
    let transfers: Vec<Value> = writes.transfers.iter().map(row).collect();
    sqlx::query(if has_notes { INSERT_NOTED } else { INSERT_TRANSFERS })
        .bind(text(&transfers))
        .execute(&mut **tx)
        .await?;
    let entries: Vec<Value> = writes
        .entries
        .iter()
        .map(|entry| {
            json!([
                hex(entry.wallet.0.as_bytes()),
                hex(entry.transfer.0.as_bytes()),
                entry.version.0,
                entry.amount,
                entry.balance_after,
            ])
        })
        .collect();
    sqlx::query(INSERT_ENTRIES)
        .bind(text(&entries))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn insert_changes(tx: &mut Transaction<'static, Sqlite>, changes: &[WalletChange]) -> Result<(), Fault> {
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!([
                hex(change.id.0.as_bytes()),
                change.kind.to_value(),
                hex(change.subject.0.as_bytes()),
                change.created_by.map(|user| hex(user.0.as_bytes())),
                change.before,
                change.after,
            ])
        })
        .collect();
    let query = sqlx::query(INSERT_CHANGES).bind(text(&changes));
    query.execute(&mut **tx).await?;
    Ok(())
}

async fn insert_wallets(tx: &mut Transaction<'static, Sqlite>, opened: &[Wallet]) -> Result<(), Fault> {
    let wallets: Vec<Value> = opened
        .iter()
        .map(|wallet| {
            json!([
                hex(wallet.id.0.as_bytes()),
                wallet.owner.map(|user| hex(user.0.as_bytes())),
                wallet.method,
                wallet.currency,
                wallet.balance,
                wallet.held,
                wallet.status.as_str(),
                wallet.version.0,
                time(wallet.created_at),
                time(wallet.updated_at),
            ])
        })
        .collect();
    let query = sqlx::query(INSERT_WALLETS).bind(text(&wallets));
    query.execute(&mut **tx).await?;
    Ok(())
}

/// How many statements `write` sends.
pub fn writing_statements(commit: &GroupCommit) -> usize {
    let writes = &commit.writes;
    let of_changes = if writes.changes.is_empty() { 0 } else { 2 };
    let of_transfers = if writes.transfers.is_empty() { 0 } else { 2 };
    let of_wallets = usize::from(!writes.updated.is_empty()) + usize::from(!writes.confirmed.is_empty());
    1 + of_changes + of_transfers + of_wallets
}

async fn insert_row(tx: &mut Transaction<'static, Sqlite>, commit: &GroupCommit) -> Result<(), Fault> {
    let row = &commit.row;
    let query = sqlx::query(INSERT_ROW)
        .bind(row.number)
        .bind(time(row.at))
        .bind(row.last_id.0)
        .bind(row.transfers)
        .bind(row.changes)
        .bind(row.root.0.as_slice())
        .bind(commit.new_head.digest.0.as_slice());
    query.execute(&mut **tx).await?;
    Ok(())
}

const INSERT_ROW: &str =
    "INSERT INTO journal (number, at, last_id, transfers, changes, root, digest) VALUES (?, ?, ?, ?, ?, ?, ?)";

// Both statements compare every column that a decision rests on: a remembered wallet was not read under this write
// lock, and a person may have changed it without a row in the journal.
const UPDATE_WALLETS: &str = "
UPDATE wallets SET balance = c.balance, version = c.version_after, status = c.status_after, updated_at = c.updated_at
FROM (SELECT unhex(value ->> 0) AS id, value ->> 1 AS version, value ->> 2 AS status, value ->> 3 AS held,
        value ->> 4 AS balance_before, value ->> 5 AS balance, value ->> 6 AS version_after, value ->> 7 AS status_after,
        value ->> 8 AS updated_at
    FROM json_each(?)) AS c
WHERE wallets.id = c.id AND wallets.version = c.version AND wallets.status = c.status AND wallets.held = c.held
    AND wallets.balance = c.balance_before";

const COUNT_CONFIRMED: &str = "
SELECT count(*) FROM json_each(?) AS c JOIN wallets w ON w.id = unhex(c.value ->> 0) AND w.version = c.value ->> 1
    AND w.status = c.value ->> 2 AND w.held = c.value ->> 3 AND w.balance = c.value ->> 4";

const INSERT_TRANSFERS: &str = "
INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method, failure_reason,
    available, idempotency_key, request_digest, created_at)
SELECT unhex(value ->> 0), value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4), value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, value ->> 9, unhex(value ->> 10), unhex(value ->> 11), value ->> 12
FROM json_each(?)";

// With columns that only some commits need, so that the others neither send nor read them.
const INSERT_NOTED: &str = "
INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method, failure_reason,
    available, idempotency_key, request_digest, created_at, description, metadata, created_by, texts_digest, texts_salt)
SELECT unhex(value ->> 0), value ->> 1, value ->> 2, unhex(value ->> 3), unhex(value ->> 4), value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, value ->> 9, unhex(value ->> 10), unhex(value ->> 11), value ->> 12, value ->> 13, value ->> 14,
    unhex(value ->> 15), unhex(value ->> 16), unhex(value ->> 17)
FROM json_each(?)";

const INSERT_CHANGES: &str = "
INSERT INTO changes (id, kind, subject, created_by, before, after)
SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2), unhex(value ->> 3), value ->> 4, value ->> 5 FROM json_each(?)";

const INSERT_WALLETS: &str = "
INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9
FROM json_each(?)";

const INSERT_ENTRIES: &str = "
INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after)
SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4 FROM json_each(?)";

fn transfer_row(transfer: &Transfer, with_notes: bool) -> Value {
    let mut row = vec![
        json!(hex(transfer.id.0.as_bytes())),
        json!(transfer.kind.to_value()),
        json!(transfer.status.to_value()),
        json!(hex(transfer.source.0.as_bytes())),
        json!(hex(transfer.destination.0.as_bytes())),
        json!(transfer.amount),
        json!(transfer.currency),
        json!(transfer.method),
        json!(transfer.failure.map(|failure| failure.code())),
        json!(transfer.failure.and_then(|failure| failure.available())),
        json!(transfer.key.map(|key| hex(&key.0))),
        json!(transfer.request.map(|request| hex(&request.0))),
        json!(time(transfer.created_at)),
    ];
    if with_notes {
        row.extend([
            json!(transfer.description),
            json!(transfer.metadata),
            json!(transfer.created_by.map(|user| hex(user.0.as_bytes()))),
            json!(transfer.texts.map(|texts| hex(&texts.digest.0))),
            json!(transfer.texts.and_then(|texts| texts.salt).map(|salt| hex(&salt.0))),
        ]);
    }
    Value::Array(row)
}

/// Rows as the JSON that a statement reads.
fn text(rows: &[Value]) -> String {
    // `json!(rows)` would copy them first.
    serde_json::to_string(rows).expect("values of JSON are JSON")
}

/// A time in the form in which the driver writes it, so that all values of a column have one form and sort by time.
fn time(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}
