//! The outcomes of the transfers that one request asked for together, for a repeated request. Written once.

use sea_orm::entity::prelude::*;

use crate::values::BatchId;

/// The outcomes of one batch, at least one of which is a row of `transfers`.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "batches")]
pub struct Model {
    /// The `batch_id` of its transfers.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BatchId,
    /// JSON, in the form that `service::ledger::BatchResults` describes.
    pub results: String,
}

impl ActiveModelBehavior for ActiveModel {}
