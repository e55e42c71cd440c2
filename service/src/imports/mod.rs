//! Imports CSV files: which file, how far, what became of each row. A `FileKind` says what a row means.
//!
//! Invariants: the checkpoint moves behind a block only from the block's beginning, and only in the transaction that
//! stores the block's last row; a kind that stores a block in several transactions notes which rows are stored. So a
//! crash loses no row and counts no row twice.

mod checkpoint;
mod content;
mod counts;
mod driver;
mod error;
mod file_kinds;
mod import;
mod kept;
mod kind;
mod lists;
mod pending;
mod reading;
mod records;
mod rejects;
mod repo;
mod runner;
mod tasks;
mod uploads;
mod worker;

pub use checkpoint::{AppliedRows, Checkpoint, CheckpointTx, Stored};
pub use counts::{RowCounts, SkipReason, Skips};
pub use error::{HeaderProblem, ImportError};
pub use file_kinds::FileKinds;
pub use import::{Import, ImportOutcome, ImportProgress, ImportStage, ImportTotals};
pub use kept::{KEPT_CHARS_MAX, KEPT_REJECTS_MAX, RejectedLine};
pub use kind::{FileKind, Pace, Parsed, columns};
pub use lists::{ImportFilter, LineNumber};
pub use records::{Found, Records};
pub use rejects::Rejects;
pub use runner::{OnKnownContent, RunOptions};

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::AsyncRead;
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use crate::actor::Actor;
use crate::clock::{Clock, id_at};
use crate::config::Config;
use crate::db::{Db, Fault};
use crate::values::{ImportId, ImportKind};
use crate::workers::Workers;
use pending::{PendingFile, PendingFiles};
use runner::{NewImport, Runner};
use tasks::{Task, TaskFile};
use uploads::Uploads;
use worker::ImportQueue;

/// Uploads that may arrive or wait at one time; one more is refused with `Overloaded`.
pub const UPLOADS_MAX: usize = 16;

const UPLOADS_FOLDER: &str = "uploads";

/// The imports of the bank.
pub struct Imports {
    runner: Arc<Runner>,
    queue: mpsc::Sender<Task>,
    unstarted_queue: Mutex<Option<mpsc::Receiver<Task>>>,
    workers: Workers,
}

/// A slot among the uploads that may arrive or wait; free again when it is dropped.
pub struct UploadSlot {
    kind: ImportKind,
    permit: mpsc::OwnedPermit<Task>,
    pending: PendingFile,
}

/// What this process imports in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackgroundImport {
    /// What the file's rows are.
    pub kind: ImportKind,
    /// How far the file is imported.
    pub progress: ImportProgress,
    /// Files that wait behind it.
    pub waiting: usize,
}

impl Imports {
    /// The imports of a process. Nothing is started yet.
    #[must_use]
    pub fn new(config: &Config, db: Db, clock: Arc<dyn Clock>, kinds: FileKinds, workers: Workers) -> Self {
        let (queue, unstarted) = mpsc::channel(UPLOADS_MAX);
        Self {
            runner: Arc::new(Runner {
                db,
                clock,
                kinds,
                uploads: Uploads::new(
                    config.data_dir.join(UPLOADS_FOLDER),
                    config.upload_max_bytes,
                    config.disk_reserve_bytes,
                ),
                current: watch::Sender::new(None),
                pending: Arc::new(PendingFiles::default()),
            }),
            queue,
            unstarted_queue: Mutex::new(Some(unstarted)),
            workers,
        }
    }

    /// Starts the background worker: it resumes uploads, takes new ones, and imports these files of activities. Only a
    /// server calls it; a second call changes nothing.
    pub fn serve(&self, files: Vec<PathBuf>) {
        let Some(arriving) = self.unstarted_queue.lock().take() else {
            return;
        };
        let runner = self.runner.clone();
        // Shown and counted at once: a caller must not find nothing to do before the worker has begun.
        if !files.is_empty() {
            runner.show(ImportKind::Activities, &RunOptions::default());
        }
        let queue = Arc::new(AsyncMutex::new(ImportQueue::new(arriving, runner.tasks_of(&files))));
        self.workers.start("importer", move |worker| {
            worker::run(worker, runner.clone(), queue.clone())
        });
    }

