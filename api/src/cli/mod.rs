//! The command line: what may be asked, and what the exit status means.
//!
//! 0 done, 1 found something wrong, 2 used wrongly, 3 a fault. Results go to standard output, the rest to standard error.

mod address;
mod bank;
mod demo;
mod environment;
mod import;
mod logging;
mod migrate;
mod nearest;
mod openapi;
mod prompt;
mod serve;
mod settings;
mod user;
mod verify;
mod welcome;
mod wrong_use;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use migration::SchemaError;
use service::db::OpenError;

use self::welcome::Call;
use self::wrong_use::WrongUse;
use crate::stderr::{self, complain};

pub use bank::{Bank, open};
pub use settings::Settings;

/// With the commit that it was built from.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILT_FROM"), ")");

/// A wallet and transfer bank: exact, durable, final.
#[derive(Debug, Parser)]
#[command(name = "florin", version = VERSION, about, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Option<CliCommand>,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Serve the bank over HTTP (what `florin` alone does)
    Serve,
    /// Bring the schema up to date, or show how far it is
    Migrate {
        #[command(subcommand)]
        action: migrate::MigrateAction,
    },
    /// Make users
    User {
        #[command(subcommand)]
        action: user::UserAction,
    },
    /// Bring the rows of files in; what was brought in before is known again
    Import {
        #[command(subcommand)]
        what: import::What,
    },
    /// Prove the books: every balance from its entries, every currency to zero, no gap, no orphan, and the journal's digests
    Verify(verify::VerifyOptions),
    /// Show the bank at work on a throw-away database, then keep serving it
    Demo(demo::DemoOptions),
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
    let status = run_command();
    stderr::finish();
    status
}

fn run_command() -> ExitCode {
    let mut command = Cli::command();
    let matches = command.clone().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command).exit());
    let complaints = environment::complaints(&command);
    if !complaints.is_empty() {
        complaints.iter().for_each(complain);
        return ExitCode::from(2);
    }
    logging::start(cli.settings.log.as_deref(), cli.settings.log_format);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fault(&error.into(), None),
    };
    let database_url = cli.settings.database_url.clone();
    match runtime.block_on(dispatch(cli, Call::of(&matches))) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::FoundWrong) => ExitCode::from(1),
        Ok(Ending::UsedWrongly) => ExitCode::from(2),
        Err(error) => match error.downcast_ref::<WrongUse>() {
            Some(wrong) => {
                complain(wrong);
                ExitCode::from(2)
            }
            None => fault(&error, database_url.as_deref()),
        },
    }
}

async fn dispatch(cli: Cli, call: Call) -> anyhow::Result<Ending> {
    let settings = cli.settings;
    match cli.command.unwrap_or(CliCommand::Serve) {
        CliCommand::Serve => serve::run(&settings, &call).await,
        CliCommand::Migrate { action } => migrate::run(&settings, action).await,
        CliCommand::User { action } => user::run(&settings, action).await,
        CliCommand::Import { what } => import::run(&settings, what).await,
        CliCommand::Verify(options) => verify::run(&settings, options).await,
        CliCommand::Demo(options) => demo::run(&settings, options).await,
        CliCommand::Openapi => openapi::run().await,
    }
}

/// A number with its word: "1 currency", "2 currencies".
fn counted(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Writes a line of a result. A reader that has seen enough may close the pipe, as `head` does: the rest is left out, and
/// the command ends as it would have. Any other failure is a fault.
fn print(text: impl Display) -> anyhow::Result<()> {
    // On a terminal the lines of the log before it come first.
    stderr::flush();
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
    if let Some(advice) = advice(error) {
        stderr::write_line(format!("  to do: {advice}\n").as_bytes());
    }
    ExitCode::from(3)
}

/// What to do about a fault, where that is known.
fn advice(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<OpenError>() {
            return Some(error.advice.clone());
        }
        match cause.downcast_ref::<SchemaError>()? {
            SchemaError::Newer { .. } => {
                Some("run a newer florin; this one could not keep the newer tables right".to_owned())
            }
            SchemaError::NoSchema => {
                Some("make the schema with CREATE SCHEMA, or correct search_path in the URL".to_owned())
            }
            SchemaError::Database(_) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_told_in_the_singular() {
        let counts = [0_u32, 1, 2].map(|number| counted(number, "deposit", "deposits"));
        assert_eq!(counts, ["0 deposits", "1 deposit", "2 deposits"]);
    }
}
