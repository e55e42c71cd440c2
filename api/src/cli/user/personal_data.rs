//! `florin user export` and `florin user erase`: what the bank has about a person, and the end of it.

use std::io::{self, Write};

use anyhow::Context;
use clap::Args;
use service::actor::{Actor, Permission};
use service::identity::{Email, User};

use super::UserOptions;
use super::staff::{asked, print_changed};
use crate::cli::bank::{Bank, open_existing};
use crate::cli::{Ending, Settings, people, prompt};
use crate::export::Export;
use crate::stderr::{self, complain};

#[derive(Debug, Args)]
pub struct ExportOptions {
    /// The user's e-mail address
    #[arg(value_name = "EMAIL", value_parser = people::email)]
    user: Email,
    /// Who asks for it, whom the audit log names: the user, or an admin
    #[arg(long = "as", value_name = "EMAIL", value_parser = people::email)]
    asker: Option<Email>,
}

#[derive(Debug, Args)]
pub struct ErasureOptions {
    #[command(flatten)]
    user: UserOptions,
    /// Do not ask again; needed where standard input is no terminal
    #[arg(long)]
    yes: bool,
}

/// Writes the object to standard output. After a fault it has no end.
pub async fn export(settings: &Settings, options: &ExportOptions) -> anyhow::Result<Ending> {
    let bank = open_existing(&settings.config()?).await?.services;
    let written = write_export(&bank, options).await;
    bank.stop().await;
    written?;
    Ok(Ending::Done)
}

async fn write_export(bank: &Bank, options: &ExportOptions) -> anyhow::Result<()> {
    let user = people::found(bank, &options.user).await?;
    let asker = match &options.asker {
        Some(asker) => Some(reader_of(bank, &user, asker).await?),
        None => None,
    };
    let mut export = Export::begin(bank.clone(), asker.as_ref(), user.id).await?;
    // On a terminal, log lines written before it come first.
    stderr::flush();
    while let Some(part) = export.next_part().await.context("cannot read what the bank has")? {
        if !write_out(&part)? {
            return Ok(());
        }
    }
    write_out(b"\n")?;
    Ok(())
}

/// The person, or an admin.
async fn reader_of(bank: &Bank, user: &User, asker: &Email) -> anyhow::Result<Actor> {
    if asker.as_str() == user.email {
        return Ok(Actor::new(user.id, user.role));
    }
    people::asker(bank, asker, Permission::UsersManage).await
}

/// False when the reader has closed the pipe: the rest is not read.
fn write_out(part: &[u8]) -> anyhow::Result<bool> {
    match io::stdout().write_all(part) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write to standard output"),
    }
}

pub async fn erase(settings: &Settings, options: &ErasureOptions) -> anyhow::Result<Ending> {
    if !options.yes && !is_meant(&options.user.user).await? {
        complain("nothing was erased");
        return Ok(Ending::FoundWrong);
    }
    let bank = open_existing(&settings.config()?).await?.services;
    let erased = match asked(&bank, &options.user, Permission::UsersManage).await {
        Ok((asker, user)) => Ok(bank.identity.erase(&asker, user).await),
        Err(error) => Err(error),
    };
    bank.stop().await;
    print_changed(erased?)
}

/// Asks the person at the terminal to name the user once more.
async fn is_meant(user: &Email) -> anyhow::Result<bool> {
    let email = user.as_str();
    let question = format!("Erase {email} for good? It cannot be undone. Type the address to go on: ");
    let typed = prompt::answer(&question).await?;
    Ok(Email::try_new(&typed).as_ref() == Some(user))
}
