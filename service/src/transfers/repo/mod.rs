//! The SQL of reading transfers.

mod lists;

pub(super) use lists::{Scope, list};

use std::collections::HashMap;
use std::sync::Arc;

use entity::{batches, holds, transfers, wallets};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Value};

use super::shown::{ShownTransfer, Viewer};
use crate::db::Fault;
use crate::ledger::{Hold, Transfer, hold_of, transfer_of};
use crate::page::PageRequest;
use crate::values::{BatchId, Money, Timestamp, TransferId, TransferKind, TransferStatus, UserId, WalletId};

pub(super) async fn find(db: &impl ConnectionTrait, id: TransferId) -> Result<Option<Transfer>, Fault> {
    transfers::Entity::find_by_id(id)
        .one(db)
        .await?
        .map(transfer_of)
        .transpose()
}

/// A transfer that a user with these wallets may see. One statement on one table, so that another customer's transfer
/// takes as long as one that does not exist.
pub(super) async fn find_of(
    db: &impl ConnectionTrait,
    (user, own): (UserId, &[WalletId]),
    id: TransferId,
) -> Result<Option<Transfer>, Fault> {
    let is_own = |side: transfers::Column| side.is_in(own.iter().copied());
    let is_failed = transfers::Column::Status.eq(TransferStatus::Failed);
    let is_shown = Condition::any()
        .add(is_own(transfers::Column::SourceWalletId))
        .add(is_own(transfers::Column::DestinationWalletId).and(is_failed.clone().not()))
        .add(transfers::Column::CreatedBy.eq(user).and(is_failed));
    transfers::Entity::find_by_id(id)
        .filter(is_shown)
        .one(db)
        .await?
        .map(transfer_of)
        .transpose()
}

/// These transfers with what has become of them at a time, for a viewer. At most two statements.
pub(super) async fn shown(
    db: &impl ConnectionTrait,
    transfers: Vec<Transfer>,
    now: Timestamp,
    viewer: Viewer<'_>,
) -> Result<Vec<ShownTransfer>, Fault> {
    let ids = |has: fn(TransferKind) -> bool| -> Vec<TransferId> {
        let found = transfers
            .iter()
            .filter(|transfer| transfer.failure.is_none() && has(transfer.kind));
        found.map(|transfer| transfer.id).collect()
    };
    let holds = holds_of(db, &ids(|kind| kind == TransferKind::Hold)).await?;
    let reversed = reversed_of(db, &ids(TransferKind::is_reversible)).await?;
    let shown = transfers.into_iter().map(|transfer| ShownTransfer {
        hold: holds.get(&transfer.id).map(|hold| hold.at(now)),
        reversed: reversed.get(&transfer.id).copied().unwrap_or_default(),
        api_key: viewer.api_key_of(&transfer),
        transfer: Arc::new(transfer),
    });
    Ok(shown.collect())
}

async fn holds_of(db: &impl ConnectionTrait, ids: &[TransferId]) -> Result<HashMap<TransferId, Hold>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = holds::Entity::find()
        .filter(holds::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    rows.into_iter().map(|row| Ok((row.id, hold_of(row)?))).collect()
}

/// The sums of the completed reversals of these transfers, for those that have any.
async fn reversed_of(db: &impl ConnectionTrait, ids: &[TransferId]) -> Result<HashMap<TransferId, Money>, Fault> {
    let mut sums = HashMap::new();
    if ids.is_empty() {
        return Ok(sums);
    }
    let rows: Vec<(TransferId, Money)> = transfers::Entity::find()
        .select_only()
        .columns([transfers::Column::ParentId, transfers::Column::Amount])
        .filter(is(transfers::Column::ParentId.is_not_null()))
        .filter(transfers::Column::ParentId.is_in(ids.iter().copied()))
        .filter(transfers::Column::Kind.eq(TransferKind::Reversal))
        .filter(transfers::Column::Status.eq(TransferStatus::Completed))
        .into_tuple()
        .all(db)
        .await?;
    for (parent, amount) in rows {
        let sum: &mut Money = sums.entry(parent).or_default();
        *sum = sum
            .checked_add(amount)
            .ok_or_else(|| Fault::damaged("the reversals of a transfer"))?;
    }
    Ok(sums)
}

pub(super) async fn wallets_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<WalletId>, Fault> {
    let owned = wallets::Entity::find()
        .filter(wallets::Column::UserId.eq(user))
        .all(db)
        .await?;
    Ok(owned.into_iter().map(|wallet| wallet.id).collect())
}

/// Transfers on wallets of others that a user asked for and that were not refused, newest first.
pub(super) async fn asked_by(
    db: &impl ConnectionTrait,
    user: UserId,
    request: &PageRequest<TransferId>,
) -> Result<Vec<Transfer>, Fault> {
    let below = request.after.map(|after| transfers::Column::Id.lt(after));
    let rows = transfers::Entity::find()
        .filter(is(transfers::Column::CreatedBy.is_not_null()))
        .filter(is_not(transfers::Column::Status, TransferStatus::Failed))
        .filter(
            Condition::all()
                .add(transfers::Column::CreatedBy.eq(user))
                .add_option(below),
        )
        .order_by_desc(transfers::Column::Id)
        .limit(request.fetch())
        .all(db)
        .await?;
    rows.into_iter().map(transfer_of).collect()
}

/// The kept outcomes of a batch.
pub(super) async fn results_of_batch(db: &impl ConnectionTrait, id: BatchId) -> Result<Option<String>, Fault> {
    let row = batches::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| row.results))
}

/// All transfers of a batch.
pub(super) async fn of_batch(db: &impl ConnectionTrait, id: BatchId) -> Result<Vec<Arc<Transfer>>, Fault> {
    let rows = transfers::Entity::find()
        .filter(is(transfers::Column::BatchId.is_not_null()))
        .filter(transfers::Column::BatchId.eq(id))
        .order_by_asc(transfers::Column::Id)
        .all(db)
        .await?;
    rows.into_iter().map(|row| transfer_of(row).map(Arc::new)).collect()
}

/// Wallets on which an open hold has expired, at most `limit`.
pub(super) async fn wallets_with_expired_holds(
    db: &impl ConnectionTrait,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<WalletId>, Fault> {
    let mut wallets: Vec<WalletId> = holds::Entity::find()
        .select_only()
        .column(holds::Column::WalletId)
        .filter(holds::Column::End.is_null())
        .filter(holds::Column::ExpiresAt.lte(now))
        .order_by_asc(holds::Column::ExpiresAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    wallets.sort_unstable();
    wallets.dedup();
    Ok(wallets)
}

/// A condition as it is, for the sake of partial indexes.
fn is(condition: Expr) -> Condition {
    Condition::all().add(condition)
}

/// The condition of a partial index, with its value written out: a generic plan cannot use the index for a parameter.
fn is_not(column: transfers::Column, value: impl Into<Value>) -> Expr {
    Expr::col(column).ne(Expr::Constant(value.into()))
}
