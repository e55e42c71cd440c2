//! The one statement that writes a group commit: the turn, the journal's row, and everything that depends on it.
//!
//! PostgreSQL runs the parts of a WITH in the order in which the main SELECT needs them, and an order that is not written down
//! is an accident. So the journal's row reads from the turn, all other parts read from the journal's row, and the SELECT asks
//! for that row first.

use std::sync::Arc;

use chrono::TimeDelta;
use sea_orm::ActiveEnum;
use sea_orm::prelude::Decimal;
use sea_orm::sqlx::postgres::{PgArguments, PgConnection};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, Postgres, Row};

use super::BANK_TIME;
use crate::db::Fault;
use crate::ledger::book::WalletUpdate;
use crate::ledger::commit::GroupCommit;
use crate::ledger::types::{Change, Entry, Transfer, Wallet};
use crate::values::Timestamp;

/// All or nothing: outside of a transaction the statement is its own. Nothing is written where the turn is another's, the
/// head has moved on, a wallet is not as it was read, or the time is ahead of the database's; that is a stale fault. Gives the
/// bank's time by the database's clock.
pub async fn write(connection: &mut PgConnection, commit: &GroupCommit) -> Result<Timestamp, Fault> {
    let parts = Parts::of(commit);
    let statement = parts.statement();
    let row = bound(&statement, commit, parts).fetch_one(connection).await?;
    Ok(row.try_get("time")?)
}

/// What only some commits have, so that the others neither send nor read it.
#[derive(Clone, Copy)]
struct Parts {
    /// Wallets that were opened or changed their status.
    changes: bool,
    /// Transfers that someone other than the source's owner asked for, or that have texts.
    notes: bool,
}

impl Parts {
    fn of(commit: &GroupCommit) -> Self {
        let has_notes = |transfer: &Arc<Transfer>| transfer.created_by.is_some() || transfer.texts.is_some();
        Self {
            changes: !commit.writes.changes.is_empty(),
            notes: commit.writes.transfers.iter().any(has_notes),
        }
    }

    // The wallets come sorted by id and are updated in that order. A wallet counts as unchanged when everything that a
    // decision rests on is as it was: entries move the version, freezing the status, holds the held. The balance is compared
    // too: a database that lost its newest commits may come to the same version again by another way.
    //
    // A time is good where it is at most two seconds ahead of the database's clock, and where it only stands on the head: a
    // database whose clock was ahead for a while must not stop the bank when it is right again.
    fn statement(self) -> String {
        let mut last = PARAMETERS;
        let (note_columns, note_types) = if self.notes {
            let types = arrays(&mut last, &["text", "text", "uuid", "bytea", "bytea"]);
            (
                ", description, metadata, created_by, texts_digest, texts_salt",
                format!(", {types}"),
            )
        } else {
            ("", String::new())
        };
        let (new_status, status_type, status_column) = if self.changes {
            let types = arrays(&mut last, &["text"]);
            (", status = c.status_after", format!(", {types}"), ", status_after")
        } else {
            ("", String::new(), "")
        };
        let changes = if self.changes {
            changes(&mut last)
        } else {
            String::new()
        };
        format!(
            "
WITH clock AS ({BANK_TIME}
), turn AS (SELECT number FROM journal WHERE number = 0 FOR UPDATE SKIP LOCKED
), head AS (
    INSERT INTO journal (number, last_id, transfers, changes, at, root, digest)
    SELECT $1 + 1, $3, $4, $5, $6, $7, $8 FROM turn
    WHERE EXISTS (SELECT 1 FROM journal WHERE number = $1 AND digest = $2)
        AND NOT EXISTS (SELECT 1 FROM journal WHERE number = $1 + 1)
        AND ($9 OR $6 <= (SELECT time FROM clock) + interval '2 seconds')
    RETURNING number
), updated AS (
    UPDATE wallets w SET balance = c.balance, version = c.version_after, updated_at = c.updated_at{new_status}
    FROM head, unnest($10::uuid[], $11::bigint[], $12::text[], $13::numeric[], $14::numeric[], $15::numeric[],
        $16::bigint[], $17::timestamptz[]{status_type})
        AS c (id, version, status, held, balance_before, balance, version_after, updated_at{status_column})
    WHERE w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance_before
    RETURNING 1
), confirmed AS (
    SELECT 1 FROM head, unnest($18::uuid[], $19::bigint[], $20::text[], $21::numeric[], $22::numeric[])
        AS c (id, version, status, held, balance)
    JOIN wallets w ON w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance
), new_transfers AS (
    INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method,
        failure_reason, available, idempotency_key, request_digest, created_at{note_columns})
    SELECT t.* FROM head, unnest($23::uuid[], $24::smallint[], $25::smallint[], $26::uuid[], $27::uuid[], $28::numeric[],
        $29::text[], $30::text[], $31::text[], $32::numeric[], $33::bytea[], $34::bytea[], $35::timestamptz[]{note_types})
        AS t
), new_entries AS (
    INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after)
    SELECT e.* FROM head, unnest($36::uuid[], $37::uuid[], $38::bigint[], $39::numeric[], $40::numeric[]) AS e
){changes}{IS_FRESH}"
        )
    }
}

