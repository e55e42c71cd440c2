//! The command line: its commands and their exit statuses.
//!
//! Exit status: 0 done, 1 found something wrong, 2 used wrongly, 3 a fault. Results go to standard output, everything
//! else to standard error.

mod address;
mod audit;
mod bank;
mod demo;
mod documents;
mod environment;
mod import;
mod journal;
mod keys;
mod listen;
mod logging;
mod migrate;
mod nearest;
mod openapi;
mod people;
mod prompt;
mod receipt;
mod serve;
mod settings;
mod shell;
mod shown_settings;
mod table;
mod transfer;
mod user;
mod verify;
mod verify_bar;
mod wallet;
mod welcome;
mod wrong_use;

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use migration::SchemaError;
use service::db::OpenError;
use service::keys::KeyFileError;

use self::welcome::Call;
use self::wrong_use::WrongUse;
use crate::stderr::{self, complain};

pub use bank::{Bank, open};
pub use settings::Settings;

/// The version, and the commit that the program was built from.
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
    /// Make users, list them, and change what they may do
    User {
        #[command(subcommand)]
        action: user::UserAction,
    },
    /// Change or show the keys that sign access tokens, or with --journal those that sign heads and receipts; beside running
    /// banks
    Keys(keys::KeyCommand),
    /// Look at a wallet, freeze it, set its limits; beside a running bank
    Wallet {
        #[command(subcommand)]
        action: wallet::WalletAction,
    },
    /// Look at a transfer and at what has become of it
    Transfer {
        #[command(subcommand)]
        action: transfer::TransferAction,
    },
    /// Prove that receipts are true, without the bank
    Receipt {
        #[command(subcommand)]
        action: receipt::ReceiptAction,
    },
    /// Sign the journal's newest row, or prove that the journal extends an older one; beside a running bank
    Journal {
        #[command(subcommand)]
        action: journal::JournalAction,
    },
    /// List the audit log: who did what, to whom, when, and from where; beside a running bank
    Audit(audit::AuditOptions),
    /// Follow the events of a running bank; send them to a program under development
    Listen(listen::ListenOptions),
    /// Import the rows of files; content that was imported before is recognized
    Import {
        #[command(subcommand)]
        what: import::What,
    },
    /// Prove the books: balances match entries, currencies sum to zero, no gap, no orphan, and correct journal digests
    Verify(verify::VerifyOptions),
    /// Query the books with SQL, read-only: views of accounts, journal, postings, trial balance and daily totals
    Shell(shell::ShellOptions),
    /// Show the bank at work on a throw-away database, then keep serving it
    Demo(demo::DemoOptions),
    /// Print the OpenAPI document
    Openapi,
}

/// How a command ended without a fault.
pub enum Ending {
    /// The command did what was asked: exit status 0.
    Done,
    /// The command worked and found something wrong, such as a broken check or a failed import: exit status 1.
    FoundWrong,
    /// An argument or a setting is wrong: exit status 2.
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
        CliCommand::Keys(command) => keys::run(&settings, command).await,
        CliCommand::Wallet { action } => wallet::run(&settings, action).await,
        CliCommand::Transfer { action } => transfer::run(&settings, action).await,
        CliCommand::Receipt { action } => receipt::run(&action),
        CliCommand::Journal { action } => journal::run(&settings, action).await,
        CliCommand::Audit(options) => audit::run(&settings, options).await,
        CliCommand::Listen(options) => listen::run(&settings, options).await,
        CliCommand::Import { what } => import::run(&settings, what).await,
        CliCommand::Verify(options) => verify::run(&settings, options).await,
        CliCommand::Shell(options) => shell::run(&settings, options).await,
        CliCommand::Demo(options) => demo::run(&settings, options).await,
        CliCommand::Openapi => openapi::run().await,
    }
}

/// A number with its word: "1 currency", "2 currencies".
fn counted(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Writes a line of a result. A reader such as `head` may close the pipe early: the rest is dropped, and the exit
/// status stays the same. Any other failure is a fault.
fn print(text: impl Display) -> anyhow::Result<()> {
    // On a terminal, log lines written before it come first.
    stderr::flush();
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints an error and its causes, without a stack trace. The database's URL is replaced, since it may contain a
/// password.
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
        if let Some(KeyFileError::Missing { names, .. }) = cause.downcast_ref::<KeyFileError>() {
            return Some(format!(
                "start the bank once, or name its file with {}",
                names.file_option
            ));
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
