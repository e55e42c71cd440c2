//! The SQL of users.

mod user_list;

pub(super) use user_list::list_users;

use std::collections::{HashMap, HashSet};

use entity::users;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Set, Statement,
};
use serde_json::json;

use super::search::name_key;
use super::{IdentityError, User};
use crate::db::{Fault, SqlDialect};
use crate::values::{Currency, Role, Timestamp, UserId, UserStatus};

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
        name_key: Set(name_key(&user.full_name)),
        full_name: Set(user.full_name),
        password_hash: Set(new.password_hash.clone()),
        role: Set(user.role),
        status: Set(user.status),
        first_currency: Set(new.first_currency),
        created_at: Set(user.created_at),
        updated_at: Set(user.updated_at),
        erased_at: Set(None),
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
    let found = find_account(db, id).await?;
    Ok(found.map(|account| account.user))
}

pub(super) async fn find_account(db: &impl ConnectionTrait, id: UserId) -> Result<Option<Account>, Fault> {
    let row = users::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(account))
}

/// A user, locked against other changes until this transaction ends. Rows that name the user can still be written.
pub(super) async fn lock(tx: &DatabaseTransaction, id: UserId) -> Result<Option<Account>, Fault> {
    let query = users::Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
    Ok(query.one(tx).await?.map(account))
}

/// Locks two users, who may be the same, in id order so that two who change each other cannot deadlock.
pub(super) async fn lock_both(tx: &DatabaseTransaction, ids: [UserId; 2]) -> Result<HashMap<UserId, Account>, Fault> {
    let query = users::Entity::find()
        .filter(users::Column::Id.is_in(ids))
        .order_by_asc(users::Column::Id)
        .lock(LockType::NoKeyUpdate);
    let rows = query.all(tx).await?.into_iter();
    Ok(rows.map(|row| (row.id, account(row))).collect())
}

/// What is changed of a user.
pub(super) enum Change {
    Status(UserStatus),
    Role(Role),
    PasswordHash(String),
    FullName(String),
    Email(String),
}

/// Changes a locked user, and gives what the user is now; `None` if there is no such user.
pub(super) async fn change(
    tx: &DatabaseTransaction,
    id: UserId,
    change: Change,
    now: Timestamp,
) -> Result<Option<User>, Fault> {
    let mut row = users::ActiveModel {
        updated_at: Set(now),
        ..Default::default()
    };
    match change {
        Change::Status(status) => row.status = Set(status),
        Change::Role(role) => row.role = Set(role),
        Change::PasswordHash(hash) => row.password_hash = Set(hash),
        Change::FullName(name) => {
            row.name_key = Set(name_key(&name));
            row.full_name = Set(name);
        }
        Change::Email(email) => row.email = Set(email),
    }
    let update = users::Entity::update_many().set(row).filter(users::Column::Id.eq(id));
    let changed = update.exec_with_returning(tx).await?.into_iter().next();
    Ok(changed.map(|row| account(row).user))
}

/// Puts a new hash of the same password in the place of the old one, unless the password was changed meanwhile.
pub(super) async fn replace_hash(db: &impl ConnectionTrait, id: UserId, old: &str, new: &str) -> Result<(), Fault> {
    let row = users::ActiveModel {
        password_hash: Set(new.to_owned()),
        ..Default::default()
    };
    let update = users::Entity::update_many()
        .set(row)
        .filter(users::Column::Id.eq(id))
        .filter(users::Column::PasswordHash.eq(old));
    update.exec(db).await?;
    Ok(())
}

pub(super) async fn find_by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<Account>, Fault> {
    let row = users::Entity::find()
        .filter(users::Column::Email.eq(email))
        .one(db)
        .await?;
    Ok(row.map(account))
}

/// The ids of the users with these addresses, by address. The addresses are one parameter, so that the text of the
/// statement does not depend on their number.
pub(super) async fn ids_by_email(
    db: &impl ConnectionTrait,
    emails: &HashSet<&str>,
) -> Result<HashMap<String, UserId>, Fault> {
    if emails.is_empty() {
        return Ok(HashMap::new());
    }
    let asked = SqlDialect::of(db).texts_of_json("$1");
    let sql = format!("SELECT id, email FROM users WHERE email IN ({asked})");
    let values = [json!(emails).to_string().into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = db.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| Ok((row.try_get("", "email")?, row.try_get("", "id")?)))
        .collect()
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
