//! The keys that a process works with: those of the file, as it was when it was last read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::{Mutex, RwLock};
use sha2::{Digest, Sha256};

use super::changes::new_key;
use super::key_file::{self, KeyFileError};
use super::ring::KeyRing;
use crate::backoff::Backoff;
use crate::config::TokenAlgorithm;
use crate::values::Timestamp;
use crate::workers::{Step, Worker, Workers};

/// How often a server reads the file.
const READ_EVERY: Duration = Duration::from_secs(1);

/// The keys of a file.
pub struct KeySet {
    path: PathBuf,
    current: RwLock<Arc<LoadedKeys>>,
    /// Of `current`, to be compared without its lock.
    generation: AtomicU64,
    /// Held while the file is read, so that an older reading does not replace a newer one.
    reading: Mutex<()>,
}

/// The keys as they were read at one time.
pub(super) struct LoadedKeys {
    pub ring: KeyRing,
    /// Counts the readings that found other keys.
    pub generation: u64,
    digest: [u8; 32],
}

/// The public half of an Ed25519 key, for other programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The name of the key in the header of its tokens.
    pub kid: String,
    /// Its 32 bytes in base64url, without padding.
    pub x: String,
}

impl KeySet {
    /// Reads the keys, or makes a file with one key of this algorithm when there is none yet. Two processes that start at
    /// the same time get the same keys.
    pub fn open_or_create(path: &Path, algorithm: TokenAlgorithm, now: Timestamp) -> Result<Self, KeyFileError> {
        let text = key_file::read_or_create(path, || new_key(algorithm, now))?;
        let loaded = LoadedKeys::read(&text, path, 0)?;
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
        let text = key_file::read_text(&self.path)?;
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

    /// The public keys of the tokens that are accepted, and of those that will be signed next; the oldest first.
    #[must_use]
    pub fn public(&self, now: Timestamp) -> Vec<PublicKey> {
        let loaded = self.loaded();
        let keys = loaded.ring.public(now);
        keys.map(|(kid, public)| PublicKey {
            kid: kid.to_owned(),
            x: URL_SAFE_NO_PAD.encode(public),
        })
        .collect()
    }

    /// A secret for another purpose from each key of the file: first from the one that signs, which all replicas have,
    /// then from the others, the newest first. A key stays in the file, and so among these, for 30 days after its end.
    #[must_use]
    pub fn derive(&self, purpose: &str, now: Timestamp) -> Vec<[u8; 32]> {
        self.loaded().ring.derive(purpose, now)
    }

    /// Starts the worker that reads the file every second. Must be called inside a tokio runtime.
    pub(crate) fn serve(self: &Arc<Self>, workers: &Workers) {
        let keys = self.clone();
        workers.start("keys", move |worker| {
            let keys = keys.clone();
            async move { keys.keep_reading(worker).await }
        });
    }

    async fn keep_reading(self: Arc<Self>, worker: Worker) {
        let step = || {
            let keys = self.clone();
            async move {
                // A file system on another machine may not answer: no thread that answers requests waits for it.
                let read = tokio::task::spawn_blocking(move || keys.reload()).await;
                if read.map_err(KeyWatchError::Task)?? {
                    tracing::info!("the file with the signing keys has changed");
                }
                Ok::<_, KeyWatchError>(Step::Idle)
            }
        };
        worker.repeat(Backoff::new(READ_EVERY, READ_EVERY), step).await;
    }

    pub(super) fn loaded(&self) -> Arc<LoadedKeys> {
        self.current.read().clone()
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl LoadedKeys {
    fn read(text: &str, path: &Path, generation: u64) -> Result<Self, KeyFileError> {
        Ok(Self {
            ring: KeyRing::new(key_file::keys_of(text, path)?),
            generation,
            digest: digest(text),
        })
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[derive(Debug, thiserror::Error)]
enum KeyWatchError {
    #[error(transparent)]
    File(#[from] KeyFileError),
    #[error("the signing keys were not read")]
    Task(#[source] tokio::task::JoinError),
}
