//! Uploaded files while they arrive and wait. A file has its final name only when all of it is on the disk, and until its
//! import is recorded it is locked, so that a server that starts beside this one can tell it from a left-over.

use std::fs::{self, DirBuilder, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::error::ImportError;
use super::source::{Content, digest_of};
use crate::values::ImportId;

const CHUNK_BYTES: usize = 64 * 1024;
/// They may hold what merchants would not like others to read.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const ARRIVING: &str = "part";
const WAITING: &str = "csv";

/// The folder of uploaded files.
pub(super) struct Uploads {
    folder: PathBuf,
    max_bytes: u64,
}

/// A file that is all there; locked until it is dropped, and removed then unless it is kept.
pub(super) struct Arrived {
    pub content: Content,
    path: PathBuf,
    _lock: File,
    is_kept: bool,
}

impl Uploads {
    pub fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes }
    }

    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Where the file of an upload waits.
    pub fn path_of(&self, id: ImportId) -> PathBuf {
        self.folder.join(format!("{id}.{WAITING}"))
    }

    /// Writes a file as it arrives. If this does not get to its end, nothing of it stays.
    pub async fn receive(&self, id: ImportId, body: impl AsyncRead + Send) -> Result<Arrived, ImportError> {
        let path = self.folder.join(format!("{id}.{ARRIVING}"));
        let file = self.create(&path).map_err(ImportError::Unwritable)?;
        let mut arrived = Arrived {
            content: Content {
                digest: digest_of(Sha256::new()),
                size: 0,
            },
            path,
            _lock: file.try_clone().map_err(ImportError::Unwritable)?.into(),
            is_kept: false,
        };
        arrived.content = copy(body, file.into(), self.max_bytes).await?;
        Ok(arrived)
    }

    /// Gives a file its final name, under which it outlives a crash.
    pub fn keep(&self, arrived: &mut Arrived, id: ImportId) -> io::Result<()> {
        let path = self.path_of(id);
        fs::rename(&arrived.path, &path)?;
        arrived.path = path;
        fs::File::open(&self.folder)?.sync_all()
    }

    pub fn remove(&self, id: ImportId) {
        remove(&self.path_of(id));
    }

    /// The names of left-overs: what arrives no more, and files of imports that `is_wanted` does not know.
    pub fn sweep(&self, is_wanted: impl Fn(ImportId) -> bool) -> io::Result<()> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let Ok(id) = stem.parse().map(ImportId) else { continue };
            let is_upload = path.extension().is_some_and(|kind| kind == WAITING);
            let is_part = path.extension().is_some_and(|kind| kind == ARRIVING);
            if (is_part || is_upload && !is_wanted(id)) && !is_locked(&path) {
                remove(&path);
            }
        }
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<fs::File> {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&self.folder)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)?;
        file.lock()?;
        Ok(file)
    }
}

async fn copy(body: impl AsyncRead + Send, mut file: File, max_bytes: u64) -> Result<Content, ImportError> {
    let mut body = std::pin::pin!(body);
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        let bytes = body.read(&mut chunk).await.map_err(ImportError::BrokenOff)?;
        if bytes == 0 {
            break;
        }
        size += bytes as u64;
        if size > max_bytes {
            return Err(ImportError::TooLarge { max_bytes });
        }
        hash.update(&chunk[..bytes]);
        file.write_all(&chunk[..bytes]).await.map_err(ImportError::Unwritable)?;
    }
    file.sync_all().await.map_err(ImportError::Unwritable)?;
    Ok(Content {
        digest: digest_of(hash),
        size,
    })
}

/// Somebody is at it at the moment.
fn is_locked(path: &Path) -> bool {
    fs::File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "an upload's file cannot be removed");
        }
        _ => {}
    }
}

impl Arrived {
    /// From now on the file stays.
    pub fn stay(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        if !self.is_kept {
            remove(&self.path);
        }
    }
}
