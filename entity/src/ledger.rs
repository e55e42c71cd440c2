//! The identity of a ledger: one row, written when the schema is created.

use sea_orm::entity::prelude::*;

use crate::values::Sha256Digest;

/// The identity of the ledger.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger")]
pub struct Model {
    /// Random; hashed into the digest of every row of the journal after row 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// 32 secret random bytes: the HMAC key for the private bytes of the journal's leaves.
    pub salt: Sha256Digest,
}

impl ActiveModelBehavior for ActiveModel {}
