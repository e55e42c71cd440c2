//! `florin user`: makes users of any role. The API makes customers only.

use clap::{Subcommand, ValueEnum};
use secrecy::SecretString;
use service::clock::random_bytes;
use service::identity::{Email, FullName, IdentityError};
use service::values::Role;

use super::{Ending, Settings, bank, print, prompt};
use crate::stderr::complain;

#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Make a user; without --password-stdin a password is made and printed once
    Create {
        /// The e-mail address to sign in with
        #[arg(long)]
        email: String,
        /// Their name
        #[arg(long)]
        full_name: String,
        /// What they may do
        #[arg(long, value_enum)]
        role: RoleChoice,
        /// Read the password from standard input; on a terminal you are asked for it
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleChoice {
    Customer,
    Operator,
    Admin,
}

pub async fn run(settings: &Settings, action: UserAction) -> anyhow::Result<Ending> {
    let UserAction::Create {
        email,
        full_name,
        role,
        password_stdin,
    } = action;
    let (Some(email), Some(full_name)) = (Email::try_new(&email), FullName::try_new(&full_name)) else {
        complain("an e-mail address and a name of 1 to 200 characters are needed");
        return Ok(Ending::UsedWrongly);
    };
    let made = if password_stdin { None } else { Some(random_password()) };
    let password = match &made {
        Some(password) => password.clone(),
        None => prompt::password().await?,
    };
    let bank = bank::open(&settings.config()?).await?;
    let created = bank
        .identity
        .create_user(email, full_name, SecretString::from(password), role.into())
        .await;
    bank.stop().await;
    match created {
        Ok(user) => {
            print(format_args!("{} {} {}", user.id, user.role, user.email))?;
            if let Some(password) = made {
                print(format_args!("password {password}"))?;
            }
            Ok(Ending::Done)
        }
        Err(error @ (IdentityError::EmailTaken | IdentityError::WeakPassword)) => {
            complain(error);
            Ok(Ending::UsedWrongly)
        }
        Err(error) => Err(error.into()),
    }
}

/// A password of 120 random bits, in characters that are not easily confused.
pub(super) fn random_password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
    random_bytes::<24>().into_iter().map(letter).collect()
}

impl From<RoleChoice> for Role {
    fn from(choice: RoleChoice) -> Self {
        match choice {
            RoleChoice::Customer => Self::Customer,
            RoleChoice::Operator => Self::Operator,
            RoleChoice::Admin => Self::Admin,
        }
    }
}
