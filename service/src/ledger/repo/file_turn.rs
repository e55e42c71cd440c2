//! The turn between processes on one SQLite file: a lock that the kernel grants in the order of the requests. SQLite
//! itself only asks again and again while the file is busy. The process that has just committed is then nearly always
//! first, and another one hardly ever commits. Within a process `BEGIN IMMEDIATE` is the turn.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::db::Fault;

/// How long one call waits for other processes.
const WAIT_MAX: Duration = Duration::from_secs(1);
const READ_AND_WRITE: u32 = 0o666;

/// A file beside the database that is locked and never read.
pub(super) struct FileTurn {
    database: PathBuf,
    file: Option<Arc<File>>,
    /// A thread that still waits for the lock; the next call goes on waiting for it.
    waiting: Option<JoinHandle<io::Result<HeldFileTurn>>>,
}

/// The held lock, which is released when this is dropped.
pub(super) struct HeldFileTurn(Arc<File>);

impl FileTurn {
    /// The turn of this database; its file is made at the first use.
    pub fn beside(database: PathBuf) -> Self {
        Self {
            database,
            file: None,
            waiting: None,
        }
    }

    /// Waits for the lock; the fault is a conflict when other processes keep it for longer than `WAIT_MAX`.
    pub async fn take(&mut self) -> Result<HeldFileTurn, Fault> {
        let mut waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => {
                let file = self.open().map_err(Fault::broken)?;
                if file.try_lock().is_ok() {
                    return Ok(HeldFileTurn(file));
                }
                spawn_blocking(move || file.lock().map(|()| HeldFileTurn(file)))
            }
        };
        match timeout(WAIT_MAX, &mut waiting).await {
            Ok(locked) => locked.map_err(Fault::broken)?.map_err(Fault::broken),
            Err(late) => {
                self.waiting = Some(waiting);
                Err(Fault::conflict(late))
            }
        }
    }

    /// The file has the database's own permissions, so every user who may write the database can take the turn.
    fn open(&mut self) -> io::Result<Arc<File>> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let mode = fs::metadata(&self.database)?.mode() & READ_AND_WRITE;
        let mut path = self.database.clone().into_os_string();
        path.push("-turn");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(mode);
        let file = Arc::new(options.open(path)?);
        self.file = Some(file.clone());
        Ok(file)
    }
}

impl Drop for HeldFileTurn {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the turn on the database's file cannot be given back");
        }
    }
}
