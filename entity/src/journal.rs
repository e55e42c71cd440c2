//! The journal: one row for every group commit. Written once, never changed.

use sea_orm::entity::prelude::*;

use crate::values::{RecordId, Sha256Digest, Timestamp};

/// The row of one group commit, chained to the row before it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "journal")]
pub struct Model {
    /// 0 for the ledger's creation, then one more for each commit, without a gap.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// The bank's time of the commit; never before that of the row before.
    pub at: Timestamp,
    /// The greatest id of the transfers and changes up to here.
    pub last_id: RecordId,
    /// How many transfers the commit has, recorded refusals included.
    pub transfers: i32,
    /// How many changes of wallets the commit has.
    pub changes: i32,
    /// Merkle root of the leaves of these transfers and changes.
    pub root: Sha256Digest,
    /// Digest of this row and of the digest before; random in row 0.
    pub digest: Sha256Digest,
}

impl ActiveModelBehavior for ActiveModel {}
