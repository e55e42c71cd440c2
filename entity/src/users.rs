//! Who may sign in.

use sea_orm::entity::prelude::*;

use crate::values::{Currency, Role, UserId, UserStatus};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// Lower-cased, unique.
    pub email: String,
    pub full_name: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
    pub role: Role,
    pub status: UserStatus,
    /// Of the wallet that comes with a customer's registration; `None` where none does.
    pub first_currency: Option<Currency>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
