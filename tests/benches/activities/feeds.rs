//! The input files: feeds with the dirt of real ones, and their clean rows in the form that each database's tool reads.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use chrono::DateTime;
use harness::Backend;
use harness::activities::{Dirt, Feed, Flaw, Row};
use sea_orm::ActiveEnum;
use service::values::{ActivityStatus, Channel, Product};
use tempfile::TempDir;

/// A folder on disk with files that are made on request.
pub struct Feeds {
    folder: TempDir,
}

/// A feed with dirt.
pub struct Dirty {
    pub path: PathBuf,
    /// What an import must insert.
    pub inserted: u64,
}

/// Clean rows.
pub struct Clean {
    pub path: PathBuf,
    pub rows: u64,
}

const BUFFER_BYTES: usize = 1 << 20;

impl Feeds {
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("florin-bench-")
            .tempdir_in("/var/tmp")?;
        Ok(Self { folder })
    }

    pub fn dirty(&self, rows: u64) -> Result<Dirty> {
        let path = self.folder.path().join(format!("activities_{rows}.csv"));
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&path)?);
        let expected = feed(rows).write_to(&mut out)?;
        out.flush()?;
        Ok(Dirty {
            path,
            inserted: expected.inserted,
        })
    }

    /// The same rows in the same order, without those that an import skips.
    pub fn clean(&self, rows: u64, backend: Backend) -> Result<Clean> {
        let path = self.folder.path().join(format!("clean_{rows}_{backend:?}.csv"));
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&path)?);
        let mut count = 0;
        for (row, flaw) in feed(rows).rows() {
            if matches!(flaw, None | Some(Flaw::BadAmount)) {
                let cents = if flaw.is_some() { 0 } else { row.cents };
                write_row(&mut out, &row, cents, backend)?;
                count += 1;
            }
        }
        out.flush()?;
        Ok(Clean { path, rows: count })
    }
}

/// The seed is the size, so that no event is in two files.
fn feed(rows: u64) -> Feed {
    Feed::new(rows, rows, Dirt::Real)
}

/// The columns in the order of the table.
fn write_row(out: &mut impl Write, row: &Row, cents: i64, backend: Backend) -> Result<()> {
    let event = match backend {
        Backend::Postgres => row.event_id.hyphenated().to_string(),
        // The shell cannot read bytes from text; without hyphens the baseline's key is as short as text can be.
        Backend::Sqlite => row.event_id.simple().to_string(),
    };
    let time = DateTime::from_timestamp(row.seconds, 0)
        .unwrap_or_default()
        .to_rfc3339();
    let product = number(Product::from_word(row.product));
    let status = number(ActivityStatus::from_word(row.status));
    let channel = number(Channel::from_word(row.channel));
    let (whole, fraction) = (cents / 100, cents % 100);
    let Row {
        merchant,
        event_type,
        region,
        tier,
        ..
    } = row;
    writeln!(
        out,
        "{event},{time},{whole}.{fraction:02}00,{product},{status},{channel},MRC-{merchant:06},{event_type},{region},{tier}"
    )?;
    Ok(())
}

fn number<T: ActiveEnum<Value = i16>>(value: Option<T>) -> i16 {
    value.map(|value| value.to_value()).unwrap_or_default()
}
