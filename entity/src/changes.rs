//! What group commits did besides moving money: wallets opened, frozen, unfrozen, closed. Written once, never changed.

use sea_orm::entity::prelude::*;

use crate::values::{ChangeId, ChangeKind, UserId, WalletId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    /// In one order with the ids of transfers.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChangeId,
    pub kind: ChangeKind,
    pub subject: WalletId,
    /// Who asked for it; `None` where the wallet's owner did.
    pub created_by: Option<UserId>,
    /// The status before; `None` for an opening.
    pub before: Option<String>,
    /// The status after; of an opening, what was opened for whom.
    pub after: String,
}

impl ActiveModelBehavior for ActiveModel {}
