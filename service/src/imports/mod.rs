//! Bringing the rows of files in: which file, how far, what became of each row. What a row means is its kind's business.
//!
//! Invariants: the checkpoint moves behind a block only from the block's beginning, and only once all its rows are stored,
//! in the transaction of the last of them; a kind that stores a block in several transactions notes which are done. So a
//! crash anywhere loses no row and counts none twice.

mod driver;
mod error;
mod import;
mod kind;
mod load;
mod reading;
mod records;
mod rejects;
pub mod repo;
mod runner;
mod source;
mod tasks;
mod uploads;
mod worker;

pub use error::{HeaderProblem, ImportError};
pub use import::{Import, ImportOutcome, ImportStage, ImportTotals, Progress};
pub use kind::{Block, Pace, Parsed, RowCounts, Rows, SkipReason, Skips, Stored, columns};
pub use records::{Found, Records};
pub use rejects::Rejects;
pub use runner::{Kinds, Known, RunOptions};

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncRead;
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use crate::clock::{Clock, id_at};
use crate::config::Config;
use crate::db::{Db, Fault};
use crate::values::{ImportId, ImportKind};
use crate::workers::Workers;
use load::{Counted, Load};
use runner::Runner;
use tasks::{Task, Work};
use uploads::Uploads;

/// Uploads that may arrive or wait at one time; beyond it callers are told to come back.
pub const UPLOADS_MAX: usize = 16;

const UPLOADS_FOLDER: &str = "uploads";

/// The imports of the bank.
pub struct Imports {
    runner: Arc<Runner>,
    queue: mpsc::Sender<Work>,
    idle: Mutex<Option<mpsc::Receiver<Work>>>,
    workers: Workers,
}

/// A place among the uploads that may arrive or wait; free again when it is dropped.
pub struct UploadPlace {
    kind: ImportKind,
    queue: mpsc::OwnedPermit<Work>,
    counted: Counted,
}

/// What this process imports in the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Working {
    pub kind: ImportKind,
    pub progress: Progress,
    /// Files that wait behind it.
    pub waiting: usize,
}

impl Imports {
    /// The imports of a process. Nothing is started yet.
    #[must_use]
    pub fn new(config: &Config, db: Db, clock: Arc<dyn Clock>, kinds: Kinds, workers: Workers) -> Self {
        let (queue, idle) = mpsc::channel(UPLOADS_MAX);
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
                load: Arc::new(Load::default()),
            }),
            queue,
            idle: Mutex::new(Some(idle)),
            workers,
        }
    }

    /// Starts the background worker: it resumes uploads, takes new ones, and imports these files of activities. Only a
    /// server does; a second call changes nothing.
    pub fn serve(&self, files: Vec<PathBuf>) {
        let Some(queue) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let (runner, arriving) = (self.runner.clone(), Arc::new(AsyncMutex::new(queue)));
        // Counted at once, so that it is known from now on that they are imported.
        let mut counted = Some(runner.work_of(&files));
        self.workers.start("importer", move |worker| {
            let files = counted.take().unwrap_or_else(|| runner.work_of(&files));
            worker::run(worker, runner.clone(), arriving.clone(), files)
        });
    }

    /// Stops the worker at the end of the block under way.
    pub async fn stop(&self) {
        self.workers.stop().await;
    }

    /// Imports a file, going on where an unfinished import of the same content stands.
    pub async fn import_file(
        &self,
        kind: ImportKind,
        path: &Path,
        options: RunOptions,
    ) -> Result<ImportOutcome, ImportError> {
        self.runner.import_file(kind, path, options).await
    }

    /// Takes a place for an upload, of which a client says beforehand how many bytes it has, or does not. Refused are one
    /// too many, and one that the disk has no room for.
    pub async fn admit(&self, kind: ImportKind, bytes: Option<u64>) -> Result<UploadPlace, ImportError> {
        let queue = self.queue.clone().try_reserve_owned();
        let place = UploadPlace {
            kind,
            queue: queue.map_err(|_| ImportError::Overloaded)?,
            counted: self.runner.load.count(kind),
        };
        let runner = self.runner.clone();
        let bytes = bytes.unwrap_or_default();
        let has_room = tokio::task::spawn_blocking(move || runner.uploads.has_room_for(bytes));
        if has_room.await.map_err(Fault::broken)? {
            Ok(place)
        } else {
            Err(ImportError::StorageFull)
        }
    }

    /// Takes a file in that a client sends; it is imported in the background. It runs on when the client hangs up after
    /// its last byte, and leaves nothing behind when the client hangs up before.
    pub async fn upload(
        &self,
        place: UploadPlace,
        file: &str,
        body: impl AsyncRead + Send,
    ) -> Result<Import, ImportError> {
        let UploadPlace { kind, queue, counted } = place;
        let id = ImportId(id_at(self.runner.clock.now()));
        let mut arrived = self.runner.uploads.receive(id, body).await?;
        let import = Import {
            id,
            ..self.runner.new_import(kind, file, arrived.content)
        };
        let (runner, recorded) = (self.runner.clone(), import.clone());
        let record = tokio::spawn(async move {
            let keeper = runner.clone();
            let kept = tokio::task::spawn_blocking(move || {
                let path = keeper.uploads.keep(&mut arrived, id);
                (path, arrived)
            });
            let (path, arrived) = kept.await.map_err(Fault::broken)?;
            let path = path.map_err(ImportError::Unwritable)?;
            let inserted = repo::insert(&runner.db.write, &recorded, Some(path), false).await;
            let inserted = inserted.map_err(Fault::of_commit);
            match &inserted {
                Ok(()) => drop(queue.send(Work::new(Task::Upload(id), counted))),
                // It is unknown whether the import is recorded. The next start looks, and imports or removes the file.
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

    /// What the worker of this process is at.
    #[must_use]
    pub fn working(&self) -> Option<Working> {
        let current = self.runner.current.borrow().clone()?;
        let progress = current.progress.borrow().clone();
        Some(Working {
            kind: current.kind,
            progress,
            waiting: self.runner.load.all().saturating_sub(1),
        })
    }

    /// True while this process imports files of a kind in the background, or has files to import.
    #[must_use]
    pub fn is_importing(&self, kind: ImportKind) -> bool {
        self.runner.load.of(kind) > 0
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
