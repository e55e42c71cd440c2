//! Processes that send webhooks. The endpoints that name one as their holder are its own while its row is there.

use sea_orm::entity::prelude::*;

use crate::values::WebhookWorkerId;

/// A process that sends webhooks.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_workers")]
pub struct Model {
    /// Another one each time a process begins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookWorkerId,
    /// When its lease ends, in milliseconds since 1970 by the database's clock. Any process deletes the row after that.
    pub leased_until_ms: i64,
}

impl ActiveModelBehavior for ActiveModel {}
