//! API keys: with one a program signs in as the person who made it.

use sea_orm::entity::prelude::*;

use crate::values::{ApiKeyId, Sha256Digest, UserId};

/// An API key. Its secret is stored nowhere.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    /// Ids sort as the keys were made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    /// The person who made it, and as whom it acts.
    pub user_id: UserId,
    /// 1 to 100 visible characters.
    pub name: String,
    /// SHA-256 of the secret; unique.
    pub digest: Sha256Digest,
    /// SHA-256 of the secret before; `None` for a key that was never rolled, or whose old secret ended at once.
    pub former_digest: Option<Sha256Digest>,
    /// When the secret before ends; set exactly when there is one.
    pub former_ends_at: Option<DateTimeUtc>,
    /// Words of permissions, with blanks between them.
    pub scopes: String,
    /// The ids of the only wallets that it may use, with blanks between them; `None` for every wallet of its owner.
    pub wallet_ids: Option<String>,
    /// The only networks that it may be used from, with blanks between them; `None` for any.
    pub addresses: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it ends by itself; `None` for never.
    pub expires_at: Option<DateTimeUtc>,
    /// When it was revoked; `None` while it was not.
    pub revoked_at: Option<DateTimeUtc>,
    /// When it was last used, to the minute; `None` for never.
    pub last_used_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
