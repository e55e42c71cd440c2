//! `florin import`: imports the rows of files, shows the progress, and prints what happened to the rows.

mod bar;
mod files;
mod summary;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use service::imports::{ImportError, ImportOutcome, Pace, Rejects, RunOptions};
use service::values::{ImportKind, ImportStatus};
use tokio_util::sync::CancellationToken;

use self::bar::Bar;
use self::summary::ImportSummary;
use super::serve::stop_signal;
use super::{Bank, Ending, Settings, bank, print};
use crate::stderr::complain;

#[derive(Debug, Subcommand)]
pub enum What {
    /// Merchants' activity feeds
    Activities(ImportOptions),
    /// Deposits and withdrawals of other systems, for the daily totals
    Transactions(Replay),
}

#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    options: ImportOptions,

    /// Wait before the rows as long as they say in `sleep_ms`; `--pace=2` is twice as fast, `--pace=0.5` half as fast
    // `=` is required: otherwise the path that follows would be read as the factor.
    #[arg(long, value_name = "FACTOR", num_args = 0..=1, require_equals = true, default_missing_value = "1", value_parser = pace)]
    pace: Option<Pace>,
}

#[derive(Debug, Args)]
pub struct ImportOptions {
    /// CSV files, folders (every *.csv in them, by name) and patterns
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Write the rejected lines here, with file, line and reason
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// Exit with status 1 when a row was skipped, coerced or a duplicate
    #[arg(long)]
    strict: bool,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(settings: &Settings, what: What) -> anyhow::Result<Ending> {
    let (kind, options, pace) = match what {
        What::Activities(options) => (ImportKind::Activities, options, None),
        What::Transactions(Replay { options, pace }) => (ImportKind::Transactions, options, pace),
    };
    let files = match files::find(&options.paths, options.rejects.as_deref()) {
        Ok(files) => files,
        Err(complaint) => {
            complain(complaint);
            return Ok(Ending::UsedWrongly);
        }
    };
    let bank = bank::open(&settings.config()?).await?;
    // Truncates an old file of rejected lines only once the bank is open.
    let rejects = options.rejects.as_deref().map(create_rejects).transpose();
    let rejects = match rejects {
        Ok(rejects) => rejects,
        Err(error) => {
            bank.stop().await;
            return Err(error);
        }
    };
    let mut summary = ImportSummary::default();
    let every = ImportSettings {
        kind,
        pace,
        rejects: rejects.as_ref(),
    };
    let run = import_all(&bank, every, &files, &mut summary).await;
    bank.stop().await;
    if let Some(rejects) = rejects {
        rejects.finish().context("the rejected lines cannot be written")?;
    }
    // Printed after a fault too: what was imported before it stays imported.
    if options.json {
        print(format_args!("{:#}", summary.to_json()))?;
    } else {
        print(summary.to_text().trim_end())?;
    }
    run?;
    let is_wrong = summary.has_failed() || options.strict && !summary.total().is_spotless();
    Ok(if is_wrong { Ending::FoundWrong } else { Ending::Done })
}

fn create_rejects(path: &Path) -> anyhow::Result<Rejects> {
    Rejects::create(path).with_context(|| format!("{} cannot be written", path.display()))
}

fn pace(text: &str) -> Result<Pace, String> {
    Pace::parse(text).ok_or_else(|| "not a factor above zero of at most three decimals".to_owned())
}

/// The options that all files of a run share.
struct ImportSettings<'a> {
    kind: ImportKind,
    pace: Option<Pace>,
    rejects: Option<&'a Rejects>,
}

/// Imports file after file. After a signal it stops at the end of a block.
async fn import_all(
    bank: &Bank,
    settings: ImportSettings<'_>,
    files: &[PathBuf],
    summary: &mut ImportSummary,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let stops = stop.clone();
    let signals = stop_signal()?;
    let listener = tokio::spawn(async move {
        signals.await;
        stops.cancel();
    });
    let mut bar = Bar::new(files)?;
    let mut done = Ok(());
    for path in files {
        let options = RunOptions {
            rejects: settings.rejects.cloned(),
            pace: settings.pace,
            progress: bar.begin(path),
            stop: stop.clone(),
            ..RunOptions::default()
        };
        let outcome = bank.imports.import_file(settings.kind, path, options).await;
        bar.end(path).await;
        done = note(outcome, path, summary);
        if done.is_err() {
            break;
        }
    }
    bar.clear();
    listener.abort();
    done
}

fn note(outcome: Result<ImportOutcome, ImportError>, path: &Path, summary: &mut ImportSummary) -> anyhow::Result<()> {
    match outcome {
        Ok(ImportOutcome::Finished(import)) => {
            if import.status == ImportStatus::Failed {
                let failure = import.failure.as_deref().unwrap_or_default();
                complain(format_args!("{}: {failure}", path.display()));
            }
            summary.add(path, import);
            Ok(())
        }
        Ok(ImportOutcome::SkippedAsKnown(_)) => Ok(()),
        Ok(ImportOutcome::Stopped(import)) => {
            summary.stop(path, import);
            Err(anyhow!("stopped before the end; the same command goes on from there"))
        }
        Err(error) => Err(anyhow::Error::new(error).context(format!(
            "{} is not imported to its end; the same command goes on from there",
            path.display()
        ))),
    }
}
