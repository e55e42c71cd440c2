//! The ranges of indexes that contain a list.
//!
//! What moved money is found through the entries of its wallets, holds and releases through partial indexes by either
//! side, refusals through partial indexes by source and by the user who asked. Transfers between customers have no other
//! index by wallet, since each would cost the commit path a fifth of its speed.

use entity::{entries, holds, transfers};
use sea_orm::sea_query::{Expr, ExprTrait, IntoTableRef, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition};

use super::super::is_not;
use super::Scope;
use crate::clock::id_floor;
use crate::page::PageRequest;
use crate::transfers::TransferFilter;
use crate::values::{Timestamp, TransferId, TransferKind, TransferStatus, UserId, WalletId};

/// The column of a range.
pub(super) const ID: &str = "id";

/// The ids that a page may show. Ids carry their creation time, so a time is a bound on them.
pub(super) struct Span {
    /// Only ids below this one.
    pub below: Option<TransferId>,
    from: Option<TransferId>,
}

impl Span {
    pub fn of(filter: &TransferFilter, request: &PageRequest<TransferId>) -> Self {
        let floor = |time: Timestamp| TransferId(id_floor(time));
        let to = filter.to.map(floor);
        Self {
            below: [request.after, to].into_iter().flatten().min(),
            from: filter.from.map(floor),
        }
    }

    /// The ranges that together contain the list; none if nothing can be in it.
    pub fn ranges(&self, scope: &Scope, filter: &TransferFilter) -> Vec<SelectStatement> {
        use transfers::Column::{BatchId, ParentId};
        if let Some(batch) = filter.batch {
            return vec![self.of_transfers(BatchId.is_not_null().and(BatchId.eq(batch)))];
        }
        if let Some(parent) = filter.parent {
            return vec![self.of_transfers(ParentId.is_not_null().and(ParentId.eq(parent)))];
        }
        match scope {
            Scope::Bank => self.of_bank(filter),
            Scope::Wallets(wallets) => self.of_wallets(wallets, filter).collect(),
            Scope::Customer { user, wallets, .. } => {
                let each = self.of_wallets(wallets, filter);
                let asked = may_be_refused(filter).then(|| self.asked_by(*user));
                each.chain(asked).collect()
            }
        }
    }

    /// A list of the whole bank. Open holds, refusals and kinds other than TRANSFER have indexes; the others are most rows
    /// of the table.
    fn of_bank(&self, filter: &TransferFilter) -> Vec<SelectStatement> {
        use transfers::Column::Kind;
        let of_kind = |kind| self.of_transfers(is_not(Kind, TransferKind::Transfer).and(Kind.eq(kind)));
        match (filter.status, filter.kind) {
            (Some(TransferStatus::Pending), None | Some(TransferKind::Hold)) => {
                let is_open = holds::Column::End.is_null();
                vec![self.range(holds::Entity, holds::Column::Id, is_open.into())]
            }
            // Only a hold is ever pending.
            (Some(TransferStatus::Pending), Some(_)) => Vec::new(),
            // Holds that were voided or have expired are shown as FAILED too.
            (Some(TransferStatus::Failed), None) => {
                vec![self.of_transfers(is_refused()), of_kind(TransferKind::Hold)]
            }
            (_, Some(TransferKind::Hold)) => vec![of_kind(TransferKind::Hold)],
            (Some(TransferStatus::Failed), Some(_)) => vec![self.of_transfers(is_refused())],
            (_, Some(kind)) if kind != TransferKind::Transfer => vec![of_kind(kind)],
            (_, _) => vec![self.range(transfers::Entity, transfers::Column::Id, Condition::all())],
        }
    }

    fn of_wallets(&self, wallets: &[WalletId], filter: &TransferFilter) -> impl Iterator<Item = SelectStatement> {
        wallets.iter().flat_map(|wallet| self.of_wallet(*wallet, filter))
    }

    fn of_wallet(&self, wallet: WalletId, filter: &TransferFilter) -> Vec<SelectStatement> {
        use transfers::Column::{DestinationWalletId, SourceWalletId};
        let mut ranges = Vec::new();
        if may_have_moved(filter) {
            let of_wallet = entries::Column::WalletId.eq(wallet);
            ranges.push(self.range(entries::Entity, entries::Column::TransferId, of_wallet.into()));
        }
        if may_be_held(filter) {
            ranges.push(self.of_transfers(is_held().and(SourceWalletId.eq(wallet))));
            ranges.push(self.of_transfers(is_held().and(DestinationWalletId.eq(wallet))));
        }
        if may_be_refused(filter) {
            ranges.push(self.of_transfers(is_refused().and(SourceWalletId.eq(wallet))));
        }
        ranges
    }

    fn asked_by(&self, user: UserId) -> SelectStatement {
        use transfers::Column::CreatedBy;
        self.of_transfers(is_refused().and(CreatedBy.is_not_null()).and(CreatedBy.eq(user)))
    }

    fn of_transfers(&self, of: Expr) -> SelectStatement {
        self.range(transfers::Entity, transfers::Column::Id, of.into())
    }

    /// The ids of one index, newest first.
    fn range(&self, table: impl IntoTableRef, id: impl ColumnTrait, of: Condition) -> SelectStatement {
        Query::select()
            .expr_as(Expr::col(id), ID)
            .from(table)
            .cond_where(self.within(id, of))
            .order_by(id, Order::Desc)
            .to_owned()
    }

    fn within(&self, id: impl ColumnTrait, of: Condition) -> Condition {
        let below = self.below.map(|below| id.lt(below));
        let from = self.from.map(|from| id.gte(from));
        of.add_option(below).add_option(from)
    }
}

/// The condition of the partial indexes of holds and releases. Its values are written out, as in `is_not`.
fn is_held() -> Expr {
    let kinds = [TransferKind::Hold, TransferKind::Release].map(|kind| Expr::Constant(kind.into()));
    Expr::col(transfers::Column::Kind)
        .is_in(kinds)
        .and(is_not(transfers::Column::Status, TransferStatus::Failed))
}

/// The condition of the partial indexes of refusals.
fn is_refused() -> Expr {
    Expr::col(transfers::Column::Status).eq(Expr::Constant(TransferStatus::Failed.into()))
}

/// Whether the list may have refusals.
fn may_be_refused(filter: &TransferFilter) -> bool {
    matches!(filter.status, None | Some(TransferStatus::Failed))
}

/// Whether the list may have transfers that moved money.
fn may_have_moved(filter: &TransferFilter) -> bool {
    matches!(filter.status, None | Some(TransferStatus::Completed))
        && !matches!(filter.kind, Some(TransferKind::Hold | TransferKind::Release))
}

/// Whether the list may have holds or releases that were not refused. A hold may be shown with any status, a release is
/// COMPLETED.
fn may_be_held(filter: &TransferFilter) -> bool {
    match filter.kind {
        None | Some(TransferKind::Hold) => true,
        Some(TransferKind::Release) => matches!(filter.status, None | Some(TransferStatus::Completed)),
        Some(
            TransferKind::Transfer
            | TransferKind::Deposit
            | TransferKind::Withdrawal
            | TransferKind::Reversal
            | TransferKind::Capture,
        ) => false,
    }
}
