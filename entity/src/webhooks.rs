//! Endpoints of webhooks: where users want to be told of which events, and how far each has come.

use sea_orm::entity::prelude::*;

use crate::values::{RecordId, SigningScheme, UserId, WebhookId, WebhookStatus, WebhookWorkerId};

/// An endpoint.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    /// Ids sort as the endpoints were made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WebhookId,
    /// Whose events go there.
    pub user_id: UserId,
    /// Where they go; empty once it is deleted.
    pub url: String,
    /// The only types of events that it gets, with blanks between them; `None` for all.
    pub types: Option<String>,
    /// The only wallets whose events it gets, with blanks between them; `None` for every wallet.
    pub wallet_ids: Option<String>,
    /// What it is for, in its owner's words.
    pub description: Option<String>,
    /// Whether an event waits until the one before it is settled.
    pub is_ordered: bool,
    /// Whether it gets the events of all users' wallets, as long as its owner may read them.
    pub is_bank_wide: bool,
    /// How its requests are signed.
    pub scheme: SigningScheme,
    /// Whether events go there.
    pub status: WebhookStatus,
    /// Why it is disabled; set exactly when it is.
    pub disabled_reason: Option<String>,
    /// The record up to which all its events are settled.
    pub mark: RecordId,
    /// When its first attempt failed after the last success; `None` after a success.
    pub failing_since: Option<DateTimeUtc>,
    /// Counted up with each change but those of the process that sends.
    pub revision: i64,
    /// Counted up with each replay: the mark may be the same after it.
    pub replays: i64,
    /// The process that alone may send to it; `None` while there is none.
    pub holder: Option<WebhookWorkerId>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When its revision was last counted up.
    pub updated_at: DateTimeUtc,
    /// When it was deleted; the row stays until its deliveries are gone.
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
