//! The secrets that sign webhooks. The bank must sign with them, so they are stored as they are.

use sea_orm::entity::prelude::*;

use crate::sessions::HiddenBytes;
use crate::values::WebhookId;

/// A secret of an endpoint. It has two while the receiver changes from one to the next.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_secrets")]
pub struct Model {
    /// The endpoint.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: WebhookId,
    /// Counted up with each new secret of the endpoint, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    /// 24 to 64 bytes.
    pub secret: HiddenBytes,
    /// When it signs no more; `None` for the newest one.
    pub expires_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
