//! Users.

use sea_orm::entity::prelude::*;

use crate::values::{Currency, Role, UserId, UserStatus};

/// A user: a customer, an operator or an admin.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// Its last 12 bits are the bucket of the user's wallets.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserId,
    /// Lower-cased and composed (NFC); unique. Of an erased user the id, at a domain that never exists.
    pub email: String,
    /// Composed (NFC); 1 to 200 characters. `erased` once the user is erased.
    pub full_name: String,
    /// The name as a search compares it: without case. Empty once the user is erased.
    pub name_key: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// What the user may do.
    pub role: Role,
    /// Whether the user may sign in.
    pub status: UserStatus,
    /// The currency of the wallet that a customer's registration opens; `None` for users made without a wallet.
    pub first_currency: Option<Currency>,
    /// When the user was registered.
    pub created_at: DateTimeUtc,
    /// When the row was last changed.
    pub updated_at: DateTimeUtc,
    /// When the last of what told who the user was had been erased; `None` for a user who is not erased, and until then.
    pub erased_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
