//! `florin keys`: the keys that sign access tokens, or those of the journal. They are in files, which running banks read every
//! second, so a change here counts for all of them without a restart.

mod journal;

use std::path::Path;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use service::config::Config;
use service::identity::{KeyChangeError, KeyReport, KeyState, list_keys, retire_key, rotate_keys};
use service::ledger::bank_clock;
use service::values::Timestamp;

use super::table::{TableColumn, table};
use super::{Ending, Settings, bank, print};
use crate::stderr::complain;
use crate::wire::time_text;

#[derive(Debug, Args)]
pub struct KeyCommand {
    #[command(subcommand)]
    action: KeyAction,

    #[command(flatten)]
    options: KeyOptions,
}

#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// Make a new key, which signs after 60 seconds; the old one goes on verifying what it has signed (tokens: until they
    /// expire; receipts: for good)
    Rotate,
    /// Show the keys and what each does; secrets are not shown
    List,
    /// Retire a key that others may know: within a second it signs nothing more. Servers refuse its tokens; with --journal
    /// its receipts stay provable, and the published set says when it was retired
    Retire {
        /// The key's id, as `florin keys list` shows it
        #[arg(value_name = "KID")]
        kid: String,
    },
}

#[derive(Clone, Copy, Debug, Args)]
pub struct KeyOptions {
    /// The keys of the journal, which sign its heads and receipts, instead of those of access tokens
    #[arg(long, global = true)]
    journal: bool,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

pub async fn run(settings: &Settings, command: KeyCommand) -> anyhow::Result<Ending> {
    let config = settings.config()?;
    // By the bank's clock: the servers compare the keys' times with it.
    let db = bank::connect_existing(&config).await?;
    let clock = bank_clock(&db).await.context("cannot read the bank's clock")?;
    db.close().await;
    let (KeyCommand { action, options }, now) = (command, clock.now());
    let (path, changed) = if options.journal {
        let path = config.journal_key_file.as_path();
        (path, journal::apply(&action, path, now))
    } else {
        (config.signing_key_file.as_path(), apply(&action, &config, now))
    };
    match changed {
        Ok(keys) => print_keys(path, &keys, options),
        Err(error) => refused(error, options),
    }
}

/// The keys of a file, the newest first, for people and for programs.
struct ShownKeys {
    table: String,
    json: Vec<Value>,
}

/// Does what is asked to the keys of access tokens.
fn apply(action: &KeyAction, config: &Config, now: Timestamp) -> Result<ShownKeys, KeyChangeError> {
    let path = config.signing_key_file.as_path();
    let keys = match action {
        KeyAction::Rotate => rotate_keys(path, config.token_algorithm, now)?,
        KeyAction::List => list_keys(path, now)?,
        KeyAction::Retire { kid } => retire_key(path, kid, now)?,
    };
    Ok(ShownKeys {
        table: keys_to_text(&keys),
        json: keys.iter().map(key_to_json).collect(),
    })
}

fn print_keys(path: &Path, keys: &ShownKeys, options: KeyOptions) -> anyhow::Result<Ending> {
    if options.json {
        let file = path.display().to_string();
        print(format_args!("{:#}", json!({ "file": file, "keys": keys.json })))?;
    } else {
        print(keys.table.trim_end())?;
    }
    Ok(Ending::Done)
}

/// A change that the keys' state forbids is a message and status 1; everything else is a fault.
fn refused(error: KeyChangeError, options: KeyOptions) -> anyhow::Result<Ending> {
    match error {
        KeyChangeError::Unknown { .. } if !options.journal => {
            complain(format_args!("{error}; --journal names the journal's keys"));
            Ok(Ending::FoundWrong)
        }
        KeyChangeError::Busy { .. }
        | KeyChangeError::Full { .. }
        | KeyChangeError::Unknown { .. }
        | KeyChangeError::Newest { .. } => {
            complain(error);
            Ok(Ending::FoundWrong)
        }
        KeyChangeError::File(error) => Err(error.into()),
    }
}

fn keys_to_text(keys: &[KeyReport]) -> String {
    let columns = ["key", "algorithm", "made", "state"].map(TableColumn::text);
    let row = |key: &KeyReport| {
        [
            key.kid.clone(),
            key.algorithm.as_str().to_owned(),
            time_text(key.created_at),
            sentence(key.state),
        ]
    };
    let rows: Vec<[String; 4]> = keys.iter().map(row).collect();
    table(columns, &rows)
}

fn key_to_json(key: &KeyReport) -> Value {
    json!({
        "kid": key.kid,
        "algorithm": key.algorithm.as_str(),
        "created_at": time_text(key.created_at),
        "state": word(key.state),
        "changes_at": changes_at(key.state).map(time_text),
    })
}

fn sentence(state: KeyState) -> String {
    match state {
        KeyState::Waiting { signs_at } => format!("verifies, signs from {}", time_text(signs_at)),
        KeyState::Signing => "signs".to_owned(),
        KeyState::Verifying { until } => format!("verifies until {}", time_text(until)),
        KeyState::Ended { at } => format!("ended at {}", time_text(at)),
        KeyState::Retired { at } => format!("retired at {}", time_text(at)),
    }
}

fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Waiting { .. } => "waiting",
        KeyState::Signing => "signing",
        KeyState::Verifying { .. } => "verifying",
        KeyState::Ended { .. } => "ended",
        KeyState::Retired { .. } => "retired",
    }
}

/// When the state ends; for a key that has ended, or is retired, when that was.
fn changes_at(state: KeyState) -> Option<Timestamp> {
    match state {
        KeyState::Signing => None,
        KeyState::Waiting { signs_at: at }
        | KeyState::Verifying { until: at }
        | KeyState::Ended { at }
        | KeyState::Retired { at } => Some(at),
    }
}

#[cfg(test)]
mod tests {
    use service::config::TokenAlgorithm;

    use super::*;

    fn report(state: KeyState) -> KeyReport {
        KeyReport {
            kid: "5f0c1e9ab2d37846".to_owned(),
            algorithm: TokenAlgorithm::EdDsa,
            created_at: Timestamp::UNIX_EPOCH,
            state,
        }
    }

    #[test]
    fn a_key_is_shown_with_its_state() {
        let at = Timestamp::UNIX_EPOCH;
        let keys = [report(KeyState::Waiting { signs_at: at }), report(KeyState::Signing)];
        let lines = [
            "key               algorithm  made                         state",
            "5f0c1e9ab2d37846  EdDSA      1970-01-01T00:00:00.000000Z  verifies, signs from 1970-01-01T00:00:00.000000Z",
            "5f0c1e9ab2d37846  EdDSA      1970-01-01T00:00:00.000000Z  signs",
            "",
        ];
        assert_eq!(keys_to_text(&keys), lines.join("\n"));
        let shown = key_to_json(&keys[1]);
        assert_eq!(
            (&shown["state"], &shown["changes_at"]),
            (&json!("signing"), &Value::Null)
        );
        let shown = key_to_json(&report(KeyState::Retired { at }));
        assert_eq!(shown["changes_at"], "1970-01-01T00:00:00.000000Z");
    }
}
