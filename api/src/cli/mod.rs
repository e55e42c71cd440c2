//! The command line: what may be asked, and what the exit status means.
//!
//! 0 done, 1 found something wrong, 2 used wrongly, 3 a fault. Results go to standard output, the rest to standard error.

mod bank;
mod demo;
mod import;
mod migrate;
mod openapi;
mod serve;
mod settings;
mod user;
mod verify;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::stderr;

pub use bank::{Bank, open};
pub use settings::Settings;

/// A wallet and transfer bank: exact, durable, final.
#[derive(Debug, Parser)]
#[command(name = "florin", version, about, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the bank over HTTP (what `florin` alone does)
    Serve,
    /// Bring the schema up to date, or show how far it is
    Migrate {
        #[command(subcommand)]
        action: migrate::Action,
    },
    /// Make users
    User {
        #[command(subcommand)]
        action: user::Action,
    },
    /// Bring the rows of files in; what was brought in before is known again
    Import {
        #[command(subcommand)]
        what: import::What,
    },
    /// Prove the books: every balance from its entries, every currency to zero, no gap, no orphan
    Verify {
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the bank at work on a throw-away database, then keep serving it
    Demo(demo::Options),
    /// Print the OpenAPI document
    Openapi,
}

/// How a command ended when nothing broke.
pub enum Ending {
    Done,
    FoundWrong,
    UsedWrongly,
}

/// Reads the command line and runs it.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    settings::start_logging(&cli.settings.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fault(&error.into(), None),
    };
    let database_url = cli.settings.database_url.clone();
    match runtime.block_on(dispatch(cli)) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::FoundWrong) => ExitCode::from(1),
        Ok(Ending::UsedWrongly) => ExitCode::from(2),
        Err(error) => fault(&error, database_url.as_deref()),
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<Ending> {
    let settings = cli.settings;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&settings).await,
        Command::Migrate { action } => migrate::run(&settings, action).await,
        Command::User { action } => user::run(&settings, action).await,
        Command::Import { what } => import::run(&settings, what).await,
        Command::Verify { json } => verify::run(&settings, json).await,
        Command::Demo(options) => demo::run(&settings, options).await,
        Command::Openapi => openapi::run().await,
    }
}

/// Writes a line of a result. A reader that has seen enough may close the pipe, as `head` does: the rest is left out, and
/// the command ends as it would have. Any other failure is a fault.
fn print(text: impl Display) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// A sentence and its causes, not a stack trace, and not the database's URL, which may hold a password.
fn fault(error: &anyhow::Error, database_url: Option<&str>) -> ExitCode {
    let secret = database_url.filter(|url| !url.is_empty());
    for (index, cause) in error.chain().enumerate() {
        let text = cause.to_string();
        let text = secret.map_or_else(|| text.clone(), |secret| text.replace(secret, "of --database-url"));
        let head = if index == 0 { "florin:" } else { "  because" };
        stderr::write_line(format!("{head} {text}\n").as_bytes());
    }
    ExitCode::from(3)
}
