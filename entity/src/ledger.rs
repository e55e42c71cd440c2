//! Who a ledger is: one row, made at its birth.

use sea_orm::entity::prelude::*;

use crate::values::Sha256Digest;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Thirty-two secret bytes, as long as a digest.
    pub salt: Sha256Digest,
}

impl ActiveModelBehavior for ActiveModel {}
