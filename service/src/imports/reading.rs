//! The reading side of an import: a thread that reads and parses ahead of what is being stored, a block at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::error::{HeaderProblem, ImportError};
use super::kind::{Counts, Parsed, Rows, SkipReason};
use super::records::{Found, Records};
use super::rejects::{Reject, Rejects};

/// A block ends at this many bytes of its file, whatever its number of rows: long rows must not fill the memory.
const BLOCK_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Blocks that are being read, or are read and wait for the one before them.
pub(super) const BLOCKS_AHEAD_MAX: usize = 1;

/// Where reading begins.
pub(super) struct Plan {
    pub path: PathBuf,
    /// Bytes of the file; what was appended since is not read.
    pub size: u64,
    /// The byte up to which rows are applied, and the number of the block that begins there.
    pub checkpoint: u64,
    pub block: u64,
    pub rejects: Option<Rejects>,
}

/// A block that is read and not yet stored.
pub(super) struct Piece<Batch> {
    pub number: u64,
    pub from: u64,
    pub to: u64,
    pub counts: Counts,
    pub rows: Batch,
}

/// Why a file is not read to its end.
pub(super) enum ReadError {
    Header(HeaderProblem),
    Broken(ImportError),
}

impl From<HeaderProblem> for ReadError {
    fn from(problem: HeaderProblem) -> Self {
        Self::Header(problem)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Broken(ImportError::Unreadable(error))
    }
}

/// Reads a file from its checkpoint to its end, or until nobody takes its blocks any more.
pub(super) fn read<R: Rows>(rows: &R, plan: &Plan, blocks: &mpsc::Sender<Piece<R::Batch>>) -> Result<(), ReadError> {
    let mut records = Records::new(File::open(&plan.path)?.take(plan.size), 0, 1);
    let layout = match records.read_next()? {
        Found::End => return Ok(()),
        Found::Record => R::layout(records.record())?,
        Found::Unusable(reason) => {
            let sentence = format!("the first line is no header: {}", reason.replace('_', " "));
            return Err(HeaderProblem(sentence).into());
        }
    };
    let mut reading = Reading {
        rows,
        plan,
        layout,
        records,
    };
    reading.go_to_checkpoint()?;
    reading.send_blocks(blocks)
}

struct Reading<'a, R: Rows> {
    rows: &'a R,
    plan: &'a Plan,
    layout: R::Layout,
    records: Records<io::Take<File>>,
}

impl<R: Rows> Reading<'_, R> {
    /// Rows before the checkpoint are read again only for who wants to see every rejected line.
    fn go_to_checkpoint(&mut self) -> Result<(), ReadError> {
        if self.plan.checkpoint == 0 {
            return Ok(());
        }
        while self.plan.rejects.is_some() && self.records.position() < self.plan.checkpoint {
            match self.records.read_next()? {
                Found::End => break,
                Found::Record => {
                    if let Parsed::Skipped(reason) = self.rows.parse(&self.layout, self.records.record()) {
                        self.reject(reason)?;
                    }
                }
                Found::Unusable(reason) => self.reject(reason)?,
            }
        }
        let mut file = File::open(&self.plan.path)?;
        file.seek(SeekFrom::Start(self.plan.checkpoint))?;
        let rest = file.take(self.plan.size.saturating_sub(self.plan.checkpoint));
        self.records = Records::new(rest, self.plan.checkpoint, self.records.next_line());
        Ok(())
    }

    /// Each block has its place before it is read, so that no more than one is in memory besides the one being stored.
    fn send_blocks(&mut self, blocks: &mpsc::Sender<Piece<R::Batch>>) -> Result<(), ReadError> {
        let runtime = Handle::current();
        let (mut number, mut from, mut capacity) = (self.plan.block, self.plan.checkpoint, 0);
        // Once nobody takes blocks any more, there is no place.
        while let Ok(place) = runtime.block_on(blocks.reserve()) {
            let mut counts = Counts::default();
            let mut rows = Vec::with_capacity(capacity);
            let is_end = self.fill(from, &mut rows, &mut counts)?;
            capacity = rows.len();
            // Blank lines at the end belong to the last block.
            let to = if is_end {
                self.plan.size
            } else {
                self.records.position()
            };
            if counts.read > 0 {
                place.send(Piece {
                    number,
                    from,
                    to,
                    counts,
                    rows: self.rows.batch(rows),
                });
            }
            if is_end {
                break;
            }
            (number, from) = (number + 1, to);
        }
        Ok(())
    }

    /// Reads the rows of one block; true at the end of the file.
    fn fill(&mut self, from: u64, rows: &mut Vec<R::Row>, counts: &mut Counts) -> Result<bool, ReadError> {
        let rows_max = self.rows.block_rows() as u64;
        while counts.read < rows_max && self.records.position() - from < BLOCK_MAX_BYTES {
            let parsed = match self.records.read_next()? {
                Found::End => return Ok(true),
                Found::Record => self.rows.parse(&self.layout, self.records.record()),
                Found::Unusable(reason) => Parsed::Skipped(reason),
            };
            counts.read += 1;
            match parsed {
                Parsed::Row { row, coerced } => {
                    counts.coerced += u64::from(coerced);
                    rows.push(row);
                }
                Parsed::Skipped(reason) => {
                    *counts.skipped.entry(reason).or_default() += 1;
                    self.reject(reason)?;
                }
            }
        }
        Ok(false)
    }

    fn reject(&self, reason: SkipReason) -> Result<(), ReadError> {
        let Some(rejects) = &self.plan.rejects else {
            return Ok(());
        };
        let reject = Reject {
            line: self.records.line(),
            reason,
            raw: self.records.raw(),
            to: self.records.position(),
        };
        let written = rejects.write(&reject);
        written.map_err(|error| ReadError::Broken(ImportError::RejectsUnwritable(error)))
    }
}
