//! The storing side of an import: takes blocks as they are read and applies each on the checkpoint before it.
//!
//! Another importer may work on the same import. The one that comes second with a block finds it stale, looks how far
//! the import has come, and goes on from there. A fault ends the run and leaves the import RUNNING at its checkpoint.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::ImportError;
use super::import::{Import, ImportOutcome, Progress};
use super::kind::{Block, Pace, Rows, Stored};
use super::reading::{self, BLOCKS_AHEAD_MAX, FilePiece, FileReadError, Plan};
use super::rejects::Rejects;
use super::repo::{self, Advanced, End};
use super::source::{FileContent, Stamp};
use crate::backoff::doubled;
use crate::clock::{Clock, random_bytes};
use crate::db::{Db, Fault};
use crate::values::{ImportId, ImportStatus};

/// How often a block is tried while other writers are in the way.
const TRIES_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// One import to go on with.
pub(super) struct Job {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub import: Import,
    pub path: PathBuf,
    /// What the file was like when its content was looked at.
    pub stamp: Option<Stamp>,
    pub rejects: Option<Rejects>,
    pub progress: Arc<watch::Sender<Progress>>,
    /// Cancelled when the work shall end with the block under way.
    pub stop: CancellationToken,
    pub pace: Option<Pace>,
    /// When the last rows of a replay were due: what storing them takes does not slow it down.
    pub due: Option<Instant>,
}

type Run = Pin<Box<dyn Future<Output = Result<ImportOutcome, ImportError>> + Send>>;

/// A kind of file whose rows' types are forgotten.
pub(super) trait Importer: Send + Sync {
    fn is_once(&self) -> bool;
    fn run(self: Arc<Self>, job: Job) -> Run;
}

impl<R: Rows> Importer for R {
    fn is_once(&self) -> bool {
        R::ONCE
    }

    fn run(self: Arc<Self>, job: Job) -> Run {
        Box::pin(run(self, job))
    }
}

async fn run<R: Rows>(rows: Arc<R>, mut job: Job) -> Result<ImportOutcome, ImportError> {
    if let Some(rejects) = &job.rejects {
        rejects.begin(&job.import.file);
    }
    let rows_before = job.import.counts.rows_read;
    let mut is_read_to_its_end = false;
    loop {
        if job.import.status != ImportStatus::Running {
            if !is_read_to_its_end {
                job.write_rejects(rows).await?;
            }
            return Ok(ImportOutcome::Finished(job.import));
        }
        job.show(rows_before);
        let (sender, receiver) = mpsc::channel(BLOCKS_AHEAD_MAX);
        let (reader_rows, plan) = (rows.clone(), job.plan());
        let reader = tokio::task::spawn_blocking(move || reading::read(&*reader_rows, &plan, &sender));
        let applied = job.apply_all(&*rows, receiver, rows_before).await;
        // The reader ends too: its channel is closed. Only then may another one begin.
        let read = reader.await.map_err(Fault::broken)?;
        match (applied?, read) {
            (BlockApplied::Stopped, _) => return Ok(ImportOutcome::Stopped(Some(job.import))),
            (BlockApplied::Overtaken, _) => {}
            (BlockApplied::All, Err(FileReadError::Broken(error))) => return Err(error),
            (BlockApplied::All, Err(FileReadError::Header(problem))) => job.finish(End::Failed(&problem.0)).await?,
            (BlockApplied::All, Ok(())) => {
                is_read_to_its_end = true;
                let checkpoint = job.import.checkpoint;
                let keeps_content = R::ONCE;
                job.finish(End::Completed {
                    checkpoint,
                    keeps_content,
                })
                .await?;
            }
        }
    }
}

/// How the blocks of one reading ended.
enum BlockApplied {
    All,
    /// Another importer has moved the checkpoint: reading has to begin there.
    Overtaken,
    Stopped,
}

impl Job {
    fn plan(&self) -> Plan {
        Plan {
            path: self.path.clone(),
            content: FileContent {
                digest: self.import.digest,
                size: self.import.size,
            },
            stamp: self.stamp,
            checkpoint: self.import.checkpoint,
            block: self.import.block,
            rejects: self.rejects.clone(),
            pace: self.pace,
        }
    }

    fn show(&self, rows_before: u64) {
        self.progress.send_replace(self.import.progress(rows_before));
    }

    /// Reads a file once more that is imported already, to write down its rejected lines.
    async fn write_rejects<R: Rows>(&mut self, rows: Arc<R>) -> Result<(), ImportError> {
        if self.rejects.is_none() {
            return Ok(());
        }
        let (sender, mut receiver) = mpsc::channel(BLOCKS_AHEAD_MAX);
        let plan = self.plan();
        let reader = tokio::task::spawn_blocking(move || reading::read(&*rows, &plan, &sender));
        // Behind the checkpoint there is no block, so the channel closes at the end of the file.
        tokio::select! {
            () = self.stop.cancelled() => {}
            _ = receiver.recv() => {}
        }
        drop(receiver);
        match reader.await.map_err(Fault::broken)? {
            Err(FileReadError::Broken(error)) => Err(error),
            Ok(()) | Err(FileReadError::Header(_)) => Ok(()),
        }
    }

