//! Each wallet's side of a completed transfer. Written once, never changed.

use sea_orm::entity::prelude::*;

use crate::values::{Money, TransferId, Version, WalletId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entries")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub wallet_id: WalletId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub transfer_id: TransferId,
    /// 1 for the wallet's first entry, and no gap after it.
    pub version: Version,
    /// Negative on the source's side.
    pub amount: Money,
    pub balance_after: Money,
}

impl ActiveModelBehavior for ActiveModel {}
