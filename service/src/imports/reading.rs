//! Reads and parses a file on a thread of its own, one block ahead of the block that is being stored.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::content::{ContentGuard, ContentId, FileStat};
use super::counts::{RowCounts, SkipReason};
use super::error::{HeaderProblem, ImportError};
use super::kept::{KeptRejects, RejectedLine};
use super::kind::{FileKind, Pace, Parsed};
use super::records::{Found, Records};
use super::rejects::{Reject, Rejects};

/// A block ends after this many bytes of the file, whatever its number of rows, so that long rows cannot fill the
/// memory.
const BLOCK_MAX_BYTES: u64 = 32 * 1024 * 1024;

/// A replay's block ends once the waits of its rows add up to this at the replay's pace; its rows are applied together.
const REPLAY_STEP: Duration = Duration::from_millis(100);

/// The most blocks that are being read, or are read and wait for the block before them.
pub(super) const BLOCKS_AHEAD_MAX: usize = 1;

/// What is read, and from where.
pub(super) struct ReadPlan {
    pub path: PathBuf,
    /// The content to read; bytes that were appended after it was hashed are not read.
    pub content: ContentId,
    /// The file's metadata when its content was hashed; `None` for an upload, which no other program writes.
    pub stamp: Option<FileStat>,
    /// The offset up to which rows are applied.
    pub bytes_applied: u64,
    /// Rows up to there that were skipped.
    pub rows_skipped: u64,
    pub rejects: Option<Rejects>,
    /// The pace of a replay; `None` to read as fast as possible.
    pub pace: Option<Pace>,
}

/// A block that is read and not yet stored.
pub(super) struct Block<Batch> {
    pub from: u64,
    pub to: u64,
    pub counts: RowCounts,
    /// The rejected lines that the bank keeps.
    pub rejects: Vec<RejectedLine>,
    /// How long a replay at the original pace waits before this block, in milliseconds.
    pub wait_ms: u64,
    pub batch: Batch,
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

/// Reads a file from its checkpoint to its end, or until the channel of its blocks is closed.
pub(super) fn read<K: FileKind>(
    kind: &K,
    plan: &ReadPlan,
    blocks: &mpsc::Sender<Block<K::Batch>>,
) -> Result<(), FileReadError> {
    let file = File::open(&plan.path)?;
    let mut guard = ContentGuard::new(file.try_clone()?, plan.content, plan.stamp)?;
    check(&mut guard)?;
    let mut records = Records::new(file.try_clone()?.take(plan.content.size), 0, 1);
    let layout = match records.read_next()? {
        Found::End => return expect_end(plan, &records),
        Found::Record => K::layout(records.record())?,
        Found::Skipped(reason) => {
            let sentence = format!("the first line is no header: {}", reason.replace('_', " "));
            return Err(HeaderProblem(sentence).into());
        }
    };
    let mut reading = FileReading {
        kind,
        plan,
        blocks,
        file,
        guard,
        layout,
        records,
        kept: KeptRejects::after(plan.rows_skipped),
    };
    reading.go_to_checkpoint()?;
    reading.send_blocks()
}

/// Rows of a changed file must not be stored under the digest of its old content.
fn check(guard: &mut ContentGuard) -> Result<(), FileReadError> {
    if guard.is_unchanged()? {
        Ok(())
    } else {
        Err(FileReadError::Broken(ImportError::Changed))
    }
}

/// Checks that the file ends where it ended when it was hashed.
fn expect_end<S: Read>(plan: &ReadPlan, records: &Records<S>) -> Result<(), FileReadError> {
    if records.offset() == plan.content.size {
        Ok(())
    } else {
        Err(FileReadError::Broken(ImportError::Changed))
    }
}

struct FileReading<'a, K: FileKind> {
    kind: &'a K,
    plan: &'a ReadPlan,
    blocks: &'a mpsc::Sender<Block<K::Batch>>,
    file: File,
    guard: ContentGuard,
    layout: K::Layout,
    records: Records<io::Take<File>>,
    kept: KeptRejects,
}

