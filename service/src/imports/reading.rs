//! The reading side of an import: a thread that reads and parses ahead of what is being stored, a block at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::error::{HeaderProblem, ImportError};
use super::kind::{Pace, Parsed, RowCounts, Rows, SkipReason};
use super::records::{Found, Records};
use super::rejects::{Reject, Rejects};
use super::source::{FileContent, Guard, Stamp};

/// A block ends at this many bytes of its file, whatever its number of rows: long rows must not fill the memory.
const BLOCK_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// A replay's block ends where its rows have waited for so long: they are applied together.
const REPLAY_STEP: Duration = Duration::from_millis(100);

/// Blocks that are being read, or are read and wait for the one before them.
pub(super) const BLOCKS_AHEAD_MAX: usize = 1;

/// Where reading begins.
pub(super) struct Plan {
    pub path: PathBuf,
    /// What the file holds; what was appended since is not read.
    pub content: FileContent,
    /// What the file was like when it was looked at; `None` where nobody else writes it.
    pub stamp: Option<Stamp>,
    /// The byte up to which rows are applied, and the number of the block that begins there.
    pub checkpoint: u64,
    pub block: u64,
    pub rejects: Option<Rejects>,
    /// How fast rows are to be replayed, if they are.
    pub pace: Option<Pace>,
}

/// A block that is read and not yet stored.
pub(super) struct FilePiece<Batch> {
    pub number: u64,
    pub from: u64,
    pub to: u64,
    pub counts: RowCounts,
    /// How long its rows wait together, in milliseconds, before anybody makes it faster or slower.
    pub wait_ms: u64,
    pub rows: Batch,
}

/// Why a file is not read to its end.
pub(super) enum FileReadError {
    Header(HeaderProblem),
    Broken(ImportError),
}

impl From<HeaderProblem> for FileReadError {
    fn from(problem: HeaderProblem) -> Self {
        Self::Header(problem)
    }
}

impl From<io::Error> for FileReadError {
    fn from(error: io::Error) -> Self {
        Self::Broken(ImportError::Unreadable(error))
    }
}

/// Reads a file from its checkpoint to its end, or until nobody takes its blocks any more.
pub(super) fn read<R: Rows>(
    rows: &R,
    plan: &Plan,
    blocks: &mpsc::Sender<FilePiece<R::Batch>>,
) -> Result<(), FileReadError> {
    let file = File::open(&plan.path)?;
    let mut guard = Guard::new(file.try_clone()?, plan.content, plan.stamp)?;
    check(&mut guard)?;
    let mut records = Records::new(file.try_clone()?.take(plan.content.size), 0, 1);
    let layout = match records.read_next()? {
        Found::End => return expect_end(plan, &records),
        Found::Record => R::layout(records.record())?,
        Found::Unusable(reason) => {
            let sentence = format!("the first line is no header: {}", reason.replace('_', " "));
            return Err(HeaderProblem(sentence).into());
        }
    };
    let mut reading = FileReading {
        rows,
        plan,
        blocks,
        file,
        guard,
        layout,
        records,
    };
    reading.go_to_checkpoint()?;
    reading.send_blocks()
}

/// No row of a file that has changed shall be stored under the old one's digest.
fn check(guard: &mut Guard) -> Result<(), FileReadError> {
    if guard.is_unchanged()? {
        Ok(())
    } else {
        Err(FileReadError::Broken(ImportError::Changed))
    }
}

/// The end is where it was when the file was looked at.
fn expect_end<S: Read>(plan: &Plan, records: &Records<S>) -> Result<(), FileReadError> {
    if records.position() == plan.content.size {
        Ok(())
    } else {
        Err(FileReadError::Broken(ImportError::Changed))
    }
}

struct FileReading<'a, R: Rows> {
    rows: &'a R,
    plan: &'a Plan,
    blocks: &'a mpsc::Sender<FilePiece<R::Batch>>,
    file: File,
    guard: Guard,
    layout: R::Layout,
    records: Records<io::Take<File>>,
}

/// How the reading of one block ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    Full,
    AtEnd,
    /// Nobody takes blocks any more.
    LeftAlone,
}

impl<R: Rows> FileReading<'_, R> {
    /// Rows before the checkpoint are read again only for who wants to see every rejected line.
    fn go_to_checkpoint(&mut self) -> Result<(), FileReadError> {
        let Plan {
            checkpoint, content, ..
        } = *self.plan;
        if checkpoint == 0 {
            return Ok(());
        }
        while self.plan.rejects.is_some() && self.records.position() < checkpoint && !self.blocks.is_closed() {
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
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(checkpoint))?;
        let rest = file.take(content.size.saturating_sub(checkpoint));
        self.records = Records::new(rest, checkpoint, self.records.next_line());
        Ok(())
    }

    /// Each block has its place before it is read, so that no more than one is in memory besides the one being stored.
    fn send_blocks(&mut self) -> Result<(), FileReadError> {
        let runtime = Handle::current();
        let (mut number, mut from, mut capacity) = (self.plan.block, self.plan.checkpoint, 0);
        // Once nobody takes blocks any more, there is no place.
        while let Ok(place) = runtime.block_on(self.blocks.reserve()) {
            let mut counts = RowCounts::default();
            let mut rows = Vec::with_capacity(capacity);
            let filled = self.fill(from, &mut rows, &mut counts)?;
            match filled {
                Filled::LeftAlone => break,
                Filled::AtEnd => expect_end(self.plan, &self.records)?,
                Filled::Full => {}
            }
            check(&mut self.guard)?;
            capacity = rows.len();
            let to = self.records.position();
            if counts.read > 0 {
                place.send(FilePiece {
                    number,
                    from,
                    to,
                    counts,
                    wait_ms: rows.iter().map(R::wait_ms).sum(),
                    rows: self.rows.batch(rows),
                });
            }
            if filled == Filled::AtEnd {
                break;
            }
            (number, from) = (number + 1, to);
        }
        Ok(())
    }

    /// Reads the rows of one block.
    fn fill(&mut self, from: u64, rows: &mut Vec<R::Row>, counts: &mut RowCounts) -> Result<Filled, FileReadError> {
        let rows_max = self.rows.block_rows() as u64;
        let mut wait_ms = 0;
        while counts.read < rows_max && self.records.position() - from < BLOCK_MAX_BYTES {
            if self.blocks.is_closed() {
                return Ok(Filled::LeftAlone);
            }
            let parsed = match self.records.read_next()? {
                Found::End => return Ok(Filled::AtEnd),
                Found::Record => self.rows.parse(&self.layout, self.records.record()),
                Found::Unusable(reason) => Parsed::Skipped(reason),
            };
            counts.read += 1;
            match parsed {
                Parsed::Row { row, coerced } => {
                    counts.coerced += u64::from(coerced);
                    wait_ms += R::wait_ms(&row);
                    rows.push(row);
                    if self.plan.pace.is_some_and(|pace| pace.of(wait_ms) >= REPLAY_STEP) {
                        return Ok(Filled::Full);
                    }
                }
                Parsed::Skipped(reason) => {
                    *counts.skipped.entry(reason).or_default() += 1;
                    self.reject(reason)?;
                }
            }
        }
        Ok(Filled::Full)
    }

    fn reject(&self, reason: SkipReason) -> Result<(), FileReadError> {
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
        written.map_err(|error| FileReadError::Broken(ImportError::RejectsUnwritable(error)))
    }
}