    async fn apply_all<R: Rows>(
        &mut self,
        rows: &R,
        mut blocks: mpsc::Receiver<FilePiece<R::Batch>>,
        rows_before: u64,
    ) -> Result<BlockApplied, ImportError> {
        loop {
            // The reader may need long for its first block, if it shows every rejected line before it.
            let piece = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(BlockApplied::Stopped),
                piece = blocks.recv() => piece,
            };
            let Some(piece) = piece else {
                return Ok(BlockApplied::All);
            };
            // Another importer has applied it since it was read.
            if piece.to <= self.import.checkpoint {
                continue;
            }
            if piece.from != self.import.checkpoint {
                return Ok(BlockApplied::Overtaken);
            }
            if self.is_stopped_before(piece.wait_ms).await {
                return Ok(BlockApplied::Stopped);
            }
            self.apply(rows, piece).await?;
            self.show(rows_before);
            if self.import.status != ImportStatus::Running {
                return Ok(BlockApplied::Overtaken);
            }
        }
    }

    /// Applies a block, or finds that another importer has. After too many tries the block is left, and is read again.
    async fn apply<R: Rows>(&mut self, rows: &R, piece: FilePiece<R::Batch>) -> Result<(), ImportError> {
        let block = self.block(piece);
        for tries in 0..TRIES_MAX {
            match rows.store(&block).await {
                Ok(Stored::Applied { inserted, duplicate }) => {
                    self.note(block, inserted, duplicate);
                    return Ok(());
                }
                Ok(Stored::Stale) => {
                    self.look_again().await?;
                    if self.import.checkpoint != block.from || self.import.status != ImportStatus::Running {
                        return Ok(());
                    }
                }
                Err(fault) if fault.is_conflict() && tries + 1 < TRIES_MAX => {}
                Err(fault) => return Err(fault.into()),
            }
            pause_after(tries).await;
        }
        Ok(())
    }

    /// Waits for the time of rows that wait for so long after the ones before; true when told to stop meanwhile.
    async fn is_stopped_before(&mut self, wait_ms: u64) -> bool {
        let Some(pace) = self.pace else { return false };
        let due = *self.due.get_or_insert_with(Instant::now) + pace.of(wait_ms);
        self.due = Some(due);
        tokio::time::timeout_at(due, self.stop.cancelled()).await.is_ok()
    }

    fn block<Batch>(&self, piece: FilePiece<Batch>) -> Block<Batch> {
        let mut reasons = self.import.counts.skip_reasons.clone();
        for (reason, count) in &piece.counts.skipped {
            *reasons.entry((*reason).to_owned()).or_default() += count;
        }
        Block {
            import: self.import.id,
            number: piece.number,
            from: piece.from,
            to: piece.to,
            rows: piece.rows,
            counts: piece.counts,
            skip_reasons: repo::reasons_text(&reasons),
        }
    }

    fn note<Batch>(&mut self, block: Block<Batch>, inserted: u64, duplicate: u64) {
        self.import.checkpoint = block.to;
        self.import.block += 1;
        let counts = &mut self.import.counts;
        counts.rows_read += block.counts.read;
        counts.rows_inserted += inserted;
        counts.rows_duplicate += duplicate;
        counts.rows_skipped += block.counts.rows_skipped();
        counts.amounts_coerced += block.counts.coerced;
        for (reason, count) in block.counts.skipped {
            *counts.skip_reasons.entry(reason.to_owned()).or_default() += count;
        }
    }

    async fn look_again(&mut self) -> Result<(), ImportError> {
        self.import = reload(&self.db, self.import.id).await?;
        Ok(())
    }

    /// Ends the import, or finds that another importer has.
    async fn finish(&mut self, end: End<'_>) -> Result<(), ImportError> {
        match repo::finish(&self.db.write, &self.import, end, self.clock.now()).await? {
            Advanced::Changed | Advanced::Stale => self.look_again().await,
        }
    }
}

pub(super) async fn reload(db: &Db, id: ImportId) -> Result<Import, ImportError> {
    repo::find(&db.write, id).await?.ok_or(ImportError::NotFound)
}

/// Longer each time, and with a random part, so that two importers do not meet again in step.
async fn pause_after(tries: u32) {
    let [jitter] = random_bytes();
    let jitter = PAUSE * u32::from(jitter) / u32::from(u8::MAX);
    tokio::time::sleep(doubled(PAUSE, PAUSE_MAX, tries) + jitter).await;
}
