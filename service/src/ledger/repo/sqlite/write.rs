//! Writes a group commit: one statement for each table, and the checks of wallets.

use std::sync::LazyLock;

use sea_orm::ActiveEnum;
use sea_orm::sqlx::{self, Sqlite, Transaction};
use serde_json::{Value, json};

use super::audit;
use super::holds;
use super::json_rows::{text, time};
use super::transfers;
use crate::db::{Fault, hex};
use crate::ledger::book::WalletUpdate;
use crate::ledger::group_commit::GroupCommit;
use crate::ledger::types::{LimitState, Wallet, WalletChange};

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
        transfers::insert_transfers(tx, writes).await?;
    }
    if !writes.begun_holds.is_empty() {
        holds::insert_begun(tx, &writes.begun_holds).await?;
    }
    if !writes.changed_holds.is_empty() {
        holds::update_changed(tx, &writes.changed_holds).await?;
    }
    if !writes.batches.is_empty() {
        holds::insert_batches(tx, &writes.batches).await?;
    }
    if !writes.audit.is_empty() {
        audit::insert_lines(tx, &writes.audit).await?;
    }
    Ok(())
}

async fn update_wallets(tx: &mut Transaction<'static, Sqlite>, updated: &[WalletUpdate]) -> Result<(), Fault> {
    let has_limits = updated.iter().any(WalletUpdate::is_limited);
    let wallets: Vec<Value> = updated
        .iter()
        .map(|change| {
            let mut row = vec![json!(hex(change.read.id.0.as_bytes()))];
            row.extend([
                json!(change.read.version.0),
                json!(change.read.status.as_str()),
                json!(change.read.held),
                json!(change.read.balance),
                json!(change.now.balance),
                json!(change.now.version.0),
                json!(change.now.status.as_str()),
                json!(time(change.now.updated_at)),
                json!(change.now.held),
            ]);
            if has_limits {
                row.extend(limits(change.now.limits.as_deref()));
            }
            Value::Array(row)
        })
        .collect();
    let written = sqlx::query(if has_limits { &UPDATE_LIMITED } else { &UPDATE_WALLETS }.as_str())
        .bind(text(&wallets))
        .execute(&mut **tx)
        .await?;
    if written.rows_affected() != updated.len() as u64 {
        return Err(Fault::wallet_changed());
    }
    Ok(())
}

fn limits(state: Option<&LimitState>) -> [Value; 6] {
    let (limits, outflow) = (state.map(|state| state.limits), state.map(|state| state.outflow));
    [
        json!(limits.and_then(|limits| limits.per_transfer)),
        json!(limits.and_then(|limits| limits.per_day_amount)),
        json!(limits.and_then(|limits| limits.per_day_count)),
        json!(outflow.map(|outflow| outflow.day)),
        json!(outflow.map(|outflow| outflow.amount)),
        json!(outflow.map(|outflow| outflow.transfers)),
    ]
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

async fn insert_changes(tx: &mut Transaction<'static, Sqlite>, changes: &[WalletChange]) -> Result<(), Fault> {
    let changes: Vec<Value> = changes
        .iter()
        .map(|change| {
            json!([
                hex(change.id.0.as_bytes()),
                change.kind.to_value(),
                hex(change.subject.0.as_bytes()),
                change.created_by.map(|user| hex(user.0.as_bytes())),
                change.request_id.as_ref().map(|id| hex(&id.to_bytes())),
                change.before,
                change.after,
                change.state.balance,
                change.state.held,
                change.state.version.0,
                change.state.status.as_str(),
                change.state.limits.as_text(),
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
    let of_holds = usize::from(!writes.begun_holds.is_empty()) + usize::from(!writes.changed_holds.is_empty());
    let of_audit = if writes.audit.is_empty() { 0 } else { 2 };
    1 + of_changes + of_transfers + of_wallets + of_holds + usize::from(!writes.batches.is_empty()) + of_audit
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
static UPDATE_WALLETS: LazyLock<String> = LazyLock::new(|| update_wallets_text(""));

// With columns that only wallets with limits need.
static UPDATE_LIMITED: LazyLock<String> = LazyLock::new(|| {
    let columns = [
        "limit_per_transfer",
        "limit_per_day_amount",
        "limit_per_day_count",
        "counted_day",
        "counted_amount",
        "counted_transfers",
    ];
    let set = columns
        .iter()
        .zip(10..)
        .map(|(column, place)| format!(", {column} = c.row ->> {place}"));
    update_wallets_text(&set.collect::<String>())
});

fn update_wallets_text(set_more: &str) -> String {
    format!(
        "
UPDATE wallets SET balance = c.balance, version = c.version_after, status = c.status_after, updated_at = c.updated_at,
    held = c.held{set_more}
FROM (SELECT unhex(value ->> 0) AS id, value ->> 1 AS version, value ->> 2 AS status, value ->> 3 AS held_before,
        value ->> 4 AS balance_before, value ->> 5 AS balance, value ->> 6 AS version_after, value ->> 7 AS status_after,
        value ->> 8 AS updated_at, value ->> 9 AS held, value AS row
    FROM json_each(?)) AS c
WHERE wallets.id = c.id AND wallets.version = c.version AND wallets.status = c.status AND wallets.held = c.held_before
    AND wallets.balance = c.balance_before"
    )
}

const COUNT_CONFIRMED: &str = "
SELECT count(*) FROM json_each(?) AS c JOIN wallets w ON w.id = unhex(c.value ->> 0) AND w.version = c.value ->> 1
    AND w.status = c.value ->> 2 AND w.held = c.value ->> 3 AND w.balance = c.value ->> 4";

const INSERT_CHANGES: &str = "
INSERT INTO changes (id, kind, subject, created_by, request_id, before, after, balance, held, version, status, limits)
SELECT unhex(value ->> 0), value ->> 1, unhex(value ->> 2), unhex(value ->> 3), unhex(value ->> 4), value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11
FROM json_each(?)";

const INSERT_WALLETS: &str = "
INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
SELECT unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
    value ->> 8, value ->> 9
FROM json_each(?)";
