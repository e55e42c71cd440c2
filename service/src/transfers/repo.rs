//! The SQL of reading transfers.
//!
//! A wallet's completed transfers are found through its entries, the others through two partial indexes; transfers have no
//! further index by wallet, since each costs the commit path a fifth of its speed.

use entity::{entries, transfers, wallets};
use sea_orm::sea_query::{Expr, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};

use super::TransferFilter;
use crate::clock::id_floor;
use crate::db::Fault;
use crate::ledger::{Transfer, transfer_of};
use crate::page::PageRequest;
use crate::values::{TransferId, TransferStatus, UserId, WalletId};

pub(super) async fn find(db: &impl ConnectionTrait, id: TransferId) -> Result<Option<Transfer>, Fault> {
    transfers::Entity::find_by_id(id)
        .one(db)
        .await?
        .map(transfer_of)
        .transpose()
}

/// The same as the owner of these wallets sees it. One statement on one table, whether it is not there or only not theirs.
pub(super) async fn find_of(
    db: &impl ConnectionTrait,
    own: &[WalletId],
    id: TransferId,
) -> Result<Option<Transfer>, Fault> {
    let is_own = |side: transfers::Column| side.is_in(own.iter().copied());
    let is_shown = Condition::any().add(is_own(transfers::Column::SourceWalletId)).add(
        Condition::all()
            .add(is_own(transfers::Column::DestinationWalletId))
            .add(transfers::Column::Status.ne(TransferStatus::Failed)),
    );
    transfers::Entity::find_by_id(id)
        .filter(is_shown)
        .one(db)
        .await?
        .map(transfer_of)
        .transpose()
}

pub(super) async fn wallets_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<WalletId>, Fault> {
    let owned = wallets::Entity::find()
        .filter(wallets::Column::UserId.eq(user))
        .all(db)
        .await?;
    Ok(owned.into_iter().map(|wallet| wallet.id).collect())
}

pub(super) async fn list_all(
    db: &impl ConnectionTrait,
    filter: &TransferFilter,
    request: &PageRequest<TransferId>,
) -> Result<Vec<Transfer>, Fault> {
    page(db, filtered(filter, request), request).await
}

/// Which refused transfers are a wallet's own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    OfSource,
    OfEitherSide,
}

/// For each wallet the newest candidates from its entries and from its unfinished transfers, then the newest of them all.
pub(super) async fn list_of_wallets(
    db: &impl ConnectionTrait,
    wallets: &[WalletId],
    refused: Refused,
    filter: &TransferFilter,
    request: &PageRequest<TransferId>,
) -> Result<Vec<Transfer>, Fault> {
    if wallets.is_empty() {
        return Ok(Vec::new());
    }
    let mut candidates = Condition::any();
    if filter.status.is_none_or(|status| status == TransferStatus::Completed) {
        candidates = candidates.add(transfers::Column::Id.in_subquery(ids_in_entries(wallets)));
    }
    if filter.status != Some(TransferStatus::Completed) {
        let (source, destination) = (
            transfers::Column::SourceWalletId,
            transfers::Column::DestinationWalletId,
        );
        let to_wallets = unfinished(destination, wallets);
        candidates = candidates.add(unfinished(source, wallets)).add(match refused {
            Refused::OfEitherSide => to_wallets,
            // A stranger may have refused transfers to this wallet by the million: the index leads past them.
            Refused::OfSource => to_wallets.add(transfers::Column::Status.eq(TransferStatus::Pending)),
        });
    }
    page(db, filtered(filter, request).filter(candidates), request).await
}

/// Names the partial indexes' own condition, so that SQLite may use them.
fn unfinished(side: transfers::Column, wallets: &[WalletId]) -> Condition {
    Condition::all()
        .add(transfers::Column::Status.ne(TransferStatus::Completed))
        .add(side.is_in(wallets.iter().copied()))
}

fn ids_in_entries(wallets: &[WalletId]) -> SelectStatement {
    Query::select()
        .expr(Expr::col(entries::Column::TransferId))
        .from(entries::Entity)
        .and_where(entries::Column::WalletId.is_in(wallets.iter().copied()))
        .to_owned()
}

/// Ids carry their creation time, so a time is a bound on the primary key.
fn filtered(filter: &TransferFilter, request: &PageRequest<TransferId>) -> Select<transfers::Entity> {
    use transfers::Column::{Id, Kind, Status};
    transfers::Entity::find()
        .apply_if(request.after, |query, after| query.filter(Id.lt(after)))
        .apply_if(filter.status, |query, status| query.filter(Status.eq(status)))
        .apply_if(filter.kind, |query, kind| query.filter(Kind.eq(kind)))
        .apply_if(filter.from, |query, from| {
            query.filter(Id.gte(TransferId(id_floor(from))))
        })
        .apply_if(filter.to, |query, to| query.filter(Id.lt(TransferId(id_floor(to)))))
}

async fn page(
    db: &impl ConnectionTrait,
    query: Select<transfers::Entity>,
    request: &PageRequest<TransferId>,
) -> Result<Vec<Transfer>, Fault> {
    let found = query
        .order_by_desc(transfers::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    found.into_iter().map(transfer_of).collect()
}
