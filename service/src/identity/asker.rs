//! Whether the user who asks for a change is still who their credential says.
//!
//! A token is accepted for a moment after another replica has ended its session, and a request may wait for a lock after its
//! token was checked. So a change of users, passwords and API keys checks its asker again, inside of its transaction.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::repo::{self, Account};
use super::{IdentityError, User, sessions};
use crate::actor::{Actor, Credential};
use crate::db::Fault;
use crate::values::{Role, Timestamp, UserId, UserStatus};

/// Locks the actor's own row, so that until the commit no other transaction changes the actor. False when the actor is
/// suspended, has another role or has signed out meanwhile.
pub(super) async fn lock(tx: &DatabaseTransaction, actor: &Actor, now: Timestamp) -> Result<bool, Fault> {
    let account = repo::lock(tx, actor.user).await?;
    is_current(tx, actor, account.as_ref(), now).await
}

/// The same for what an API key may change too. What a key may do was looked up within the last half second, so its owner alone is
/// looked at again.
pub(crate) async fn lock_asker(tx: &DatabaseTransaction, actor: &Actor, now: Timestamp) -> Result<bool, Fault> {
    let account = repo::lock(tx, actor.user).await?;
    match actor.credential {
        Credential::Session(_) | Credential::Internal => is_current(tx, actor, account.as_ref(), now).await,
        Credential::ApiKey(_) => Ok(account.is_some_and(|account| is_same(actor, &account.user))),
    }
}

/// The role of a user who is active; `None` for every other user.
pub(crate) async fn active_role(db: &impl ConnectionTrait, user: UserId) -> Result<Option<Role>, Fault> {
    let found = repo::find(db, user).await?;
    let active = found.filter(|user| user.status == UserStatus::Active);
    Ok(active.map(|user| user.role))
}

/// Locks the actor and the user whom the actor changes, who may be the same, and gives the user. The actor is checked first.
/// An erased user is changed no more.
pub(super) async fn lock_with(
    tx: &DatabaseTransaction,
    actor: &Actor,
    changed: UserId,
    now: Timestamp,
) -> Result<Account, IdentityError> {
    let account = lock_with_any(tx, actor, changed, now).await?;
    match account.user.status {
        UserStatus::Active | UserStatus::Suspended => Ok(account),
        UserStatus::Erased => Err(IdentityError::Erased),
    }
}

/// The same for a user who may be erased.
pub(super) async fn lock_with_any(
    tx: &DatabaseTransaction,
    actor: &Actor,
    changed: UserId,
    now: Timestamp,
) -> Result<Account, IdentityError> {
    let mut accounts = repo::lock_both(tx, [actor.user, changed]).await?;
    if !is_current(tx, actor, accounts.get(&actor.user), now).await? {
        return Err(IdentityError::AskerChanged);
    }
    accounts.remove(&changed).ok_or(IdentityError::UserNotFound)
}

/// The role counts as a whole: the actor's permissions are those of the role that they were given for.
async fn is_current(
    tx: &DatabaseTransaction,
    actor: &Actor,
    account: Option<&Account>,
    now: Timestamp,
) -> Result<bool, Fault> {
    if account.is_none_or(|account| !is_same(actor, &account.user)) {
        return Ok(false);
    }
    match actor.credential {
        // Read after the lock, so that the end of the session is seen when its transaction held the lock.
        Credential::Session(session) => sessions::is_live(tx, actor.user, session, now).await,
        Credential::Internal => Ok(true),
        // A key changes neither users nor keys.
        Credential::ApiKey(_) => Ok(false),
    }
}

/// True while the user is active and has the actor's role.
fn is_same(actor: &Actor, user: &User) -> bool {
    user.status == UserStatus::Active && user.role == actor.role
}