/// Of the statement without its further parts.
const PARAMETERS: usize = 40;

/// The next parameters, as arrays of these types.
fn arrays(last: &mut usize, types: &[&str]) -> String {
    let parameters = types.iter().map(|name| {
        *last += 1;
        format!("${last}::{name}[]")
    });
    parameters.collect::<Vec<_>>().join(", ")
}

fn changes(last: &mut usize) -> String {
    let changes = arrays(last, &["uuid", "smallint", "uuid", "uuid", "text", "text"]);
    let wallets = arrays(
        last,
        &[
            "uuid",
            "uuid",
            "text",
            "text",
            "numeric",
            "numeric",
            "text",
            "bigint",
            "timestamptz",
            "timestamptz",
        ],
    );
    format!(
        ", new_changes AS (
    INSERT INTO changes (id, kind, subject, created_by, before, after)
    SELECT c.* FROM head, unnest({changes}) AS c
), new_wallets AS (
    INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
    SELECT w.* FROM head, unnest({wallets}) AS w
)"
    )
}

// The planner asks for what stands first in a CASE first.
const IS_FRESH: &str = "
SELECT CASE
    WHEN (SELECT count(*) FROM head) <> 1 THEN florin_stale('the journal')
    WHEN (SELECT count(*) FROM updated) <> cardinality($10::uuid[])
        OR (SELECT count(*) FROM confirmed) <> cardinality($18::uuid[]) THEN florin_stale('a wallet')
END, (SELECT time FROM clock) AS time";

fn bound<'q>(statement: &'q str, commit: &'q GroupCommit, parts: Parts) -> Bound<'q> {
    let writes = &commit.writes;
    let query = bind_journal(sqlx::query(sqlx::AssertSqlSafe(statement)), commit);
    let query = bind_updated(query, &writes.updated);
    let query = bind_confirmed(query, &writes.confirmed);
    let transfers: Vec<&Transfer> = writes.transfers.iter().map(AsRef::as_ref).collect();
    let query = bind_transfers(query, &transfers);
    let mut query = bind_entries(query, &writes.entries);
    if parts.notes {
        query = bind_notes(query, &transfers);
    }
    if parts.changes {
        query = query.bind(column(&writes.updated, |wallet| wallet.now.status.as_str()));
        query = bind_opened(bind_changes(query, &writes.changes), &writes.opened);
    }
    query
}

type Bound<'q> = Query<'q, Postgres, PgArguments>;

fn column<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn bind_journal<'q>(query: Bound<'q>, commit: &'q GroupCommit) -> Bound<'q> {
    let (before, row) = (&commit.before, &commit.row);
    query
        .bind(before.number)
        .bind(before.digest.0.as_slice())
        .bind(row.last_id.0)
        .bind(row.transfers as i32)
        .bind(row.changes as i32)
        .bind(row.at)
        .bind(row.root.0.as_slice())
        .bind(commit.head.digest.0.as_slice())
        .bind(stands_on_head(commit))
}

/// True where the time is no later than the head and a microsecond for each record make it.
fn stands_on_head(commit: &GroupCommit) -> bool {
    let records = TimeDelta::microseconds(commit.records() as i64);
    commit.row.at <= commit.before.at + records
}

fn bind_updated<'q>(query: Bound<'q>, wallets: &'q [WalletUpdate]) -> Bound<'q> {
    query
        .bind(column(wallets, |wallet| wallet.read.id.0))
        .bind(column(wallets, |wallet| wallet.read.version.0))
        .bind(column(wallets, |wallet| wallet.read.status.as_str()))
        .bind(column(wallets, |wallet| wallet.read.held.to_decimal()))
        .bind(column(wallets, |wallet| wallet.read.balance.to_decimal()))
        .bind(column(wallets, |wallet| wallet.now.balance.to_decimal()))
        .bind(column(wallets, |wallet| wallet.now.version.0))
        .bind(column(wallets, |wallet| wallet.now.updated_at))
}

