//! The users behind a command: in whose name it reads, who asks for a change, and whose addresses it shows.
//!
//! No command asks for a password: a person who can open the database can change all of it. But a change of a wallet
//! is journalled with the user who asked for it, and what a role may not do by the API, a command does not do in its name.
//! So a command that changes something is told who asks. This names a user; it does not prove that the user is at the
//! keyboard.

use service::actor::{Actor, Permission};
use service::clock::{Clock, SystemClock, id_at};
use service::identity::{Email, IdentityError, User};
use service::values::{Role, UserId, UserStatus};

use super::Bank;
use super::wrong_use::WrongUse;

/// An actor who reads what an operator may read. No user has its id, since reading is not recorded; nothing may be changed
/// in its name.
pub fn reader() -> Actor {
    Actor::new(UserId(id_at(SystemClock.now())), Role::Operator)
}

/// Reads an e-mail address, for clap.
pub fn email(text: &str) -> Result<Email, String> {
    Email::try_new(text).ok_or_else(|| "not an e-mail address".to_owned())
}

/// The user with an address, to be recorded as the one who asked. A wrong use unless the user may sign in and has the
/// permission: what the API would refuse the user, a command does not do in their name.
pub async fn asker(bank: &Bank, email: &Email, permission: Permission) -> anyhow::Result<Actor> {
    let wrong = |what: &str| WrongUse(format!("{} {what}", email.as_str()));
    let user = found(bank, email).await?;
    let actor = Actor::new(user.id, user.role);
    if !actor.may(permission) {
        return Err(wrong(&format!("may not do this: it needs {}", permission.as_str())).into());
    }
    match user.status {
        UserStatus::Active => Ok(actor),
        UserStatus::Suspended => Err(wrong("is suspended").into()),
        UserStatus::Erased => Err(wrong("is erased").into()),
    }
}

/// The user with an address; a wrong use if there is none.
pub async fn found(bank: &Bank, email: &Email) -> anyhow::Result<User> {
    match bank.identity.user_by_email(email).await {
        Ok(user) => Ok(user),
        Err(IdentityError::UserNotFound) => {
            Err(WrongUse(format!("{} is not a user of this bank", email.as_str())).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A user's address; `None` if the database does not have the user.
pub async fn email_of(bank: &Bank, user: UserId) -> anyhow::Result<Option<String>> {
    match bank.identity.user(user).await {
        Ok(user) => Ok(Some(user.email)),
        Err(IdentityError::UserNotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
