//! Stores an import: takes its blocks as they are read and applies each where the one before it ended.
//!
//! Another importer may work on the same import. The one that comes second with a block finds it stale, reloads the
//! import, and continues at its checkpoint. A fault ends the run and leaves the import RUNNING at its checkpoint.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::checkpoint::{Checkpoint, Stored};
use super::content::{ContentId, FileStat};
use super::error::ImportError;
use super::import::{Import, ImportOutcome, ImportProgress};
use super::kind::{FileKind, Pace};
use super::reading::{self, BLOCKS_AHEAD_MAX, Block, FileReadError, ReadPlan};
use super::rejects::Rejects;
use super::repo::{self, End, ImportUpdate};
use crate::backoff::doubled;
use crate::clock::{Clock, random_bytes};
use crate::db::{Db, Fault};
use crate::values::{ImportId, ImportStatus};

/// How often a block is tried while other writers conflict with it; the first and the longest pause between two tries.
const TRIES_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// One run of an import: from its checkpoint to the end of its file, or until it is stopped.
pub(super) struct ImportRun {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub import: Import,
    pub path: PathBuf,
    /// The file's metadata when its content was hashed; `None` for an upload.
    pub stamp: Option<FileStat>,
    pub rejects: Option<Rejects>,
    pub progress: Arc<watch::Sender<ImportProgress>>,
    /// Cancelled to end the run after the block under way.
    pub stop: CancellationToken,
    pub pace: Option<Pace>,
    /// When a replay's last block was due. The next wait begins there, so that the time to store rows does not slow the
    /// replay down.
    pub due: Option<Instant>,
}

pub(super) async fn run<K: FileKind>(kind: Arc<K>, mut run: ImportRun) -> Result<ImportOutcome, ImportError> {
    if let Some(rejects) = &run.rejects {
        rejects.begin(&run.import.file_name);
    }
    let rows_before = run.import.counts.rows_read;
    let mut is_read_to_its_end = false;
    loop {
        if run.import.status != ImportStatus::Running {
            if !is_read_to_its_end {
                run.write_rejects(kind).await?;
            }
            return Ok(ImportOutcome::Finished(run.import));
        }
        run.show(rows_before);
        let (sender, receiver) = mpsc::channel(BLOCKS_AHEAD_MAX);
        let (reader_kind, plan) = (kind.clone(), run.plan());
        let reader = tokio::task::spawn_blocking(move || reading::read(&*reader_kind, &plan, &sender));
        let applied = run.apply_all(&*kind, receiver, rows_before).await;
        // The channel is closed now, so the reader ends. It must end before another reading begins.
        let read = reader.await.map_err(Fault::broken)?;
        match (applied?, read) {
            (ReadingEnd::Stopped, _) => return Ok(ImportOutcome::Stopped(Some(run.import))),
            (ReadingEnd::Overtaken, _) => {}
            (ReadingEnd::Complete, Err(FileReadError::Broken(error))) => return Err(error),
            (ReadingEnd::Complete, Err(FileReadError::Header(problem))) => run.finish(End::Failed(&problem.0)).await?,
            (ReadingEnd::Complete, Ok(())) => {
                is_read_to_its_end = true;
                let bytes_applied = run.import.bytes_applied;
                let keeps_content = K::ONCE_PER_CONTENT;
                run.finish(End::Completed {
                    bytes_applied,
                    keeps_content,
                })
                .await?;
            }
        }
    }
}

/// How one reading of the file ended.
enum ReadingEnd {
    Complete,
    /// Another importer has moved the checkpoint, or the import has ended: the file must be read from the checkpoint
    /// again.
    Overtaken,
    Stopped,
}

impl ImportRun {
    fn plan(&self) -> ReadPlan {
        ReadPlan {
            path: self.path.clone(),
            content: ContentId {
                digest: self.import.digest,
                size: self.import.size,
            },
            stamp: self.stamp,
            bytes_applied: self.import.bytes_applied,
            rows_skipped: self.import.counts.rows_skipped,
            rejects: self.rejects.clone(),
            pace: self.pace,
        }
    }

    fn show(&self, rows_before: u64) {
        self.progress.send_replace(self.import.progress(rows_before));
    }

