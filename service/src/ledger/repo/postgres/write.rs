//! Writes a group commit: binds its values to the one statement that writes it.

use chrono::TimeDelta;
use sea_orm::ActiveEnum;
use sea_orm::prelude::Decimal;
use sea_orm::sqlx::postgres::{PgArguments, PgConnection};
use sea_orm::sqlx::query::Query;
use sea_orm::sqlx::{self, Postgres, Row};

use super::statement::Parts;
use crate::db::Fault;
use crate::ledger::book::WalletUpdate;
use crate::ledger::group_commit::GroupCommit;
use crate::ledger::types::{Entry, Transfer, Wallet, WalletChange};
use crate::values::Timestamp;

/// Writes all or nothing; outside of a transaction the statement is its own. It fails with `Stale` if another process
/// has the turn, if the head has moved, or if the time is more than two seconds ahead of the database's and does not
/// just follow the head. It fails with `WalletChanged` if a wallet is not as it was read. Gives the bank's time by the
/// database's clock.
pub async fn write(connection: &mut PgConnection, commit: &GroupCommit) -> Result<Timestamp, Fault> {
    let row = bound(commit).fetch_one(connection).await?;
    Ok(row.try_get("time")?)
}

fn parts_of(commit: &GroupCommit) -> Parts {
    Parts {
        changes: !commit.writes.changes.is_empty(),
        notes: commit.writes.has_notes(),
    }
}

fn bound(commit: &GroupCommit) -> BoundQuery<'_> {
    let (writes, parts) = (&commit.writes, parts_of(commit));
    let mut query = bind_journal(sqlx::query(parts.statement()), commit);
    query = bind_updated(query, &writes.updated);
    if parts.changes {
        query = query.bind(column(&writes.updated, |wallet| wallet.now.status.as_str()));
    }
    query = bind_confirmed(query, &writes.confirmed);
    let transfers: Vec<&Transfer> = writes.transfers.iter().map(AsRef::as_ref).collect();
    query = bind_transfers(query, &transfers);
    if parts.notes {
        query = bind_notes(query, &transfers);
    }
    query = bind_entries(query, &writes.entries);
    if parts.changes {
        query = bind_opened(bind_changes(query, &writes.changes), &writes.opened);
    }
    query
}

type BoundQuery<'q> = Query<'q, Postgres, PgArguments>;

fn column<T, V>(rows: &[T], value: impl Fn(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

fn bind_journal<'q>(query: BoundQuery<'q>, commit: &'q GroupCommit) -> BoundQuery<'q> {
    let (before, row) = (&commit.previous_head, &commit.row);
    query
        .bind(before.number)
        .bind(before.digest.0.as_slice())
        .bind(row.last_id.0)
        .bind(row.transfers as i32)
        .bind(row.changes as i32)
        .bind(row.at)
        .bind(row.root.0.as_slice())
        .bind(commit.new_head.digest.0.as_slice())
        .bind(time_follows_head(commit))
}

/// True if the time is at most a microsecond for each record after the head: then the stamps follow the head, not the
/// clock.
fn time_follows_head(commit: &GroupCommit) -> bool {
    let records = TimeDelta::microseconds(commit.records() as i64);
    commit.row.at <= commit.previous_head.at + records
}

fn bind_updated<'q>(query: BoundQuery<'q>, wallets: &'q [WalletUpdate]) -> BoundQuery<'q> {
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

fn bind_confirmed<'q>(query: BoundQuery<'q>, wallets: &'q [Wallet]) -> BoundQuery<'q> {
    query
        .bind(column(wallets, |wallet| wallet.id.0))
        .bind(column(wallets, |wallet| wallet.version.0))
        .bind(column(wallets, |wallet| wallet.status.as_str()))
        .bind(column(wallets, |wallet| wallet.held.to_decimal()))
        .bind(column(wallets, |wallet| wallet.balance.to_decimal()))
}

fn bind_transfers<'q>(query: BoundQuery<'q>, transfers: &[&'q Transfer]) -> BoundQuery<'q> {
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

fn bind_notes<'q>(query: BoundQuery<'q>, transfers: &[&'q Transfer]) -> BoundQuery<'q> {
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

fn bind_entries<'q>(query: BoundQuery<'q>, entries: &'q [Entry]) -> BoundQuery<'q> {
    query
        .bind(column(entries, |entry| entry.wallet.0))
        .bind(column(entries, |entry| entry.transfer.0))
        .bind(column(entries, |entry| entry.version.0))
        .bind(column(entries, |entry| entry.amount.to_decimal()))
        .bind(column(entries, |entry| entry.balance_after.to_decimal()))
}

fn bind_changes<'q>(query: BoundQuery<'q>, changes: &'q [WalletChange]) -> BoundQuery<'q> {
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

fn bind_opened<'q>(query: BoundQuery<'q>, wallets: &'q [Wallet]) -> BoundQuery<'q> {
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
