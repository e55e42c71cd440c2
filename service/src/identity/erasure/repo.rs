//! The SQL of erasing a user's own row, and of what is left of erasures.

use chrono::TimeDelta;
use entity::users;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set, Statement};

use crate::db::Fault;
use crate::identity::ERASED_NAME;
use crate::identity::passwords::unmatchable_hash;
use crate::identity::rules::erased_email;
use crate::values::{Timestamp, UserId, UserStatus};

/// For how long after the end of an erasure it is looked for what was written late.
const LATE_MAX: TimeDelta = TimeDelta::minutes(10);
/// The most users of a kind that one look takes.
const USERS_MAX: usize = 1_000;

/// Replaces the address, the name and the hash by values that no user can have.
pub(super) async fn erase_user(tx: &DatabaseTransaction, id: UserId, now: Timestamp) -> Result<(), Fault> {
    let row = users::ActiveModel {
        email: Set(erased_email(id)),
        full_name: Set(ERASED_NAME.to_owned()),
        name_key: Set(String::new()),
        password_hash: Set(unmatchable_hash()),
        status: Set(UserStatus::Erased),
        first_currency: Set(None),
        updated_at: Set(now),
        ..Default::default()
    };
    let update = users::Entity::update_many().set(row).filter(users::Column::Id.eq(id));
    update.exec(tx).await?;
    Ok(())
}

/// Notes that an erasure has ended, unless that is noted.
pub(super) async fn note_finished(db: &impl ConnectionTrait, user: UserId, now: Timestamp) -> Result<(), Fault> {
    let row = users::ActiveModel {
        erased_at: Set(Some(now)),
        ..Default::default()
    };
    let update = users::Entity::update_many()
        .set(row)
        .filter(users::Column::Id.eq(user))
        .filter(users::Column::ErasedAt.is_null());
    update.exec(db).await?;
    Ok(())
}

/// Users whose erasure has not ended, and those whose erasure has ended lately. The conditions are those of two indexes.
pub(super) async fn to_finish(db: &impl ConnectionTrait, now: Timestamp) -> Result<Vec<UserId>, Fault> {
    let begun =
        format!("SELECT id FROM users WHERE status = 'erased' AND erased_at IS NULL ORDER BY id LIMIT {USERS_MAX}");
    let lately = format!("SELECT id FROM users WHERE erased_at > $1 ORDER BY erased_at LIMIT {USERS_MAX}");
    let backend = db.get_database_backend();
    let mut users = Vec::new();
    for statement in [
        Statement::from_string(backend, begun),
        Statement::from_sql_and_values(backend, lately, [(now - LATE_MAX).into()]),
    ] {
        for row in db.query_all_raw(statement).await? {
            users.push(row.try_get("", "id")?);
        }
    }
    Ok(users)
}
