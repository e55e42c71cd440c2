//! `florin user`: makes users of any role, lists them, and changes what they may do. The API makes customers only.

mod create;
mod staff;

use clap::{Args, Subcommand, ValueEnum};
use service::identity::{Email, USERS_MAX, UserFilter};
use service::values::{Role, UserStatus};

use self::create::NewUserOptions;
use super::table::{TableColumn, table, visible};
use super::{Ending, Settings, bank, people, print};
use crate::stderr::complain;
use crate::wire::time_text;

pub(super) use create::random_password;

#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Make a user; without --password-stdin a password is made and printed once
    Create(NewUserOptions),
    /// List users, newest first
    List(UserListOptions),
    /// Keep a user from signing in, and end all sessions of theirs
    Suspend(UserOptions),
    /// Let a suspended user sign in again
    Activate(UserOptions),
    /// Give a user another role, and end all sessions of theirs
    Role(RoleOptions),
    /// Give a user a new password, and end all sessions of theirs; without --password-stdin one is made and printed once
    Password(NewPasswordOptions),
}

#[derive(Debug, Args)]
pub struct UserListOptions {
    /// Only those with this role
    #[arg(long, value_enum)]
    role: Option<RoleChoice>,
    /// Only those with this status
    #[arg(long, value_enum)]
    status: Option<StatusChoice>,
    /// The most that are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=USERS_MAX))]
    limit: u64,
}

#[derive(Debug, Args)]
pub struct UserOptions {
    /// The user's e-mail address
    #[arg(value_name = "EMAIL", value_parser = people::email)]
    user: Email,
    /// Who asks for it
    #[arg(long = "as", value_name = "EMAIL", value_parser = people::email)]
    asker: Email,
}

#[derive(Debug, Args)]
pub struct RoleOptions {
    #[command(flatten)]
    user: UserOptions,
    /// What they may do from now on
    #[arg(long, value_enum)]
    role: RoleChoice,
}

#[derive(Debug, Args)]
pub struct NewPasswordOptions {
    #[command(flatten)]
    user: UserOptions,
    /// Read the password from standard input; on a terminal you are asked for it
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleChoice {
    Customer,
    Support,
    Operator,
    Auditor,
    Admin,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum StatusChoice {
    Active,
    Suspended,
}

pub async fn run(settings: &Settings, action: UserAction) -> anyhow::Result<Ending> {
    match action {
        UserAction::Create(options) => create::run(settings, options).await,
        UserAction::List(options) => list(settings, &options).await,
        UserAction::Suspend(options) => staff::suspend(settings, &options).await,
        UserAction::Activate(options) => staff::activate(settings, &options).await,
        UserAction::Role(options) => staff::role(settings, &options).await,
        UserAction::Password(options) => staff::password(settings, &options).await,
    }
}

async fn list(settings: &Settings, options: &UserListOptions) -> anyhow::Result<Ending> {
    let bank = bank::open_existing(&settings.config()?).await?;
    let filter = UserFilter {
        role: options.role.map(Role::from),
        status: options.status.map(UserStatus::from),
    };
    let listed = bank.services.identity.users(filter, options.limit).await;
    bank.services.stop().await;
    let users = listed?;
    let columns = ["id", "role", "status", "e-mail", "name", "since"].map(TableColumn::text);
    let rows = users.iter().map(|user| {
        [
            user.id.to_string(),
            user.role.to_string(),
            user.status.to_string(),
            visible(&user.email),
            visible(&user.full_name),
            time_text(user.created_at),
        ]
    });
    print(table(columns, &rows.collect::<Vec<_>>()).trim_end())?;
    if users.len() as u64 == options.limit {
        complain(format_args!(
            "there may be more users than the {} that are listed",
            options.limit
        ));
    }
    Ok(Ending::Done)
}

impl From<RoleChoice> for Role {
    fn from(choice: RoleChoice) -> Self {
        match choice {
            RoleChoice::Customer => Self::Customer,
            RoleChoice::Support => Self::Support,
            RoleChoice::Operator => Self::Operator,
            RoleChoice::Auditor => Self::Auditor,
            RoleChoice::Admin => Self::Admin,
        }
    }
}

impl From<StatusChoice> for UserStatus {
    fn from(choice: StatusChoice) -> Self {
        match choice {
            StatusChoice::Active => Self::Active,
            StatusChoice::Suspended => Self::Suspended,
        }
    }
}
