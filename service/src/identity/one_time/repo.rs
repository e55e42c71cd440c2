//! The SQL of one-time tokens.

use entity::one_time_tokens::{self, OneTimeTokenPurpose};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Set,
};

use super::rules::StoredOneTimeToken;
use crate::db::Fault;
use crate::values::{OneTimeTokenId, Sha256Digest, Timestamp, UserId};

/// A token to store.
pub(super) struct NewOneTimeToken {
    pub id: OneTimeTokenId,
    pub user: UserId,
    pub purpose: OneTimeTokenPurpose,
    pub digest: Sha256Digest,
    /// The member of staff who made it; `None` for one that a person asked for.
    pub made_by: Option<UserId>,
    pub email: Option<String>,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

/// Stores a token in the place of the user's older one for this purpose. The caller has locked the user.
pub(super) async fn replace(tx: &DatabaseTransaction, new: NewOneTimeToken) -> Result<(), Fault> {
    let older = one_time_tokens::Entity::delete_many()
        .filter(one_time_tokens::Column::UserId.eq(new.user))
        .filter(one_time_tokens::Column::Purpose.eq(new.purpose));
    older.exec(tx).await?;
    let row = one_time_tokens::ActiveModel {
        id: Set(new.id),
        user_id: Set(new.user),
        purpose: Set(new.purpose),
        digest: Set(new.digest),
        made_by: Set(new.made_by),
        email: Set(new.email),
        created_at: Set(new.now),
        expires_at: Set(new.expires_at),
        used_at: Set(None),
    };
    one_time_tokens::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// True if staff have made a token for a user's password that can still be used.
pub(super) async fn has_token_of_staff(tx: &DatabaseTransaction, user: UserId, now: Timestamp) -> Result<bool, Fault> {
    let query = one_time_tokens::Entity::find()
        .filter(one_time_tokens::Column::UserId.eq(user))
        .filter(one_time_tokens::Column::Purpose.eq(OneTimeTokenPurpose::Password))
        .filter(one_time_tokens::Column::MadeBy.is_not_null())
        .filter(one_time_tokens::Column::UsedAt.is_null())
        .filter(one_time_tokens::Column::ExpiresAt.gt(now));
    Ok(query.one(tx).await?.is_some())
}

pub(super) async fn find(db: &impl ConnectionTrait, digest: Sha256Digest) -> Result<Option<StoredOneTimeToken>, Fault> {
    let query = one_time_tokens::Entity::find().filter(one_time_tokens::Column::Digest.eq(digest));
    Ok(query.one(db).await?.map(stored))
}

/// A token, locked against other uses until this transaction ends.
pub(super) async fn lock(tx: &DatabaseTransaction, digest: Sha256Digest) -> Result<Option<StoredOneTimeToken>, Fault> {
    let query = one_time_tokens::Entity::find().filter(one_time_tokens::Column::Digest.eq(digest));
    Ok(query.lock(LockType::NoKeyUpdate).one(tx).await?.map(stored))
}

/// Marks a locked token as used, and deletes all others of its user.
pub(super) async fn use_up(tx: &DatabaseTransaction, token: &StoredOneTimeToken, now: Timestamp) -> Result<(), Fault> {
    let change = one_time_tokens::ActiveModel {
        used_at: Set(Some(now)),
        ..Default::default()
    };
    let update = one_time_tokens::Entity::update_many()
        .set(change)
        .filter(one_time_tokens::Column::Id.eq(token.id));
    update.exec(tx).await?;
    let others = one_time_tokens::Entity::delete_many()
        .filter(one_time_tokens::Column::UserId.eq(token.user))
        .filter(one_time_tokens::Column::Id.ne(token.id));
    others.exec(tx).await?;
    Ok(())
}

/// Deletes the tokens of other users that would confirm an address.
pub(in crate::identity) async fn delete_naming(tx: &DatabaseTransaction, email: &str) -> Result<(), Fault> {
    let delete = one_time_tokens::Entity::delete_many().filter(one_time_tokens::Column::Email.eq(email));
    delete.exec(tx).await?;
    Ok(())
}

/// Deletes all tokens of a user. The caller has locked the user.
pub(in crate::identity) async fn delete_of(tx: &DatabaseTransaction, user: UserId) -> Result<(), Fault> {
    let delete = one_time_tokens::Entity::delete_many().filter(one_time_tokens::Column::UserId.eq(user));
    delete.exec(tx).await?;
    Ok(())
}

/// Deletes at most so many tokens that have expired, and gives how many.
pub(super) async fn delete_expired(db: &impl ConnectionTrait, now: Timestamp, limit: u64) -> Result<u64, Fault> {
    let some = one_time_tokens::Entity::find()
        .select_only()
        .column(one_time_tokens::Column::Id)
        .filter(one_time_tokens::Column::ExpiresAt.lte(now))
        .limit(limit);
    let delete =
        one_time_tokens::Entity::delete_many().filter(one_time_tokens::Column::Id.in_subquery(some.into_query()));
    Ok(delete.exec(db).await?.rows_affected)
}

fn stored(row: one_time_tokens::Model) -> StoredOneTimeToken {
    StoredOneTimeToken {
        id: row.id,
        user: row.user_id,
        purpose: row.purpose,
        email: row.email,
        expires_at: row.expires_at,
        is_used: row.used_at.is_some(),
    }
}
