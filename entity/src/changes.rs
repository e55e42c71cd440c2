//! What group commits did besides moving money: wallets opened, frozen, unfrozen, closed, limited. Written once, never changed.

use sea_orm::entity::prelude::*;

use crate::values::{ChangeId, ChangeKind, UserId, WalletId};

/// One change of a wallet: it was opened, frozen, unfrozen, closed or given limits.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    /// Ids of changes and of transfers share one order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChangeId,
    /// What was done to the wallet.
    pub kind: ChangeKind,
    /// The wallet that changed.
    pub subject: WalletId,
    /// The user who asked for it; `None` when it was the wallet's owner.
    pub created_by: Option<UserId>,
    /// The status or limits before; `None` for an opening.
    pub before: Option<String>,
    /// The status or limits after; for an opening, a JSON object with the currency and the owner or payment method.
    pub after: String,
}

impl ActiveModelBehavior for ActiveModel {}
