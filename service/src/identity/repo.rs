//! The SQL of users.

use entity::users;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};

use super::{IdentityError, User};
use crate::db::Fault;
use crate::values::{Currency, UserId};

pub(super) struct NewUser {
    pub user: User,
    pub password_hash: String,
    /// The currency of the wallet that the registration opens; `None` for a user without one.
    pub first_currency: Option<Currency>,
}

/// A user with what a sign-in needs: the hash to check, and the wallet that may still have to be opened.
pub(super) struct Account {
    pub user: User,
    pub password_hash: String,
    pub first_currency: Option<Currency>,
}

pub(super) async fn insert(db: &impl ConnectionTrait, new: &NewUser) -> Result<(), IdentityError> {
    let user = new.user.clone();
    let row = users::ActiveModel {
        id: Set(user.id),
        email: Set(user.email),
        full_name: Set(user.full_name),
        password_hash: Set(new.password_hash.clone()),
        role: Set(user.role),
        status: Set(user.status),
        first_currency: Set(new.first_currency),
        created_at: Set(user.created_at),
        updated_at: Set(user.updated_at),
    };
    row.insert(db).await.map_err(|error| {
        let fault = Fault::from(error);
        if fault.is_unique_violation_of("email") {
            IdentityError::EmailTaken
        } else {
            fault.into()
        }
    })?;
    Ok(())
}

pub(super) async fn find(db: &impl ConnectionTrait, id: UserId) -> Result<Option<User>, Fault> {
    let row = users::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| account(row).user))
}

pub(super) async fn find_by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<Account>, Fault> {
    let row = users::Entity::find()
        .filter(users::Column::Email.eq(email))
        .one(db)
        .await?;
    Ok(row.map(account))
}

fn account(row: users::Model) -> Account {
    Account {
        user: User {
            id: row.id,
            email: row.email,
            full_name: row.full_name,
            role: row.role,
            status: row.status,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        password_hash: row.password_hash,
        first_currency: row.first_currency,
    }
}
