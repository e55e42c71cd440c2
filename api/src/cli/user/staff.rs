//! What staff change of a user: suspended, activated, another role, another password. The one who asks is named, and must be
//! one whom the API would let do it.

use service::actor::{Actor, Permission};
use service::identity::{IdentityError, User};
use service::values::UserId;

use super::create::NewPassword;
use super::{NewPasswordOptions, RoleOptions, UserOptions};
use crate::cli::bank::{Bank, open_existing};
use crate::cli::{Ending, Settings, people, print};
use crate::stderr::complain;

pub async fn suspend(settings: &Settings, options: &UserOptions) -> anyhow::Result<Ending> {
    let bank = open_existing(&settings.config()?).await?.services;
    let changed = match asked(&bank, options, Permission::UsersSuspend).await {
        Ok((asker, user)) => Ok(bank.identity.suspend(&asker, user).await),
        Err(error) => Err(error),
    };
    bank.stop().await;
    print_changed(changed?)
}

pub async fn activate(settings: &Settings, options: &UserOptions) -> anyhow::Result<Ending> {
    let bank = open_existing(&settings.config()?).await?.services;
    let changed = match asked(&bank, options, Permission::UsersSuspend).await {
        Ok((asker, user)) => Ok(bank.identity.activate(&asker, user).await),
        Err(error) => Err(error),
    };
    bank.stop().await;
    print_changed(changed?)
}

pub async fn role(settings: &Settings, options: &RoleOptions) -> anyhow::Result<Ending> {
    let bank = open_existing(&settings.config()?).await?.services;
    let changed = match asked(&bank, &options.user, Permission::UsersManage).await {
        Ok((asker, user)) => Ok(bank.identity.set_role(&asker, user, options.role.into()).await),
        Err(error) => Err(error),
    };
    bank.stop().await;
    print_changed(changed?)
}

pub async fn password(settings: &Settings, options: &NewPasswordOptions) -> anyhow::Result<Ending> {
    let password = NewPassword::get(options.password_stdin).await?;
    let bank = open_existing(&settings.config()?).await?.services;
    let changed = match asked(&bank, &options.user, Permission::UsersManage).await {
        Ok((asker, id)) => {
            let set = bank.identity.set_password(&asker, id, password.secret()).await;
            Ok(match set {
                Ok(()) => bank.identity.user(id).await,
                Err(error) => Err(error),
            })
        }
        Err(error) => Err(error),
    };
    bank.stop().await;
    let changed = changed?;
    let is_set = changed.is_ok();
    let ending = print_changed(changed)?;
    if is_set {
        password.print_if_made()?;
    }
    Ok(ending)
}

/// The one who asks, who must be active and have the permission; and the user who is changed.
pub(super) async fn asked(bank: &Bank, options: &UserOptions, needed: Permission) -> anyhow::Result<(Actor, UserId)> {
    let asker = people::asker(bank, &options.asker, needed).await?;
    Ok((asker, people::found(bank, &options.user).await?.id))
}

/// What the bank's state forbids is told in a sentence; all else is a fault.
pub(super) fn print_changed(changed: Result<User, IdentityError>) -> anyhow::Result<Ending> {
    match changed {
        Ok(user) => {
            print(format_args!("{} {} {} {}", user.id, user.role, user.status, user.email))?;
            Ok(Ending::Done)
        }
        Err(
            error @ (IdentityError::OwnRole
            | IdentityError::OwnStatus
            | IdentityError::OwnErasure
            | IdentityError::Erased
            | IdentityError::WalletsOpen(_)
            | IdentityError::AdminsOnly
            | IdentityError::AskerChanged),
        ) => {
            complain(error);
            Ok(Ending::FoundWrong)
        }
        Err(error @ IdentityError::WeakPassword(_)) => {
            complain(error);
            Ok(Ending::UsedWrongly)
        }
        Err(error) => Err(error.into()),
    }
}
