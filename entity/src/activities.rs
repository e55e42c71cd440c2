//! Table `activities`: one row for each event of the merchants' feeds.

use sea_orm::entity::prelude::*;

use crate::values::{ActivityStatus, Channel, Money, Product, Timestamp};

/// One activity of a merchant.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "activities")]
pub struct Model {
    /// The feed's id of the event; another row with the same id is a duplicate.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// When it happened, as the feed says.
    pub occurred_at: Timestamp,
    /// The feed's amount; zero where the feed's text was not an amount.
    pub amount: Money,
    /// The product that the merchant used.
    pub product: Product,
    /// How the activity ended.
    pub status: ActivityStatus,
    /// Where it came from; `None` when the feed's channel is blank or unknown.
    pub channel: Option<Channel>,
    /// The feed's id of the merchant: 1 to 128 bytes.
    pub merchant_id: String,
    /// The feed's text for the type of event; at most 64 bytes are kept.
    pub event_type: String,
    /// The feed's text for the region; at most 64 bytes are kept.
    pub region: String,
    /// The feed's text for the merchant's tier; at most 64 bytes are kept.
    pub merchant_tier: String,
}

impl ActiveModelBehavior for ActiveModel {}
