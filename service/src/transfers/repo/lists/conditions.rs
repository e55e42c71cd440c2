//! What a list admits: the filter, and what the caller may see. The ranges of a list may have other transfers in them.

use entity::{holds, transfers};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition};

use super::Scope;
use crate::transfers::TransferFilter;
use crate::values::{Money, Timestamp, TransferStatus};

/// Whether a transfer is in a list. Its batch, or else its parent, and its time are left to the ranges.
pub(super) fn is_admitted(scope: &Scope, filter: &TransferFilter, now: Timestamp) -> Expr {
    use transfers::Column::{Kind, ParentId};
    let parent = filter.parent.filter(|_| filter.batch.is_some());
    Condition::all()
        .add_option(filter.kind.map(|kind| Kind.eq(kind)))
        .add_option(parent.map(|parent| ParentId.eq(parent)))
        .add_option(filter.status.map(|status| is_shown_as(status, now)))
        .add_option(is_visible(scope))
        .into()
}

fn is_visible(scope: &Scope) -> Option<Expr> {
    use transfers::Column::{CreatedBy, DestinationWalletId, SourceWalletId, Status};
    let is_refused = || Status.eq(TransferStatus::Failed);
    let is_made = || Status.ne(TransferStatus::Failed);
    match scope {
        Scope::Bank => None,
        Scope::Wallets(wallets) => {
            let is_among = |side: transfers::Column| side.is_in(wallets.iter().copied());
            let is_made_to_them = is_among(DestinationWalletId).and(is_made());
            Some(is_among(SourceWalletId).or(is_made_to_them))
        }
        Scope::Customer { user, wallets, is_one } => {
            let is_own = |side: transfers::Column| side.is_in(wallets.iter().copied());
            let is_asked = is_refused().and(CreatedBy.eq(*user));
            let is_asked_here = if *is_one {
                is_asked.and(is_own(SourceWalletId).or(is_own(DestinationWalletId)))
            } else {
                is_asked
            };
            let is_made_to_them = is_own(DestinationWalletId).and(is_made());
            Some(is_own(SourceWalletId).or(is_made_to_them).or(is_asked_here))
        }
    }
}

/// Whether a transfer is shown with a status at a time. A hold is stored as PENDING whatever has become of it, as
/// `Hold::at` and `Hold::status` say.
fn is_shown_as(status: TransferStatus, now: Timestamp) -> Expr {
    use holds::Column::{Captured, End, ExpiresAt};
    use transfers::Column::Status;
    let is_open = || End.is_null().and(ExpiresAt.gt(now));
    let is_hold = |of: Expr| Status.eq(TransferStatus::Pending).and(has_hold(of));
    match status {
        TransferStatus::Pending => is_hold(is_open()),
        TransferStatus::Completed => {
            let is_captured = Captured.ne(Money::ZERO).and(is_open().not());
            Status.eq(TransferStatus::Completed).or(is_hold(is_captured))
        }
        TransferStatus::Failed => {
            let is_given_back = Captured.eq(Money::ZERO).and(is_open().not());
            Status.eq(TransferStatus::Failed).or(is_hold(is_given_back))
        }
    }
}

fn has_hold(of: Expr) -> Expr {
    let id = Expr::col((holds::Entity, holds::Column::Id));
    let is_of_transfer = id.clone().equals((transfers::Entity, transfers::Column::Id));
    let found = Query::select()
        .expr(id)
        .from(holds::Entity)
        .and_where(is_of_transfer)
        .and_where(of)
        .to_owned();
    Expr::exists(found)
}
