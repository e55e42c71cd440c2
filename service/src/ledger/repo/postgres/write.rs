//! Writes a group commit: binds its values to the one statement that writes it.

use sea_orm::ActiveEnum;
use sea_orm::prelude::Decimal;
use sea_orm::sqlx::postgres::PgConnection;
use sea_orm::sqlx::{self, Row};

use super::audit;
use super::bind::{BoundQuery, column};
use super::holds;
use super::statement::Parts;
use crate::db::Fault;
use crate::ledger::book::WalletUpdate;
use crate::ledger::group_commit::GroupCommit;
use crate::ledger::types::{Entry, Transfer, Wallet, WalletChange};
use crate::values::{Money, RequestId, Timestamp};

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
        links: commit.writes.has_links(),
        holds: commit.writes.has_holds_or_batches(),
        limits: commit.writes.has_limits(),
        audit: !commit.writes.audit.is_empty(),
    }
}

fn bound(commit: &GroupCommit) -> BoundQuery<'_> {
    let (writes, parts) = (&commit.writes, parts_of(commit));
    let mut query = bind_journal(sqlx::query(parts.statement()), commit);
    query = bind_updated(query, &writes.updated);
    if parts.changes {
        query = query.bind(column(&writes.updated, |wallet| wallet.now.status.as_str()));
    }
    if parts.limits {
        query = bind_limits(query, &writes.updated);
    }
    if parts.holds {
        query = query.bind(column(&writes.updated, |wallet| wallet.now.held.to_decimal()));
    }
    query = bind_confirmed(query, &writes.confirmed);
    let transfers: Vec<&Transfer> = writes.transfers.iter().map(AsRef::as_ref).collect();
    query = bind_transfers(query, &transfers);
    if parts.notes {
        query = bind_notes(query, &transfers);
    }
    if parts.links {
        query = bind_links(query, &transfers);
    }
    query = bind_entries(query, &writes.entries);
    if parts.changes {
        query = bind_opened(bind_changes(query, &writes.changes), &writes.opened);
    }
    if parts.holds {
        query = holds::bind_begun(query, &writes.begun_holds);
        query = holds::bind_batches(query, &writes.batches);
        query = holds::bind_changed(query, &writes.changed_holds);
    }
    if parts.audit {
        query = audit::bind_details(audit::bind_lines(query, &writes.audit), &writes.audit);
    }
    query
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
        .bind(commit.follows_head())
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

fn bind_limits<'q>(query: BoundQuery<'q>, wallets: &'q [WalletUpdate]) -> BoundQuery<'q> {
    let limits = |wallet: &WalletUpdate| wallet.now.limits.as_deref().map(|state| state.limits);
    let outflow = |wallet: &WalletUpdate| wallet.now.limits.as_deref().map(|state| state.outflow);
    let decimal = |money: Option<Money>| money.map(Money::to_decimal);
    query
        .bind(column(wallets, |wallet| {
            decimal(limits(wallet).and_then(|limits| limits.per_transfer))
        }))
        .bind(column(wallets, |wallet| {
            decimal(limits(wallet).and_then(|limits| limits.per_day_amount))
        }))
        .bind(column(wallets, |wallet| {
            limits(wallet).and_then(|limits| limits.per_day_count)
        }))
        .bind(column(wallets, |wallet| outflow(wallet).map(|outflow| outflow.day)))
        .bind(column(wallets, |wallet| {
            decimal(outflow(wallet).map(|outflow| outflow.amount))
        }))
        .bind(column(wallets, |wallet| {
            outflow(wallet).map(|outflow| outflow.transfers)
        }))
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
            transfer.failure.map(|failure| failure.stored())
        }))
        .bind(column(transfers, |transfer| available(transfer)))
        .bind(column(transfers, |transfer| {
            transfer.request_id.as_ref().map(RequestId::to_bytes)
        }))
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
        .bind(column(transfers, |transfer| transfer.api_key))
        .bind(column(transfers, |transfer| {
            transfer.texts.as_ref().map(|texts| texts.digest.0.as_slice())
        }))
        .bind(column(transfers, |transfer| {
            let salt = transfer.texts.as_ref().and_then(|texts| texts.salt.as_ref());
            salt.map(|salt| salt.0.as_slice())
        }))
}

fn bind_links<'q>(query: BoundQuery<'q>, transfers: &[&'q Transfer]) -> BoundQuery<'q> {
    query
        .bind(column(transfers, |transfer| transfer.parent.map(|parent| parent.0)))
        .bind(column(transfers, |transfer| transfer.batch.map(|batch| batch.0)))
        .bind(column(transfers, |transfer| transfer.released.map(Money::to_decimal)))
        .bind(column(transfers, |transfer| transfer.expires_at))
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
        .bind(column(changes, |change| {
            change.request_id.as_ref().map(RequestId::to_bytes)
        }))
        .bind(
            changes
                .iter()
                .map(|change| change.before.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind(changes.iter().map(|change| change.after.as_str()).collect::<Vec<_>>())
        .bind(column(changes, |change| change.state.balance.to_decimal()))
        .bind(column(changes, |change| change.state.held.to_decimal()))
        .bind(column(changes, |change| change.state.version.0))
        .bind(column(changes, |change| change.state.status.as_str()))
        .bind(column(changes, |change| change.state.limits.as_text()))
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
