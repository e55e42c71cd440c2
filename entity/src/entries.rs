//! Each wallet's side of a completed transfer. Written once, never changed.

use sea_orm::entity::prelude::*;

use crate::values::{Money, TransferId, Version, WalletId};

/// One wallet's side of a completed transfer.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entries")]
pub struct Model {
    /// The wallet whose balance changed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub wallet_id: WalletId,
    /// The completed transfer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub transfer_id: TransferId,
    /// 1 for the wallet's first entry, then one more for each entry, without a gap.
    pub version: Version,
    /// Negative on the source's side, positive on the destination's.
    pub amount: Money,
    /// The wallet's balance once this entry is applied.
    pub balance_after: Money,
}

impl ActiveModelBehavior for ActiveModel {}
