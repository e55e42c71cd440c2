//! A file of transactions over thirty days; each run's file has different content.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use chrono::{DateTime, TimeDelta};
use tempfile::TempDir;

pub struct Feed {
    pub path: PathBuf,
    pub rows: u64,
    /// The sum of all amounts, in ten-thousandths.
    pub units: u128,
    _folder: TempDir,
}

const METHODS: [&str; 5] = ["visa", "wire", "paypal", "apple_pay", "crypto"];
const KINDS: [&str; 2] = ["deposit", "withdrawal"];
/// Shares no factor with `SECONDS`, so that the rows visit every second of the month before one repeats.
const STRIDE: u64 = 1_000_003;
const SECONDS: u64 = 30 * 86_400;

impl Feed {
    pub fn write(rows: u64, seed: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("transactions.csv");
        let mut file = BufWriter::new(File::create(&path)?);
        writeln!(file, "timestamp,type,payment_method,amount,sleep_ms")?;
        let first = DateTime::from_timestamp(1_767_225_600, 0).unwrap_or_default();
        let mut units = 0;
        for row in 0..rows {
            let mixed = (row + seed * 7).wrapping_mul(STRIDE);
            let time = first + TimeDelta::seconds((mixed % SECONDS).cast_signed());
            let cents = mixed % 200_000 + 1;
            units += u128::from(cents) * 100;
            let (kind, method) = (KINDS[(mixed >> 7) as usize % 2], METHODS[(mixed >> 11) as usize % 5]);
            writeln!(
                file,
                "{},{kind},{method},{}.{:02},{}",
                time.format("%Y-%m-%dT%H:%M:%S"),
                cents / 100,
                cents % 100,
                mixed % 20
            )?;
        }
        file.flush()?;
        Ok(Self {
            path,
            rows,
            units,
            _folder: folder,
        })
    }
}
