//! Changes of a user by staff: suspended, activated, another role. Each ends all sessions of the user, in the same
//! transaction, so that no old token counts.
//!
//! Invariant: the bank keeps an active admin. Only an active admin changes an admin, and users cannot change their own role
//! or status, so the admin who asks stays one.

use sea_orm::DatabaseTransaction;

use super::detached::detached;
use super::repo::{self, Change};
use super::sessions::{self, EndedSelection, SessionEnd};
use super::{Identity, IdentityError, User, UserFilter, asker};
use crate::actor::{Actor, Permission};
use crate::db::Fault;
use crate::values::{Role, SessionId, Timestamp, UserId, UserStatus};

/// The most users that one call lists.
pub const USERS_MAX: u64 = 500;

/// A change that staff ask for.
#[derive(Clone, Copy)]
enum UserChange {
    Status(UserStatus),
    Role(Role),
}

/// A user after a change, and the sessions that it ended.
type Changed = (User, Vec<SessionId>);

impl Identity {
    /// Keeps a user from signing in and ends all of the user's sessions. A suspended user stays suspended. Refused for
    /// oneself.
    pub async fn suspend(&self, actor: &Actor, id: UserId) -> Result<User, IdentityError> {
        self.set_status(actor, id, UserStatus::Suspended).await
    }

    /// Lets a suspended user sign in again. Refused for oneself.
    pub async fn activate(&self, actor: &Actor, id: UserId) -> Result<User, IdentityError> {
        self.set_status(actor, id, UserStatus::Active).await
    }

    /// Gives a user another role and ends all of the user's sessions: an access token carries the role. Refused for
    /// oneself.
    pub async fn set_role(&self, actor: &Actor, id: UserId, role: Role) -> Result<User, IdentityError> {
        if !actor.may(Permission::UsersManage) {
            return Err(IdentityError::AdminsOnly);
        }
        if actor.user == id {
            return Err(IdentityError::OwnRole);
        }
        self.change_user(actor, id, UserChange::Role(role)).await
    }

    /// Users, newest first, at most 500.
    pub async fn users(&self, filter: UserFilter, limit: u64) -> Result<Vec<User>, Fault> {
        repo::list(&self.db.read, filter, limit.min(USERS_MAX)).await
    }

    async fn set_status(&self, actor: &Actor, id: UserId, status: UserStatus) -> Result<User, IdentityError> {
        if actor.user == id {
            return Err(IdentityError::OwnStatus);
        }
        self.change_user(actor, id, UserChange::Status(status)).await
    }

    async fn change_user(&self, actor: &Actor, id: UserId, change: UserChange) -> Result<User, IdentityError> {
        let (identity, actor, now) = (self.clone(), actor.clone(), self.clock.now());
        let task = detached(async move {
            let work = identity
                .db
                .transaction(move |tx| Box::pin(async move { changed(tx, &actor, id, change, now).await }));
            let changed = work.await;
            // Whatever became of the transaction: the user's API keys are read again.
            identity.api_keys.forget();
            let (user, ended) = changed?;
            identity.sessions.note_ended(&ended, now);
            Ok::<_, IdentityError>(user)
        });
        task.await
    }
}

async fn changed(
    tx: &DatabaseTransaction,
    actor: &Actor,
    id: UserId,
    change: UserChange,
    now: Timestamp,
) -> Result<Changed, IdentityError> {
    let user = asker::lock_with(tx, actor, id, now).await?.user;
    if user.role == Role::Admin && !actor.may(Permission::UsersManage) {
        return Err(IdentityError::AdminsOnly);
    }
    let (column, reason) = match change {
        UserChange::Status(status) if status == user.status => return Ok((user, Vec::new())),
        UserChange::Role(role) if role == user.role => return Ok((user, Vec::new())),
        UserChange::Status(status) => (Change::Status(status), SessionEnd::Suspended),
        UserChange::Role(role) => (Change::Role(role), SessionEnd::RoleChanged),
    };
    let user = repo::change(tx, id, column, now).await?;
    let user = user.ok_or(IdentityError::UserNotFound)?;
    // A user who becomes active has no session left.
    let ended = sessions::end(tx, id, EndedSelection::All, reason, now).await?;
    Ok((user, ended))
}