/// How the reading of one block ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filled {
    Full,
    AtEnd,
    /// The channel is closed.
    Closed,
}

impl<K: FileKind> FileReading<'_, K> {
    /// Skips to the checkpoint. With a rejects file the rows before it are read again, so that it has every rejected
    /// line; and while rejected lines are kept, so that the lines are counted.
    fn go_to_checkpoint(&mut self) -> Result<(), FileReadError> {
        let ReadPlan {
            bytes_applied: checkpoint,
            content,
            ..
        } = *self.plan;
        if checkpoint == 0 {
            return Ok(());
        }
        let rejects = self.plan.rejects.is_some();
        let counts_lines = rejects || self.kept.has_room();
        while counts_lines && self.records.offset() < checkpoint && !self.blocks.is_closed() {
            match self.records.read_next()? {
                Found::End => break,
                Found::Record => {
                    if rejects && let Parsed::Skipped(reason) = self.kind.parse(&self.layout, self.records.record()) {
                        self.reject(reason)?;
                    }
                }
                Found::Skipped(reason) => self.reject(reason)?,
            }
        }
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(checkpoint))?;
        let rest = file.take(content.size.saturating_sub(checkpoint));
        self.records = Records::new(rest, checkpoint, self.records.next_line());
        Ok(())
    }

    /// A block is read once the channel has a slot for it, so that no more than one is in memory besides the one being
    /// stored.
    fn send_blocks(&mut self) -> Result<(), FileReadError> {
        let runtime = Handle::current();
        let (mut from, mut capacity) = (self.plan.bytes_applied, 0);
        while let Ok(slot) = runtime.block_on(self.blocks.reserve()) {
            let mut counts = RowCounts::default();
            let mut rows = Vec::with_capacity(capacity);
            let filled = self.fill(from, &mut rows, &mut counts)?;
            match filled {
                Filled::Closed => break,
                Filled::AtEnd => expect_end(self.plan, &self.records)?,
                Filled::Full => {}
            }
            check(&mut self.guard)?;
            capacity = rows.len();
            let to = self.records.offset();
            if counts.read > 0 {
                slot.send(Block {
                    from,
                    to,
                    counts,
                    rejects: self.kept.take(),
                    wait_ms: rows.iter().map(K::wait_ms).sum(),
                    batch: self.kind.batch(rows),
                });
            }
            if filled == Filled::AtEnd {
                break;
            }
            from = to;
        }
        Ok(())
    }

    /// Reads the rows of one block.
    fn fill(&mut self, from: u64, rows: &mut Vec<K::Row>, counts: &mut RowCounts) -> Result<Filled, FileReadError> {
        let rows_max = self.kind.block_rows() as u64;
        let mut wait_ms = 0;
        while counts.read < rows_max && self.records.offset() - from < BLOCK_MAX_BYTES {
            if self.blocks.is_closed() {
                return Ok(Filled::Closed);
            }
            let parsed = match self.records.read_next()? {
                Found::End => return Ok(Filled::AtEnd),
                Found::Record => self.kind.parse(&self.layout, self.records.record()),
                Found::Skipped(reason) => Parsed::Skipped(reason),
            };
            counts.read += 1;
            match parsed {
                Parsed::Row { row, coerced } => {
                    counts.coerced += u64::from(coerced);
                    wait_ms += K::wait_ms(&row);
                    rows.push(row);
                    if self.plan.pace.is_some_and(|pace| pace.of(wait_ms) >= REPLAY_STEP) {
                        return Ok(Filled::Full);
                    }
                }
                Parsed::Skipped(reason) => {
                    *counts.skipped.entry(reason).or_default() += 1;
                    self.kept.keep(self.records.line(), reason, self.records.raw());
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
            to: self.records.offset(),
        };
        let written = rejects.write(&reject);
        written.map_err(|error| FileReadError::Broken(ImportError::RejectsUnwritable(error)))
    }
}
