//! Imports the demo's files as an operator would: with the bank's importer, week by week.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use service::imports::{ImportOutcome, ImportTotals, RunOptions};
use service::values::{ImportKind, ImportStatus};

use super::calendar::Calendar;
use super::feeds::{FeedDays, FeedWriter};
use crate::cli::Bank;

/// What was imported so far.
pub struct FeedImports {
    writer: FeedWriter,
    folder: PathBuf,
    /// The first day that is in no file yet.
    next_day: u32,
    pub files: u32,
    pub totals: ImportTotals,
}

/// A file has so many days.
const WEEK: u32 = 7;

impl FeedImports {
    /// The files lie in a folder that is made.
    pub fn new(seed: u64, folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.join("feeds");
        fs::create_dir_all(&folder).context("cannot make a folder for the demo's files")?;
        Ok(Self {
            writer: FeedWriter::new(seed),
            folder,
            next_day: 0,
            files: 0,
            totals: ImportTotals::default(),
        })
    }

    /// Imports each week that is over before a day; before the last one also what is left.
    pub async fn before(&mut self, day: u32, bank: &Bank, calendar: Calendar) -> anyhow::Result<()> {
        while self.next_day < day {
            let count = (day - self.next_day).min(WEEK);
            if count < WEEK && day < calendar.days() {
                return Ok(());
            }
            let days = FeedDays {
                first: calendar.date(self.next_day),
                count,
            };
            self.next_day += count;
            let (activities, transactions) = (self.writer.activities(days), self.writer.transactions(days));
            self.import(bank, ImportKind::Activities, days, &activities).await?;
            self.import(bank, ImportKind::Transactions, days, &transactions).await?;
        }
        Ok(())
    }

    async fn import(&mut self, bank: &Bank, kind: ImportKind, days: FeedDays, text: &str) -> anyhow::Result<()> {
        let name = format!("{}_{}.csv", kind.as_str(), days.last().format("%Y%m%d"));
        let path = self.folder.join(&name);
        fs::write(&path, text).with_context(|| format!("cannot write the demo's file {name}"))?;
        match bank.imports.import_file(kind, &path, RunOptions::default()).await? {
            ImportOutcome::Finished(import) if import.status == ImportStatus::Completed => {
                self.files += 1;
                self.totals.add(&import.counts);
                Ok(())
            }
            ImportOutcome::Finished(import) => {
                bail!(
                    "the demo's file {name} was not imported: {}",
                    import.failure.unwrap_or_default()
                )
            }
            ImportOutcome::Stopped(_) | ImportOutcome::SkippedAsKnown(_) => {
                bail!("the demo's file {name} was not imported")
            }
        }
    }
}
