//! The journal: one row for every group commit. Written once, never changed.

use sea_orm::entity::prelude::*;

use crate::values::{RecordId, Sha256Digest, Timestamp};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "journal")]
pub struct Model {
    /// 0 for the ledger's birth, and no gap after it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub at: Timestamp,
    /// The greatest id of the transfers and changes up to here.
    pub last_id: RecordId,
    pub transfers: i32,
    pub changes: i32,
    pub root: Sha256Digest,
    pub digest: Sha256Digest,
}

impl ActiveModelBehavior for ActiveModel {}
