//! One-time tokens for a user who forgot their password, or has another address. The token is printed once, and mailed
//! where the bank sends mails.

use secrecy::ExposeSecret;
use service::actor::Permission;
use service::identity::{IdentityError, OneTimeToken};

use super::staff::asked;
use super::{NewEmailOptions, UserOptions};
use crate::cli::bank::open_existing;
use crate::cli::{Ending, Settings, print};
use crate::stderr::complain;
use crate::wire::time_text;

pub async fn reset(settings: &Settings, options: &UserOptions) -> anyhow::Result<Ending> {
    let bank = open_existing(&settings.config()?).await?.services;
    let made = match asked(&bank, options, Permission::UsersReset).await {
        Ok((asker, user)) => Ok(bank.identity.make_reset_token(&asker, user).await),
        Err(error) => Err(error),
    };
    bank.stop().await;
    print_token(made?)
}

pub async fn email(settings: &Settings, options: &NewEmailOptions) -> anyhow::Result<Ending> {
    let bank = open_existing(&settings.config()?).await?.services;
    let made = match asked(&bank, &options.user, Permission::UsersReset).await {
        Ok((asker, user)) => {
            let new = options.new.clone();
            Ok(bank.identity.make_email_token(&asker, user, new).await)
        }
        Err(error) => Err(error),
    };
    bank.stop().await;
    print_token(made?)
}

/// What the bank's state forbids is told in a sentence; all else is a fault.
fn print_token(made: Result<OneTimeToken, IdentityError>) -> anyhow::Result<Ending> {
    match made {
        Ok(made) => {
            print(format_args!("token {}", made.token.expose_secret()))?;
            print(format_args!("until {}", time_text(made.expires_at)))?;
            Ok(Ending::Done)
        }
        Err(
            error @ (IdentityError::OwnReset
            | IdentityError::NotActive
            | IdentityError::Erased
            | IdentityError::AdminsOnly
            | IdentityError::AskerChanged),
        ) => {
            complain(error);
            Ok(Ending::FoundWrong)
        }
        Err(error @ IdentityError::EmailTaken) => {
            complain(error);
            Ok(Ending::UsedWrongly)
        }
        Err(error) => Err(error.into()),
    }
}
