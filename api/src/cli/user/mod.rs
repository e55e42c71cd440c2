//! `florin user`: makes users of any role, lists them, changes what they may do, and makes one-time tokens for them. The API
//! makes customers only.

mod create;
mod personal_data;
mod staff;
mod tokens;

use clap::{Args, Subcommand, ValueEnum};
use service::identity::{Email, User, UserFilter, UserSearch};
use service::page::PageRequest;
use service::values::{Role, UserStatus};

use self::create::NewUserOptions;
use self::personal_data::{ErasureOptions, ExportOptions};
use super::table::{TableColumn, table, visible};
use super::{Bank, Ending, Settings, bank, people, print};
use crate::stderr::complain;
use crate::wire::{LIMIT_MAX, time_text};

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
    /// Make a one-time token with which a user sets a new password, and print it once
    Reset(UserOptions),
    /// Make a one-time token that gives a user a new e-mail address, and print it once
    Email(NewEmailOptions),
    /// Write everything that the bank has about a user to standard output, as JSON
    Export(ExportOptions),
    /// Erase for good what tells who a user was; the books stay
    Erase(ErasureOptions),
}

#[derive(Debug, Args)]
pub struct UserListOptions {
    /// Only those whose e-mail address or name begins so, in any case, or whose id this is
    #[arg(long, value_name = "TEXT", value_parser = search)]
    search: Option<UserSearch>,
    /// Only those with this role
    #[arg(long, value_enum)]
    role: Option<RoleChoice>,
    /// Only those with this status
    #[arg(long, value_enum)]
    status: Option<StatusChoice>,
    /// The most that are listed
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=LIMIT_MAX))]
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

#[derive(Debug, Args)]
pub struct NewEmailOptions {
    #[command(flatten)]
    user: UserOptions,
    /// The address that the user will sign in with
    #[arg(value_name = "NEW", value_parser = people::email)]
    new: Email,
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
    Erased,
}

pub async fn run(settings: &Settings, action: UserAction) -> anyhow::Result<Ending> {
    match action {
        UserAction::Create(options) => create::run(settings, options).await,
        UserAction::List(options) => list(settings, &options).await,
        UserAction::Suspend(options) => staff::suspend(settings, &options).await,
        UserAction::Activate(options) => staff::activate(settings, &options).await,
        UserAction::Role(options) => staff::role(settings, &options).await,
        UserAction::Password(options) => staff::password(settings, &options).await,
        UserAction::Reset(options) => tokens::reset(settings, &options).await,
        UserAction::Email(options) => tokens::email(settings, &options).await,
        UserAction::Export(options) => personal_data::export(settings, &options).await,
        UserAction::Erase(options) => personal_data::erase(settings, &options).await,
    }
}

async fn list(settings: &Settings, options: &UserListOptions) -> anyhow::Result<Ending> {
    let bank = bank::open_existing(&settings.config()?).await?.services;
    let listed = newest(&bank, options).await;
    bank.stop().await;
    let (users, has_more) = listed?;
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
    if has_more {
        complain(format_args!(
            "there may be more users than the {} that are listed",
            users.len()
        ));
    }
    Ok(Ending::Done)
}

/// The newest users, and whether there may be more. A page may be short although more follow, so pages are read until
/// there are enough users.
async fn newest(bank: &Bank, options: &UserListOptions) -> anyhow::Result<(Vec<User>, bool)> {
    let filter = UserFilter {
        search: options.search.clone(),
        role: options.role.map(Role::from),
        status: options.status.map(UserStatus::from),
    };
    let (mut users, mut after) = (Vec::new(), None);
    loop {
        let request = PageRequest {
            limit: options.limit - users.len() as u64,
            after,
        };
        let page = bank.identity.users(&filter, request).await?;
        users.extend(page.items);
        after = page.next;
        if after.is_none() || users.len() as u64 >= options.limit {
            return Ok((users, after.is_some()));
        }
    }
}

fn search(text: &str) -> Result<UserSearch, String> {
    UserSearch::try_new(text).ok_or_else(|| "not a text of 1 to 200 characters, all of which can be seen".to_owned())
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
            StatusChoice::Erased => Self::Erased,
        }
    }
}
