//! The SQL of sessions.

use entity::sessions::{self, HiddenBytes, SessionEnd};
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, Set,
};

use super::refresh_token::RefreshToken;
use super::session::{KeptSession, LiveSession, Nonce, StoredSession};
use crate::actor::ClientInfo;
use crate::db::Fault;
use crate::page::PageRequest;
use crate::values::{SessionId, Timestamp, UserId};

/// A session to store, with its first token.
pub(super) struct NewSession<'a> {
    pub user: UserId,
    pub nonce: Nonce,
    pub token: &'a RefreshToken,
    pub client: &'a ClientInfo,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

/// Which sessions of a user are ended.
pub(in crate::identity) enum EndedSelection {
    All,
    AllBut(SessionId),
    These(Vec<SessionId>),
}

/// Whether a session was still as expected, and was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionUpdate {
    Changed,
    Stale,
}

pub(super) async fn insert(db: &impl ConnectionTrait, new: NewSession<'_>) -> Result<(), Fault> {
    let row = sessions::ActiveModel {
        id: Set(new.token.session),
        user_id: Set(new.user),
        nonce: Set(HiddenBytes(new.nonce.0.to_vec())),
        token_hash: Set(HiddenBytes(new.token.hash().to_vec())),
        generation: Set(new.token.generation.into()),
        created_at: Set(new.now),
        last_used_at: Set(new.now),
        expires_at: Set(new.expires_at),
        ended_at: Set(None),
        end_reason: Set(None),
        address: Set(new.client.address.map(|address| address.to_string())),
        user_agent: Set(new.client.user_agent.clone()),
    };
    sessions::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub(super) async fn find(db: &impl ConnectionTrait, id: SessionId) -> Result<Option<StoredSession>, Fault> {
    sessions::Entity::find_by_id(id).one(db).await?.map(stored).transpose()
}

/// A session, locked against other writers until this transaction ends.
pub(super) async fn lock(tx: &DatabaseTransaction, id: SessionId) -> Result<Option<StoredSession>, Fault> {
    let query = sessions::Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
    query.one(tx).await?.map(stored).transpose()
}

/// Puts the next token in the place of the current one; `Stale` when the session has another token or has ended.
pub(super) async fn rotate(
    tx: &DatabaseTransaction,
    session: &StoredSession,
    next: &RefreshToken,
    client: &ClientInfo,
    now: Timestamp,
) -> Result<SessionUpdate, Fault> {
    let change = sessions::ActiveModel {
        generation: Set(next.generation.into()),
        token_hash: Set(HiddenBytes(next.hash().to_vec())),
        last_used_at: Set(now),
        address: Set(client.address.map(|address| address.to_string())),
        user_agent: Set(client.user_agent.clone()),
        ..Default::default()
    };
    let update = sessions::Entity::update_many()
        .set(change)
        .filter(sessions::Column::Id.eq(session.id))
        .filter(sessions::Column::Generation.eq(i64::from(session.generation)))
        .filter(sessions::Column::TokenHash.eq(HiddenBytes(session.token_hash.to_vec())))
        .filter(sessions::Column::EndedAt.is_null());
    Ok(match update.exec(tx).await?.rows_affected {
        0 => SessionUpdate::Stale,
        _ => SessionUpdate::Changed,
    })
}

/// Ends sessions of a user, and gives those that were live.
pub(super) async fn end(
    tx: &DatabaseTransaction,
    user: UserId,
    which: EndedSelection,
    reason: SessionEnd,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    let change = sessions::ActiveModel {
        ended_at: Set(Some(now)),
        end_reason: Set(Some(reason)),
        ..Default::default()
    };
    let selected = match which {
        EndedSelection::All => Condition::all(),
        EndedSelection::AllBut(kept) => Condition::all().add(sessions::Column::Id.ne(kept)),
        EndedSelection::These(ids) => Condition::all().add(sessions::Column::Id.is_in(ids)),
    };
    let update = sessions::Entity::update_many()
        .set(change)
        .filter(live_of(user, now))
        .filter(selected);
    let ended = update.exec_with_returning(tx).await?;
    Ok(ended.into_iter().map(|row| row.id).collect())
}

/// Takes from all sessions of a user where the user was. Each kind of them has an index.
pub(in crate::identity) async fn erase_places(tx: &DatabaseTransaction, user: UserId) -> Result<(), Fault> {
    for kind in [
        sessions::Column::EndedAt.is_null(),
        sessions::Column::EndedAt.is_not_null(),
    ] {
        let row = sessions::ActiveModel {
            address: Set(None),
            user_agent: Set(None),
            ..Default::default()
        };
        let update = sessions::Entity::update_many()
            .set(row)
            .filter(sessions::Column::UserId.eq(user))
            .filter(kind);
        update.exec(tx).await?;
    }
    Ok(())
}

/// True while a session is one of the user's and neither ended nor expired.
pub(in crate::identity) async fn is_live(
    db: &impl ConnectionTrait,
    user: UserId,
    id: SessionId,
    now: Timestamp,
) -> Result<bool, Fault> {
    let query = sessions::Entity::find_by_id(id).filter(live_of(user, now));
    Ok(query.one(db).await?.is_some())
}

/// The live sessions of a user beyond the newest ones, oldest last; at most as many as a user may have.
pub(super) async fn beyond_newest(
    db: &impl ConnectionTrait,
    user: UserId,
    newest: u64,
    now: Timestamp,
) -> Result<Vec<SessionId>, Fault> {
    let query = sessions::Entity::find()
        .select_only()
        .column(sessions::Column::Id)
        .filter(live_of(user, now))
        .order_by_desc(sessions::Column::Id)
        .offset(newest)
        .limit(super::LIVE_MAX);
    Ok(query.into_tuple().all(db).await?)
}

/// The live sessions of a user, newest first; at most as many as a user may have.
pub(super) async fn live(db: &impl ConnectionTrait, user: UserId, now: Timestamp) -> Result<Vec<LiveSession>, Fault> {
    let query = sessions::Entity::find()
        .filter(live_of(user, now))
        .order_by_desc(sessions::Column::Id)
        .limit(super::LIVE_MAX);
    Ok(query.all(db).await?.into_iter().map(seen_by_owner).collect())
}

/// The stored sessions of a user, newest first: those that have been ended, or the others. Each kind has an index.
pub(super) async fn kept(
    db: &impl ConnectionTrait,
    user: UserId,
    is_ended: bool,
    request: &PageRequest<SessionId>,
) -> Result<Vec<KeptSession>, Fault> {
    let kind = if is_ended {
        sessions::Column::EndedAt.is_not_null()
    } else {
        sessions::Column::EndedAt.is_null()
    };
    let below = request.after.map(|after| sessions::Column::Id.lt(after));
    let query = sessions::Entity::find()
        .filter(sessions::Column::UserId.eq(user))
        .filter(Condition::all().add(kind).add_option(below))
        .order_by_desc(sessions::Column::Id)
        .limit(request.fetch());
    let rows = query.all(db).await?.into_iter().map(|row| KeptSession {
        ended_at: row.ended_at,
        session: seen_by_owner(row),
    });
    Ok(rows.collect())
}

fn seen_by_owner(row: sessions::Model) -> LiveSession {
    LiveSession {
        id: row.id,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        address: row.address.and_then(|text| text.parse().ok()),
        user_agent: row.user_agent,
    }
}

/// The sessions that were ended after a time, latest first, at most so many.
pub(super) async fn ended_after(
    db: &impl ConnectionTrait,
    time: Timestamp,
    limit: u64,
) -> Result<Vec<(SessionId, Timestamp)>, Fault> {
    let query = sessions::Entity::find()
        .select_only()
        .column(sessions::Column::Id)
        .column(sessions::Column::EndedAt)
        .filter(sessions::Column::EndedAt.gt(time))
        .order_by_desc(sessions::Column::EndedAt)
        .limit(limit);
    Ok(query.into_tuple().all(db).await?)
}

/// Deletes sessions that ended, or expired, before a time; of each kind at most so many, and none that another process is
/// deleting.
pub(super) async fn delete_over_before(tx: &DatabaseTransaction, time: Timestamp, limit: u64) -> Result<u64, Fault> {
    let ended = Condition::all().add(sessions::Column::EndedAt.lt(time));
    let expired = Condition::all()
        .add(sessions::Column::EndedAt.is_null())
        .add(sessions::Column::ExpiresAt.lt(time));
    let mut deleted = 0;
    for over in [ended, expired] {
        let some = sessions::Entity::find()
            .select_only()
            .column(sessions::Column::Id)
            .filter(over)
            .limit(limit)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        let delete = sessions::Entity::delete_many().filter(sessions::Column::Id.in_subquery(some.into_query()));
        deleted += delete.exec(tx).await?.rows_affected;
    }
    Ok(deleted)
}

fn live_of(user: UserId, now: Timestamp) -> Condition {
    Condition::all()
        .add(sessions::Column::UserId.eq(user))
        .add(sessions::Column::EndedAt.is_null())
        .add(sessions::Column::ExpiresAt.gt(now))
}

fn stored(row: sessions::Model) -> Result<StoredSession, Fault> {
    let damaged = || Fault::damaged("a damaged session");
    Ok(StoredSession {
        id: row.id,
        user: row.user_id,
        nonce: Nonce(row.nonce.0.try_into().map_err(|_| damaged())?),
        token_hash: row.token_hash.0.try_into().map_err(|_| damaged())?,
        generation: row.generation.try_into().map_err(|_| damaged())?,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        is_ended: row.ended_at.is_some(),
    })
}
