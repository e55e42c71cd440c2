//! The one statement that writes a group commit: the turn, the journal's row, and everything that depends on it.
//!
//! PostgreSQL runs the parts of a WITH in the order in which the main SELECT needs them, and an order that is not written down
//! is an accident. So the journal's row reads from the turn, all other parts read from the journal's row, and the SELECT asks
//! for that row first.

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
    let mut statement = write_statement();
    if !commit.writes.changes.is_empty() {
        statement += CHANGES;
    }
    statement += IS_FRESH;
    let row = bound(&statement, commit).fetch_one(connection).await?;
    Ok(row.try_get("time")?)
}

// The wallets come sorted by id and are updated in that order. A wallet counts as unchanged when everything that a
// decision rests on is as it was: entries move the version, freezing the status, holds the held. The balance is compared
// too: a database that lost its newest commits may come to the same version again by another way.
//
// A time is good where it is at most two seconds ahead of the database's clock, and where it only stands on the head: a
// database whose clock was ahead for a while must not stop the bank when it is right again.
fn write_statement() -> String {
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
    UPDATE wallets w SET balance = c.balance, version = c.version_after, status = c.status_after,
        updated_at = c.updated_at
    FROM head, unnest($10::uuid[], $11::bigint[], $12::text[], $13::numeric[], $14::numeric[], $15::numeric[],
        $16::bigint[], $17::text[], $18::timestamptz[])
        AS c (id, version, status, held, balance_before, balance, version_after, status_after, updated_at)
    WHERE w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance_before
    RETURNING 1
), confirmed AS (
    SELECT 1 FROM head, unnest($19::uuid[], $20::bigint[], $21::text[], $22::numeric[], $23::numeric[])
        AS c (id, version, status, held, balance)
    JOIN wallets w ON w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance
), new_transfers AS (
    INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method,
        description, metadata, failure_reason, available, created_by, idempotency_key, request_digest, texts_digest,
        texts_salt, created_at)
    SELECT t.* FROM head, unnest($24::uuid[], $25::smallint[], $26::smallint[], $27::uuid[], $28::uuid[], $29::numeric[],
        $30::text[], $31::text[], $32::text[], $33::text[], $34::text[], $35::numeric[], $36::uuid[], $37::bytea[],
        $38::bytea[], $39::bytea[], $40::bytea[], $41::timestamptz[]) AS t
), new_entries AS (
    INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after)
    SELECT e.* FROM head, unnest($42::uuid[], $43::uuid[], $44::bigint[], $45::numeric[], $46::numeric[]) AS e
)"
    )
}

// Only in the statement of a batch that opens or changes wallets.
const CHANGES: &str = ", new_changes AS (
    INSERT INTO changes (id, kind, subject, created_by, before, after)
    SELECT c.* FROM head, unnest($47::uuid[], $48::smallint[], $49::uuid[], $50::uuid[], $51::text[], $52::text[]) AS c
), new_wallets AS (
    INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
    SELECT w.* FROM head, unnest($53::uuid[], $54::uuid[], $55::text[], $56::text[], $57::numeric[], $58::numeric[],
        $59::text[], $60::bigint[], $61::timestamptz[], $62::timestamptz[]) AS w
)";

// The planner asks for what stands first in a CASE first.
const IS_FRESH: &str = "
SELECT CASE
    WHEN (SELECT count(*) FROM head) <> 1 THEN florin_stale('the journal')
    WHEN (SELECT count(*) FROM updated) <> cardinality($10::uuid[])
        OR (SELECT count(*) FROM confirmed) <> cardinality($19::uuid[]) THEN florin_stale('a wallet')
END, (SELECT time FROM clock) AS time";

fn bound<'q>(statement: &'q str, commit: &'q GroupCommit) -> Bound<'q> {
    let writes = &commit.writes;
    let query = bind_journal(sqlx::query(sqlx::AssertSqlSafe(statement)), commit);
    let query = bind_updated(query, &writes.updated);
    let query = bind_confirmed(query, &writes.confirmed);
    let transfers: Vec<&Transfer> = writes.transfers.iter().map(AsRef::as_ref).collect();
    let query = bind_transfers(query, &transfers);
    let query = bind_entries(query, &writes.entries);
    if writes.changes.is_empty() {
        return query;
    }
    bind_opened(bind_changes(query, &writes.changes), &writes.opened)
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
        .bind(column(wallets, |wallet| wallet.now.status.as_str()))
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
    let text = |value: &'q Option<String>| value.as_deref();
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
        .bind(column(transfers, |transfer| text(&transfer.description)))
        .bind(column(transfers, |transfer| text(&transfer.metadata)))
        .bind(column(transfers, |transfer| {
            transfer.failure.map(|failure| failure.code())
        }))
        .bind(column(transfers, |transfer| available(transfer)))
        .bind(column(transfers, |transfer| transfer.created_by.map(|user| user.0)))
        .bind(column(transfers, |transfer| {
            transfer.key.as_ref().map(|key| key.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            transfer.request.as_ref().map(|request| request.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            transfer.texts.as_ref().map(|texts| texts.digest.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            let salt = transfer.texts.as_ref().and_then(|texts| texts.salt.as_ref());
            salt.map(|salt| salt.0.as_slice())
        }))
        .bind(column(transfers, |transfer| transfer.created_at))
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
