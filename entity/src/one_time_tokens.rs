//! One-time tokens: with one a person sets a new password, or confirms a new e-mail address, without signing in.

use sea_orm::entity::prelude::*;

use crate::values::{OneTimeTokenId, Sha256Digest, UserId};

/// A one-time token. Its text is stored nowhere. A user has at most one for each purpose.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "one_time_tokens")]
pub struct Model {
    /// Ids sort as the tokens were made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OneTimeTokenId,
    /// Whose password or address it changes.
    pub user_id: UserId,
    /// What it is for; unique together with the user.
    pub purpose: OneTimeTokenPurpose,
    /// SHA-256 of its text; unique.
    pub digest: Sha256Digest,
    /// The member of staff who made it; `None` for one that a person asked for.
    pub made_by: Option<UserId>,
    /// The address that it confirms; set exactly when that is its purpose.
    pub email: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it ends by itself.
    pub expires_at: DateTimeUtc,
    /// When it was used; `None` while it was not.
    pub used_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a one-time token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum OneTimeTokenPurpose {
    /// To set a new password.
    #[sea_orm(string_value = "password")]
    Password,
    /// To confirm a new e-mail address.
    #[sea_orm(string_value = "email")]
    Email,
}
