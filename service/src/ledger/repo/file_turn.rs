//! The turn between processes on one SQLite file: a lock that the kernel gives in the order in which it was asked for. SQLite
//! itself asks again and again when the file is busy, and a process that has just committed is nearly always the first: the
//! other one hardly ever commits. Inside a process `BEGIN IMMEDIATE` is the turn.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::db::Fault;

/// How long a process waits for the others.
const WAIT_MAX: Duration = Duration::from_secs(1);
const OWNER_ONLY: u32 = 0o600;

/// A file beside the database that is locked and never read.
pub(super) struct FileTurn {
    path: PathBuf,
    file: Option<Arc<File>>,
}

/// The lock, until it is dropped.
pub(super) struct HeldFileTurn(Arc<File>);

impl FileTurn {
    /// Beside this database.
    pub fn beside(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-turn");
        Self {
            path: path.into(),
            file: None,
        }
    }

    /// Waits for the lock.
    pub async fn take(&mut self) -> Result<HeldFileTurn, Fault> {
        let file = self.open().map_err(Fault::broken)?;
        if file.try_lock().is_ok() {
            return Ok(HeldFileTurn(file));
        }
        // The thread may have the lock after nobody waits for it any more; it gives it back then.
        let waiting = spawn_blocking(move || file.lock().map(|()| HeldFileTurn(file)));
        match timeout(WAIT_MAX, waiting).await {
            Ok(Ok(Ok(held))) => Ok(held),
            Ok(Ok(Err(error))) => Err(Fault::broken(error)),
            Ok(Err(error)) => Err(Fault::broken(error)),
            Err(late) => {
                // The lock belongs to the open file: a thread that still waits must not share it with the next try.
                self.file = None;
                Err(Fault::conflict(late))
            }
        }
    }

    fn open(&mut self) -> io::Result<Arc<File>> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(OWNER_ONLY)
            .open(&self.path)?;
        let file = Arc::new(file);
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