fn bind_confirmed<'q>(query: Bound<'q>, wallets: &'q [Wallet]) -> Bound<'q> {
    query
        .bind(column(wallets, |wallet| wallet.id.0))
        .bind(column(wallets, |wallet| wallet.version.0))
        .bind(column(wallets, |wallet| wallet.status.as_str()))
        .bind(column(wallets, |wallet| wallet.held.to_decimal()))
        .bind(column(wallets, |wallet| wallet.balance.to_decimal()))
}

fn bind_transfers<'q>(query: Bound<'q>, transfers: &[&'q Transfer]) -> Bound<'q> {
    query
        .bind(column(transfers, |transfer| transfer.id.0))
        .bind(column(transfers, |transfer| transfer.kind.to_value()))
        .bind(column(transfers, |transfer| transfer.status.to_value()))
        .bind(column(transfers, |transfer| transfer.source.0))
        .bind(column(transfers, |transfer| transfer.destination.0))
        .bind(column(transfers, |transfer| transfer.amount.to_decimal()))
        .bind(column(transfers, |transfer| transfer.currency.code()))
        .bind(column(transfers, |transfer| {
            transfer.method.as_ref().map(|method| method.as_str())
        }))
        .bind(column(transfers, |transfer| {
            transfer.failure.map(|failure| failure.code())
        }))
        .bind(column(transfers, |transfer| available(transfer)))
        .bind(column(transfers, |transfer| {
            transfer.key.as_ref().map(|key| key.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            transfer.request.as_ref().map(|request| request.0.as_slice())
        }))
        .bind(column(transfers, |transfer| transfer.created_at))
}

fn bind_notes<'q>(query: Bound<'q>, transfers: &[&'q Transfer]) -> Bound<'q> {
    query
        .bind(column(transfers, |transfer| transfer.description.as_deref()))
        .bind(column(transfers, |transfer| transfer.metadata.as_deref()))
        .bind(column(transfers, |transfer| transfer.created_by.map(|user| user.0)))
        .bind(column(transfers, |transfer| {
            transfer.texts.as_ref().map(|texts| texts.digest.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            let salt = transfer.texts.as_ref().and_then(|texts| texts.salt.as_ref());
            salt.map(|salt| salt.0.as_slice())
        }))
}

fn available(transfer: &Transfer) -> Option<Decimal> {
    transfer
        .failure
        .and_then(|failure| failure.available())
        .map(|available| available.to_decimal())
}

fn bind_entries<'q>(query: Bound<'q>, entries: &'q [Entry]) -> Bound<'q> {
    query
        .bind(column(entries, |entry| entry.wallet.0))
        .bind(column(entries, |entry| entry.transfer.0))
        .bind(column(entries, |entry| entry.version.0))
        .bind(column(entries, |entry| entry.amount.to_decimal()))
        .bind(column(entries, |entry| entry.balance_after.to_decimal()))
}

fn bind_changes<'q>(query: Bound<'q>, changes: &'q [Change]) -> Bound<'q> {
    query
        .bind(column(changes, |change| change.id.0))
        .bind(column(changes, |change| change.kind.to_value()))
        .bind(column(changes, |change| change.subject.0))
        .bind(column(changes, |change| change.created_by.map(|user| user.0)))
        .bind(
            changes
                .iter()
                .map(|change| change.before.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind(changes.iter().map(|change| change.after.as_str()).collect::<Vec<_>>())
}

fn bind_opened<'q>(query: Bound<'q>, wallets: &'q [Wallet]) -> Bound<'q> {
    query
        .bind(column(wallets, |wallet| wallet.id.0))
        .bind(column(wallets, |wallet| wallet.owner.map(|user| user.0)))
        .bind(
            wallets
                .iter()
                .map(|wallet| wallet.method.as_ref().map(|method| method.as_str()))
                .collect::<Vec<_>>(),
        )
        .bind(column(wallets, |wallet| wallet.currency.code()))
        .bind(column(wallets, |wallet| wallet.balance.to_decimal()))
        .bind(column(wallets, |wallet| wallet.held.to_decimal()))
        .bind(column(wallets, |wallet| wallet.status.as_str()))
        .bind(column(wallets, |wallet| wallet.version.0))
        .bind(column(wallets, |wallet| wallet.created_at))
        .bind(column(wallets, |wallet| wallet.updated_at))
}