    /// Stops the worker at the end of the block under way.
    pub async fn stop(&self) {
        self.workers.stop().await;
    }

    /// Imports a file, or continues an unfinished import of the same content.
    pub async fn import_file(
        &self,
        kind: ImportKind,
        path: &Path,
        options: RunOptions,
    ) -> Result<ImportOutcome, ImportError> {
        self.runner.import_file(kind, path, options).await
    }

    /// Takes a slot for an upload of so many bytes, if the client declared them. Refuses it while too many uploads
    /// arrive or wait, and when the disk has no room for it.
    pub async fn admit(&self, kind: ImportKind, bytes: Option<u64>) -> Result<UploadSlot, ImportError> {
        let permit = self.queue.clone().try_reserve_owned();
        let slot = UploadSlot {
            kind,
            permit: permit.map_err(|_| ImportError::Overloaded)?,
            pending: self.runner.pending.count(kind),
        };
        let runner = self.runner.clone();
        let bytes = bytes.unwrap_or_default();
        let has_room = tokio::task::spawn_blocking(move || runner.uploads.has_room_for(bytes));
        if has_room.await.map_err(Fault::broken)? {
            Ok(slot)
        } else {
            Err(ImportError::StorageFull)
        }
    }

    /// Receives a file from an actor; the worker imports it. If the client disconnects after the last byte, the import
    /// is recorded all the same; if it disconnects before, the file is removed.
    pub async fn receive_upload(
        &self,
        actor: &Actor,
        slot: UploadSlot,
        file: &str,
        body: impl AsyncRead + Send,
    ) -> Result<Import, ImportError> {
        let UploadSlot { kind, permit, pending } = slot;
        let id = ImportId(id_at(self.runner.clock.now()));
        let mut arrived = self.runner.uploads.receive(id, body).await?;
        let import = Import {
            id,
            ..self.runner.new_import(kind, file, arrived.content)
        };
        let (runner, recorded, actor) = (self.runner.clone(), import.clone(), actor.clone());
        let record = tokio::spawn(async move {
            let keeper = runner.clone();
            let kept = tokio::task::spawn_blocking(move || {
                let stored_as = keeper.uploads.keep(&mut arrived, id);
                (stored_as, arrived)
            });
            let (stored_as, arrived) = kept.await.map_err(Fault::broken)?;
            let stored_as = stored_as.map_err(ImportError::Unwritable)?;
            let new = NewImport {
                import: recorded,
                stored_as: Some(stored_as),
                holds_content: false,
                actor: Some(actor),
            };
            let inserted = runner.store(new).await;
            match &inserted {
                Ok(()) => drop(permit.send(Task::new(TaskFile::Upload(id), pending))),
                // It is unknown whether the import is recorded. The next start checks, and imports or removes the file.
                Err(fault) if fault.is_out_of_reach() => {}
                Err(_) => return Ok(inserted?),
            }
            arrived.stay();
            Ok::<(), ImportError>(inserted?)
        });
        record.await.map_err(Fault::broken)?.map(|()| import)
    }

    /// An import of any process.
    pub async fn get(&self, id: ImportId) -> Result<Import, ImportError> {
        repo::find(&self.runner.db.read, id).await?.ok_or(ImportError::NotFound)
    }

    /// The import that this process' worker runs; `None` while it is idle.
    #[must_use]
    pub fn background_import(&self) -> Option<BackgroundImport> {
        let current = self.runner.current.borrow().clone()?;
        let progress = current.progress.borrow().clone();
        Some(BackgroundImport {
            kind: current.kind,
            progress,
            waiting: self.runner.pending.all().saturating_sub(1),
        })
    }

    /// True while this process imports files of a kind in the background, or has files to import.
    #[must_use]
    pub fn is_importing(&self, kind: ImportKind) -> bool {
        self.runner.pending.of(kind) > 0
    }

    /// The largest file that may be uploaded, in bytes.
    #[must_use]
    pub fn upload_max_bytes(&self) -> u64 {
        self.runner.uploads.max_bytes()
    }
}

/// The files of a folder whose names end in `.csv`, sorted by name.
pub fn csv_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_csv = path
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|end| end.eq_ignore_ascii_case("csv"));
        if is_csv && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