    /// Reads the file of an ended import once more, to write its rejected lines.
    async fn write_rejects<K: FileKind>(&mut self, kind: Arc<K>) -> Result<(), ImportError> {
        if self.rejects.is_none() {
            return Ok(());
        }
        let (sender, mut receiver) = mpsc::channel(BLOCKS_AHEAD_MAX);
        let plan = self.plan();
        let reader = tokio::task::spawn_blocking(move || reading::read(&*kind, &plan, &sender));
        // A completed import has no block after its checkpoint, so the channel closes at the end of the file.
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

    async fn apply_all<K: FileKind>(
        &mut self,
        kind: &K,
        mut blocks: mpsc::Receiver<Block<K::Batch>>,
        rows_before: u64,
    ) -> Result<ReadingEnd, ImportError> {
        loop {
            // The first block may take long: with a rejects file the reader first reads every row before the
            // checkpoint.
            let block = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(ReadingEnd::Stopped),
                block = blocks.recv() => block,
            };
            let Some(block) = block else {
                return Ok(ReadingEnd::Complete);
            };
            // Another importer has applied the block since it was read.
            if block.to <= self.import.bytes_applied {
                continue;
            }
            if block.from != self.import.bytes_applied {
                return Ok(ReadingEnd::Overtaken);
            }
            if self.is_stopped_before(block.wait_ms).await {
                return Ok(ReadingEnd::Stopped);
            }
            self.apply(kind, block).await?;
            self.show(rows_before);
            if self.import.status != ImportStatus::Running {
                return Ok(ReadingEnd::Overtaken);
            }
        }
    }

    /// Applies a block, unless another importer has applied it or the import has ended. After `TRIES_MAX` tries that
    /// were stale the block is left out without a fault; the block after it then finds that the checkpoint is not at
    /// its beginning, and the file is read again from the checkpoint.
    async fn apply<K: FileKind>(&mut self, kind: &K, block: Block<K::Batch>) -> Result<(), ImportError> {
        let checkpoint = Checkpoint::new(&self.import, block.to, block.counts).keeping(&block.rejects);
        for tries in 0..TRIES_MAX {
            match kind.store(&checkpoint, &block.batch).await {
                Ok(Stored::Applied(rows)) => {
                    checkpoint.note_applied(rows, &mut self.import);
                    return Ok(());
                }
                Ok(Stored::Stale) => {
                    self.reload_import().await?;
                    if self.import.bytes_applied != block.from || self.import.status != ImportStatus::Running {
                        return Ok(());
                    }
                }
                Err(fault) if fault.is_conflict() && tries + 1 < TRIES_MAX => {}
                Err(fault) => return Err(fault.into()),
            }
            pause_after(tries).await;
        }
        // Not left out: the file would end as COMPLETED without the block's rows.
        Err(Fault::conflict(io::Error::other("a block stays stale")).into())
    }

    /// Waits until a block of a replay is due: its wait after the block before it, at the replay's pace. True when the
    /// run was cancelled meanwhile.
    async fn is_stopped_before(&mut self, wait_ms: u64) -> bool {
        let Some(pace) = self.pace else { return false };
        let due = *self.due.get_or_insert_with(Instant::now) + pace.of(wait_ms);
        self.due = Some(due);
        tokio::time::timeout_at(due, self.stop.cancelled()).await.is_ok()
    }

    async fn reload_import(&mut self) -> Result<(), ImportError> {
        self.import = reload(&self.db, self.import.id).await?;
        Ok(())
    }

    /// Ends the import, unless another importer has ended it or moved its checkpoint, and reloads it.
    async fn finish(&mut self, end: End<'_>) -> Result<(), ImportError> {
        match repo::finish(&self.db.write, &self.import, end, self.clock.now()).await? {
            ImportUpdate::Changed | ImportUpdate::Stale => self.reload_import().await,
        }
    }
}

pub(super) async fn reload(db: &Db, id: ImportId) -> Result<Import, ImportError> {
    repo::find(&db.write, id).await?.ok_or(ImportError::NotFound)
}

/// Doubles each time, with a random part, so that two importers do not retry in step.
async fn pause_after(tries: u32) {
    let [jitter] = random_bytes();
    let jitter = PAUSE * u32::from(jitter) / u32::from(u8::MAX);
    tokio::time::sleep(doubled(PAUSE, PAUSE_MAX, tries) + jitter).await;
}
