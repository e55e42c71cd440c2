//! Table `activities`: the rows of merchants' feeds, by event.

use sea_orm::entity::prelude::*;

use crate::values::{ActivityStatus, Channel, Money, Product, Timestamp};

/// One thing that a merchant did.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "activities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    pub occurred_at: Timestamp,
    pub amount: Money,
    pub product: Product,
    pub status: ActivityStatus,
    /// `None` when the feed named no channel that we know.
    pub channel: Option<Channel>,
    pub merchant_id: String,
    pub event_type: String,
    pub region: String,
    pub merchant_tier: String,
}

impl ActiveModelBehavior for ActiveModel {}
