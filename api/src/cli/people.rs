//! The users behind a command: in whose name it reads, who asks for a change, and whose addresses it shows.
//!
//! No command asks for a password: a person who can open the database can change all of it. But a change of a wallet
//! is journalled with the user who asked for it, so a command that makes one is told who that is. This names a user; it
//! does not prove that the user is at the keyboard.

use service::clock::{Clock, SystemClock, id_at};
use service::identity::{Actor, Email, IdentityError};
use service::values::{Role, UserId, UserStatus};

use super::Bank;
use super::wrong_use::WrongUse;

/// An actor who reads what an operator may read. No user has its id, since reading is not recorded; nothing may be changed
/// in its name.
pub fn reader() -> Actor {
    Actor {
        user: UserId(id_at(SystemClock.now())),
        role: Role::Operator,
    }
}

/// Reads the address of the operator who asks, for clap.
pub fn email(text: &str) -> Result<Email, String> {
    Email::try_new(text).ok_or_else(|| "not an e-mail address".to_owned())
}

/// The operator with an address, to be recorded as the one who asked. A wrong use unless the user may sign in and is an
/// operator or an admin: what the API would refuse the user, a command does not do in their name.
pub async fn operator(bank: &Bank, email: &Email) -> anyhow::Result<Actor> {
    let wrong = |what: &str| WrongUse(format!("{} {what}", email.as_str()));
    let user = match bank.identity.user_by_email(email).await {
        Ok(user) => user,
        Err(IdentityError::UserNotFound) => return Err(wrong("is not a user of this bank").into()),
        Err(error) => return Err(error.into()),
    };
    let actor = Actor {
        user: user.id,
        role: user.role,
    };
    if !actor.is_operator() {
        return Err(wrong("is not an operator").into());
    }
    match user.status {
        UserStatus::Active => Ok(actor),
        UserStatus::Suspended => Err(wrong("is suspended").into()),
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
