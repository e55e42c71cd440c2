//! `florin user create`: makes a user of any role. So the first admin is made.

use clap::Args;
use secrecy::SecretString;
use service::clock::random_bytes;
use service::identity::{Email, FullName, IdentityError};

use super::RoleChoice;
use crate::cli::{Ending, Settings, bank, print, prompt};
use crate::stderr::complain;

#[derive(Debug, Args)]
pub struct NewUserOptions {
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
}

pub async fn run(settings: &Settings, options: NewUserOptions) -> anyhow::Result<Ending> {
    let (Some(email), Some(full_name)) = (Email::try_new(&options.email), FullName::try_new(&options.full_name)) else {
        complain("an e-mail address and a name of 1 to 200 characters are needed");
        return Ok(Ending::UsedWrongly);
    };
    let password = NewPassword::get(options.password_stdin).await?;
    let bank = bank::open(&settings.config()?).await?;
    let created = bank
        .identity
        .create_user(email, full_name, password.secret(), options.role.into())
        .await;
    bank.stop().await;
    match created {
        Ok(user) => {
            print(format_args!("{} {} {}", user.id, user.role, user.email))?;
            password.print_if_made()?;
            Ok(Ending::Done)
        }
        Err(error @ (IdentityError::EmailTaken | IdentityError::WeakPassword(_))) => {
            complain(error);
            Ok(Ending::UsedWrongly)
        }
        Err(error) => Err(error.into()),
    }
}

/// A password that a command gives to a user.
pub enum NewPassword {
    /// The program made it, and prints it once.
    Made(String),
    /// The person at the keyboard chose it.
    Given(String),
}

impl NewPassword {
    pub async fn get(from_stdin: bool) -> anyhow::Result<Self> {
        Ok(if from_stdin {
            Self::Given(prompt::password().await?)
        } else {
            Self::Made(random_password())
        })
    }

    pub fn secret(&self) -> SecretString {
        let (Self::Made(password) | Self::Given(password)) = self;
        SecretString::from(password.clone())
    }

    pub fn print_if_made(&self) -> anyhow::Result<()> {
        match self {
            Self::Made(password) => print(format_args!("password {password}")),
            Self::Given(_) => Ok(()),
        }
    }
}

/// A password of 120 random bits, in characters that are not easily confused.
pub fn random_password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
    random_bytes::<24>().into_iter().map(letter).collect()
}
