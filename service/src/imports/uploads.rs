//! Stores uploaded files while they arrive and wait. A file gets its final name once all of it is on the disk. It is
//! locked until its import is inserted, so that another server that starts meanwhile does not remove it as a left-over.
//!
//! The folder has a random id, which is part of each upload's path in the table `imports`: a server that does not find
//! a file can tell whether the file was in its folder.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use uuid::{Builder, Uuid};

use super::content::{ContentId, digest_of};
use super::error::ImportError;
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::values::ImportId;

const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes between two checks of the free space while a file arrives: other uploads and the database use space meanwhile.
const LOOK_EVERY_BYTES: u64 = 1024 * 1024;
/// The files may hold confidential data of merchants.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const ARRIVING: &str = "part";
const WAITING: &str = "csv";
/// The file that holds the folder's id.
const NAME: &str = ".id";

/// The folder of uploaded files.
pub(super) struct Uploads {
    folder: PathBuf,
    max_bytes: u64,
    reserve_bytes: u64,
}

/// An upload's file. It is locked until this is dropped, and the drop removes it unless `stay` was called.
pub(super) struct Arrived {
    pub content: ContentId,
    path: PathBuf,
    _lock: File,
    is_kept: bool,
}

impl Uploads {
    /// Uploads in this folder, of at most `max_bytes` each, that leave `reserve_bytes` of the disk free.
    pub fn new(folder: PathBuf, max_bytes: u64, reserve_bytes: u64) -> Self {
        Self {
            folder,
            max_bytes,
            reserve_bytes,
        }
    }

    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// True when the disk keeps its reserved space after a file of this size. True also where the free space is
    /// unknown.
    pub fn has_room_for(&self, bytes: u64) -> bool {
        // Before the first upload the folder does not exist; the nearest folder above it is on the same disk.
        let mut folders = self.folder.ancestors();
        let Some(disk) = folders.find_map(|folder| rustix::fs::statvfs(folder).ok()) else {
            return true;
        };
        disk.f_bavail.saturating_mul(disk.f_frsize) >= bytes.saturating_add(self.reserve_bytes)
    }

    /// The path of an upload that has arrived.
    pub fn path_of(&self, id: ImportId) -> PathBuf {
        self.folder.join(format!("{id}.{WAITING}"))
    }

    /// Writes a file as it arrives. If this fails or is cancelled, the file is removed.
    pub async fn receive(&self, id: ImportId, body: impl AsyncRead + Send) -> Result<Arrived, ImportError> {
        let path = self.folder.join(format!("{id}.{ARRIVING}"));
        let (folder, made) = (self.folder.clone(), path.clone());
        let file = tokio::task::spawn_blocking(move || create(&folder, &made));
        let file = file.await.map_err(Fault::broken)?.map_err(ImportError::Unwritable)?;
        let mut arrived = Arrived {
            content: ContentId {
                digest: digest_of(Sha256::new()),
                size: 0,
            },
            path,
            _lock: file.try_clone().map_err(ImportError::Unwritable)?.into(),
            is_kept: false,
        };
        arrived.content = self.copy(body, file.into()).await?;
        Ok(arrived)
    }

    async fn copy(&self, body: impl AsyncRead + Send, mut file: File) -> Result<ContentId, ImportError> {
        let mut body = std::pin::pin!(body);
        let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
        let mut looked_at = 0;
        loop {
            let bytes = body.read(&mut chunk).await.map_err(ImportError::BrokenOff)?;
            if bytes == 0 {
                break;
            }
            size += bytes as u64;
            if size > self.max_bytes {
                let max_bytes = self.max_bytes;
                return Err(ImportError::TooLarge { max_bytes });
            }
            if size - looked_at >= LOOK_EVERY_BYTES {
                looked_at = size;
                if !self.has_room_for(LOOK_EVERY_BYTES) {
                    return Err(ImportError::StorageFull);
                }
            }
            hash.update(&chunk[..bytes]);
            file.write_all(&chunk[..bytes]).await.map_err(ImportError::Unwritable)?;
        }
        file.sync_all().await.map_err(ImportError::Unwritable)?;
        Ok(ContentId {
            digest: digest_of(hash),
            size,
        })
    }

    /// Renames a file to its final name, under which it survives a crash. Answers the path for the import's row:
    /// `FOLDER_ID/IMPORT_ID.csv`.
    pub fn keep(&self, arrived: &mut Arrived, id: ImportId) -> io::Result<String> {
        let name = self.name()?;
        let path = self.path_of(id);
        fs::rename(&arrived.path, &path)?;
        arrived.path = path;
        fs::File::open(&self.folder)?.sync_all()?;
        Ok(format!("{name}/{id}.{WAITING}"))
    }

    pub fn remove(&self, id: ImportId) {
        remove(&self.path_of(id));
    }

    /// Files that may be left over: those that no process is receiving or recording now. Each stays locked until the
    /// caller drops it.
    pub fn left_overs(&self) -> io::Result<Vec<LeftOver>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let Ok(id) = stem.parse().map(ImportId) else { continue };
            let is = |kind: &str| path.extension().is_some_and(|end| end == kind);
            let upload = is(WAITING).then_some(id);
            if (upload.is_some() || is(ARRIVING))
                && let Some(lock) = try_lock(&path)
            {
                found.push(LeftOver {
                    upload,
                    path,
                    _lock: lock,
                });
            }
        }
        Ok(found)
    }

    /// False only when it is certain that an upload's file is not here.
    pub fn may_be_here(&self, id: ImportId) -> bool {
        self.path_of(id).try_exists().unwrap_or(true)
    }

    /// True when the path of an import's row names this folder. False for a path without a folder, as earlier versions
    /// wrote it.
    pub fn is_of_this_folder(&self, path: &str) -> io::Result<bool> {
        if !self.folder.is_dir() {
            return Ok(false);
        }
        let folder = path.split_once('/').map(|(folder, _)| folder);
        Ok(folder == Some(self.name()?.as_str()))
    }

    /// The folder's id; the first call creates it.
    fn name(&self) -> io::Result<String> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(self.folder.join(NAME))?;
        // Locked: of two processes that create it at once, the second reads what the first has written.
        file.lock()?;
        let mut name = String::new();
        file.read_to_string(&mut name)?;
        if Uuid::try_parse(&name).is_err() {
            name = Builder::from_random_bytes(random_bytes()).into_uuid().to_string();
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(name.as_bytes())?;
            file.sync_all()?;
        }
        Ok(name)
    }
}

/// A file that may be left over; locked until it is dropped.
pub(super) struct LeftOver {
    /// The upload, when all of it has arrived; `None` for a part of one.
    pub upload: Option<ImportId>,
    path: PathBuf,
    _lock: fs::File,
}

impl LeftOver {
    pub fn remove(&self) {
        remove(&self.path);
    }
}

fn create(folder: &Path, path: &Path) -> io::Result<fs::File> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    loop {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(path)?;
        file.lock()?;
        // Before it was locked, a search for left-overs may have removed it.
        let number = file.metadata()?.ino();
        if fs::metadata(path).is_ok_and(|there| there.ino() == number) {
            return Ok(file);
        }
    }
}

/// Locks a file that is there; `None` when it is locked already, or cannot be opened or locked.
fn try_lock(path: &Path) -> Option<fs::File> {
    let file = fs::File::open(path).ok()?;
    file.try_lock().ok().map(|()| file)
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
    /// Keeps the file when this is dropped.
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
