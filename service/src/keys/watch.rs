//! The keys that a process works with: those of a file, as it was when it was last read. A worker reads it every second.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use sha2::{Digest, Sha256};

use super::error::KeyFileError;
use super::file::{read_or_create, read_text};
use super::set::{FileKey, keys_of};
use crate::backoff::Backoff;
use crate::workers::{Step, Worker, Workers};

/// How often a server reads the file.
const READ_EVERY: Duration = Duration::from_secs(1);

/// What a process makes of the keys of a file, each time that it reads other ones.
pub(crate) trait UsableKeys: Send + Sync + 'static {
    type Key: FileKey;

    /// The keys are in the order in which they were made, and one of them may sign.
    fn from_keys(keys: Vec<Self::Key>) -> Self;
}

/// The keys of a file, for all threads of a process.
pub(crate) struct WatchedKeys<U> {
    path: PathBuf,
    current: RwLock<Arc<LoadedKeys<U>>>,
    /// Of `current`, to be compared without its lock.
    generation: AtomicU64,
    /// Held while the file is read, so that an older reading does not replace a newer one.
    reading: Mutex<()>,
}

/// The keys as they were read at one time.
pub(crate) struct LoadedKeys<U> {
    pub keys: U,
    /// Counts the readings that found other keys.
    pub generation: u64,
    /// Of the file's text.
    digest: [u8; 32],
}

impl<U: UsableKeys> WatchedKeys<U> {
    /// Reads the keys of a file that is there.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        Self::of(&read_text(path, U::Key::NAMES)?, path)
    }

    /// Reads the keys, or makes a file with the first key when there is none yet. Two processes that start at the same
    /// time get the same keys.
    pub fn open_or_create(path: &Path, first: impl FnOnce() -> U::Key) -> Result<Self, KeyFileError> {
        let text = read_or_create(path, U::Key::NAMES, || U::Key::set_to_text(&[first()]))?;
        Self::of(&text, path)
    }

    fn of(text: &str, path: &Path) -> Result<Self, KeyFileError> {
        let loaded = LoadedKeys::read(text, path, 0)?;
        Ok(Self {
            path: path.to_owned(),
            current: RwLock::new(Arc::new(loaded)),
            generation: AtomicU64::new(0),
            reading: Mutex::new(()),
        })
    }

    /// Reads the file again; true if it holds other keys now. After an error the process goes on with the keys that it
    /// has. The text is compared as a whole: of two changes at one time, a file's time and size may show only the first.
    pub fn reload(&self) -> Result<bool, KeyFileError> {
        let _reading = self.reading.lock();
        let text = read_text(&self.path, U::Key::NAMES)?;
        let known = self.loaded();
        if known.digest == digest(&text) {
            return Ok(false);
        }
        let loaded = LoadedKeys::read(&text, &self.path, known.generation + 1)?;
        let mut current = self.current.write();
        self.generation.store(loaded.generation, Ordering::Release);
        *current = Arc::new(loaded);
        Ok(true)
    }

    pub fn loaded(&self) -> Arc<LoadedKeys<U>> {
        self.current.read().clone()
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Starts a worker of this name, which reads the file every second. Must be called inside a tokio runtime.
    pub fn serve(self: &Arc<Self>, workers: &Workers, name: &'static str) {
        let keys = self.clone();
        workers.start(name, move |worker| keep_reading(worker, name, keys.clone()));
    }
}

/// Without the keys.
impl<U> fmt::Debug for WatchedKeys<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedKeys")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl<U: UsableKeys> LoadedKeys<U> {
    fn read(text: &str, path: &Path, generation: u64) -> Result<Self, KeyFileError> {
        Ok(Self {
            keys: U::from_keys(keys_of(text, path)?),
            generation,
            digest: digest(text),
        })
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

async fn keep_reading<U: UsableKeys>(worker: Worker, name: &'static str, keys: Arc<WatchedKeys<U>>) {
    let step = move || {
        let keys = keys.clone();
        async move {
            // A file system on another machine may not answer: no thread that answers requests waits for it.
            let read = tokio::task::spawn_blocking(move || keys.reload()).await;
            if read.map_err(KeyWatchError::Task)?? {
                tracing::info!(worker = name, "{} have changed", U::Key::NAMES.keys);
            }
            Ok::<_, KeyWatchError>(Step::Idle)
        }
    };
    worker.repeat(Backoff::new(READ_EVERY, READ_EVERY), step).await;
}

#[derive(Debug, thiserror::Error)]
enum KeyWatchError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error("the file was not read")]
    Task(#[source] tokio::task::JoinError),
}
