//! Changes of a user by staff: suspended, activated, another role. Each ends all sessions and one-time tokens of the
//! user, in the same transaction, so that no old token counts.
//!
//! Invariant: the bank keeps an active admin. Only an active admin changes staff, and users cannot change their own role
//! or status, so the admin who asks stays one.

use sea_orm::DatabaseTransaction;
use serde_json::json;

use super::detached::detached;
use super::repo::{self, Change};
use super::sessions::{self, EndedSelection, SessionEnd};
use super::{Identity, IdentityError, User, asker, one_time};
use crate::actor::{Actor, Permission};
use crate::audit::{self, AuditAction, AuditLine};
use crate::values::{Role, SessionId, Timestamp, UserId, UserStatus};

/// A change that staff ask for.
#[derive(Clone, Copy)]
enum UserChange {
    Suspend,
    Activate,
    Role(Role),
}

/// A user after a change, and the sessions that it ended.
type Changed = (User, Vec<SessionId>);

impl Identity {
    /// Keeps a user from signing in and ends all of the user's sessions. A suspended user stays suspended. Refused for
    /// oneself.
    pub async fn suspend(&self, actor: &Actor, id: UserId) -> Result<User, IdentityError> {
        self.set_status(actor, id, UserChange::Suspend).await
    }

    /// Lets a suspended user sign in again. Refused for oneself.
    pub async fn activate(&self, actor: &Actor, id: UserId) -> Result<User, IdentityError> {
        self.set_status(actor, id, UserChange::Activate).await
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

    async fn set_status(&self, actor: &Actor, id: UserId, change: UserChange) -> Result<User, IdentityError> {
        if actor.user == id {
            return Err(IdentityError::OwnStatus);
        }
        self.change_user(actor, id, change).await
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

impl UserChange {
    /// True if the user is so already.
    fn is_made(self, user: &User) -> bool {
        match self {
            Self::Suspend => user.status == UserStatus::Suspended,
            Self::Activate => user.status == UserStatus::Active,
            Self::Role(role) => user.role == role,
        }
    }
}

async fn changed(
    tx: &DatabaseTransaction,
    actor: &Actor,
    id: UserId,
    change: UserChange,
    now: Timestamp,
) -> Result<Changed, IdentityError> {
    let before = asker::lock_with(tx, actor, id, now).await?.user;
    if before.role != Role::Customer && !actor.may(Permission::UsersManage) {
        return Err(IdentityError::AdminsOnly);
    }
    if change.is_made(&before) {
        return Ok((before, Vec::new()));
    }
    let (column, reason) = match change {
        UserChange::Suspend => (Change::Status(UserStatus::Suspended), SessionEnd::Suspended),
        UserChange::Activate => (Change::Status(UserStatus::Active), SessionEnd::Suspended),
        UserChange::Role(role) => (Change::Role(role), SessionEnd::RoleChanged),
    };
    let user = repo::change(tx, id, column, now).await?;
    let user = user.ok_or(IdentityError::UserNotFound)?;
    // A user who becomes active has no session left.
    let ended = sessions::end(tx, id, EndedSelection::All, reason, now).await?;
    // Otherwise support, who made one for a customer, could sign in as the admin whom the customer has become.
    one_time::delete_of(tx, id).await?;
    let line = line_of(change, &before, ended.len(), now).by(actor);
    audit::record(tx, &[line]).await?;
    Ok((user, ended))
}

/// The sessions that ended with the change have no lines of their own.
fn line_of(change: UserChange, user: &User, sessions_ended: usize, now: Timestamp) -> AuditLine {
    let of_status = |status: UserStatus| ("status", user.status.as_str(), status.as_str());
    let (action, (name, before, after)) = match change {
        UserChange::Suspend => (AuditAction::UserSuspended, of_status(UserStatus::Suspended)),
        UserChange::Activate => (AuditAction::UserActivated, of_status(UserStatus::Active)),
        UserChange::Role(role) => (AuditAction::RoleChanged, ("role", user.role.as_str(), role.as_str())),
    };
    AuditLine::at(action, now)
        .to_user(user.id)
        .before(&json!({ name: before }))
        .after(&json!({ name: after, "sessions_ended": sessions_ended }))
}
