//! The one statement that writes a group commit: the turn, the journal's row, and everything that depends on it.
//!
//! PostgreSQL runs the parts of a WITH in the order in which the main SELECT needs them, and an order that is not written down
//! is an accident. So the journal's row reads from the turn, all other parts read from the journal's row, and the SELECT asks
//! for that row first.

use sea_orm::ActiveEnum;
use sea_orm::prelude::Decimal;
use sea_orm::sqlx::postgres::{PgArguments, PgConnection};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, Postgres};

use crate::db::Fault;
use crate::ledger::book::WalletChange;
use crate::ledger::commit::GroupCommit;
use crate::ledger::types::{Entry, Transfer, Wallet};
use crate::values::TransferId;

/// All or nothing: outside of a transaction the statement is its own. Nothing is written where the turn is another's, the
/// head has moved on, or a wallet is not as it was read; that is a stale fault.
pub async fn write(connection: &mut PgConnection, commit: &GroupCommit) -> Result<(), Fault> {
    let payments = commit.changes.payments();
    let outbox = if payments.is_empty() { "" } else { OUTBOX };
    let statement = format!("{WRITE}{outbox}{IS_FRESH}");
    bound(&statement, commit, &payments).execute(connection).await?;
    Ok(())
}

// The wallets come sorted by id and are updated in that order. A wallet counts as unchanged when everything that a
// decision rests on is as it was: entries move the version, freezing the status, holds the held. The balance is compared
// too: a database that lost its newest commits may come to the same version again by another way.
const WRITE: &str = "
WITH turn AS (SELECT number FROM journal WHERE number = 0 FOR UPDATE SKIP LOCKED
), head AS (
    INSERT INTO journal (number, last_id, transfers, changes, at, root, digest)
    SELECT $1 + 1, $3, $4, $5, $6, $7, $8 FROM turn
    WHERE EXISTS (SELECT 1 FROM journal WHERE number = $1 AND digest = $2)
        AND NOT EXISTS (SELECT 1 FROM journal WHERE number = $1 + 1)
    RETURNING number
), changed AS (
    UPDATE wallets w SET balance = c.balance, version = c.version_after, updated_at = c.updated_at
    FROM head, unnest($9::uuid[], $10::bigint[], $11::text[], $12::numeric[], $13::numeric[], $14::numeric[], $15::bigint[],
        $16::timestamptz[])
        AS c (id, version, status, held, balance_before, balance, version_after, updated_at)
    WHERE w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance_before
    RETURNING 1
), confirmed AS (
    SELECT 1 FROM head, unnest($17::uuid[], $18::bigint[], $19::text[], $20::numeric[], $21::numeric[])
        AS c (id, version, status, held, balance)
    JOIN wallets w ON w.id = c.id AND w.version = c.version AND w.status = c.status AND w.held = c.held
        AND w.balance = c.balance
), new_transfers AS (
    INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method,
        description, metadata, failure_reason, available, idempotency_key, request_digest, created_at)
    SELECT id, kind, status, source, destination, amount, currency, method, description, metadata, reason, available,
        key, digest, created_at
    FROM head, unnest($22::uuid[], $23::smallint[], $24::smallint[], $25::uuid[], $26::uuid[], $27::numeric[], $28::text[],
        $29::text[], $30::text[], $31::text[], $32::text[], $33::numeric[], $34::bytea[], $35::bytea[],
        $36::timestamptz[])
        AS t (id, kind, status, source, destination, amount, currency, method, description, metadata, reason,
        available, key, digest, created_at)
), new_entries AS (
    INSERT INTO entries (wallet_id, transfer_id, version, amount, balance_after)
    SELECT e.* FROM head, unnest($37::uuid[], $38::uuid[], $39::bigint[], $40::numeric[], $41::numeric[]) AS e
)";

// Only in the statement of a batch that has deposits or withdrawals: transfers do not pay for it.
const OUTBOX: &str = ", new_outbox AS (INSERT INTO outbox (transfer_id) SELECT p FROM head, unnest($42::uuid[]) AS p)";

// The planner asks for what stands first in a CASE first.
const IS_FRESH: &str = "
SELECT CASE
    WHEN (SELECT count(*) FROM head) <> 1 THEN florin_stale('the journal')
    WHEN (SELECT count(*) FROM changed) <> cardinality($9::uuid[])
        OR (SELECT count(*) FROM confirmed) <> cardinality($17::uuid[]) THEN florin_stale('a wallet')
END";

fn bound<'q>(statement: &'q str, commit: &'q GroupCommit, payments: &[TransferId]) -> Bound<'q> {
    let changes = &commit.changes;
    let query = bind_journal(sqlx::query(sqlx::AssertSqlSafe(statement)), commit);
    let query = bind_wallets(query, &changes.wallets);
    let query = bind_confirmed(query, &changes.confirmed);
    let transfers: Vec<&Transfer> = changes.transfers.iter().map(AsRef::as_ref).collect();
    let query = bind_transfers(query, &transfers);
    let query = bind_entries(query, &changes.entries);
    if payments.is_empty() {
        return query;
    }
    query.bind(column(payments, |payment| payment.0))
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
}

fn bind_wallets<'q>(query: Bound<'q>, wallets: &'q [WalletChange]) -> Bound<'q> {
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
        .bind(column(transfers, |transfer| {
            transfer.idempotency.as_ref().map(|key| key.key.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            transfer.idempotency.as_ref().map(|key| key.request.0.as_slice())
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
