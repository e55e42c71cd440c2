//! The file with the keys: made once, readable by its owner only, and shared by replicas. It is replaced as a whole, so
//! that no process reads half of it.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::key::{TokenKey, keys_to_text, parse_keys};
use crate::clock::random_bytes;

const OWNER_ONLY: u32 = 0o600;
const FOLDER_OF_OWNER: u32 = 0o700;
/// A secret that root mounts for a service is readable by the service's group.
const ROOTS_FOR_A_GROUP: u32 = 0o640;
const MODE_BITS: u32 = 0o777;

/// The most bytes of the file that are read; `KEYS_MAX` keys need a quarter of them.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Why the file with the signing keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Answered when the file cannot be read or created.
    #[error("cannot read or make the signing keys {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Answered when other users of the machine may read or write the file.
    #[error("the signing keys {path} may be used by others (mode {mode:04o}); run: chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// Answered when the file does not hold a set of keys.
    #[error("{} holds no signing keys: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, without anything from the file.
        why: &'static str,
    },
}

/// A file that only this process changes, until it is dropped.
pub(super) struct LockedKeyFile {
    /// The file itself, where the given path is a link to it.
    path: PathBuf,
    /// Holds the lock.
    file: File,
    pub keys: Vec<TokenKey>,
}

/// Why a file could not be locked.
pub(super) enum KeyLockError {
    /// Another process is changing it.
    Busy,
    File(KeyFileError),
}

impl From<KeyFileError> for KeyLockError {
    fn from(error: KeyFileError) -> Self {
        Self::File(error)
    }
}

/// Reads the file's text.
pub(super) fn read_text(path: &Path) -> Result<String, KeyFileError> {
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    text_of(&file, path)
}

/// Reads the file's text, or makes the file with these keys when there is none yet. Two processes that start at the same
/// time get the same keys.
pub(super) fn read_or_create(path: &Path, first: impl FnOnce() -> TokenKey) -> Result<String, KeyFileError> {
    match read_text(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(path, &keys_to_text(&[first()])).map_err(|source| io_error(path, source))?;
            read_text(path)
        }
        read => read,
    }
}

/// The keys in a text that was read from the file.
pub(super) fn keys_of(text: &str, path: &Path) -> Result<Vec<TokenKey>, KeyFileError> {
    parse_keys(text).map_err(|why| malformed(path, why))
}

fn text_of(file: &File, path: &Path) -> Result<String, KeyFileError> {
    let metadata = file.metadata().map_err(|source| io_error(path, source))?;
    check_mode(&metadata, path)?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    let read = read.map_err(|source| io_error(path, source))?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(malformed(path, "it is too large"));
    }
    String::from_utf8(bytes).map_err(|_| malformed(path, "it is not text"))
}

/// Refuses keys that other users of the machine may read or write: they could sign in as any user.
fn check_mode(file: &Metadata, path: &Path) -> Result<(), KeyFileError> {
    let mode = file.mode() & MODE_BITS;
    let allowed = if file.uid() == 0 { ROOTS_FOR_A_GROUP } else { OWNER_ONLY };
    if mode & 0o077 & !allowed == 0 {
        return Ok(());
    }
    Err(KeyFileError::Exposed {
        path: path.to_owned(),
        mode,
    })
}

fn io_error(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io {
        path: path.to_owned(),
        source,
    }
}

fn malformed(path: &Path, why: &'static str) -> KeyFileError {
    KeyFileError::Malformed {
        path: path.to_owned(),
        why,
    }
}

/// Writes a draft and links it to the path: of two processes the first one's keys are used.
fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER_OF_OWNER).create(folder)?;
    }
    let draft = draft_of(path);
    let linked = write_draft(&draft, text, None).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let removed = fs::remove_file(&draft);
    linked.and(removed)?;
    sync_folder(path)
}

impl LockedKeyFile {
    /// Locks the file and reads it. The lock ends with the process, so a killed command leaves none behind.
    pub fn open(path: &Path) -> Result<Self, KeyLockError> {
        let failed = |source| io_error(path, source);
        // A path may be a link to a mounted secret. Replacing the link would leave the secret as it was.
        let path = fs::canonicalize(path).map_err(failed)?;
        let file = File::open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(KeyLockError::Busy),
            Err(TryLockError::Error(source)) => return Err(failed(source).into()),
        }
        // The lock is the old file's where another process has replaced it in the meantime.
        let (locked, there) = (file.metadata().map_err(failed)?, fs::metadata(&path).map_err(failed)?);
        if (locked.dev(), locked.ino()) != (there.dev(), there.ino()) {
            return Err(KeyLockError::Busy);
        }
        let keys = keys_of(&text_of(&file, &path)?, &path)?;
        Ok(Self { path, file, keys })
    }

    /// Replaces the file by one with the present keys, of the same owner and mode.
    pub fn store(&self) -> Result<(), KeyFileError> {
        let stored = self.file.metadata().and_then(|old| {
            let draft = draft_of(&self.path);
            let written = write_draft(&draft, &keys_to_text(&self.keys), Some(&old));
            let renamed = written.and_then(|()| fs::rename(&draft, &self.path));
            if renamed.is_err() {
                // It holds secrets. Where it cannot be removed, the first error is told.
                let _ = fs::remove_file(&draft);
            }
            renamed.and_then(|()| sync_folder(&self.path))
        });
        stored.map_err(|source| io_error(&self.path, source))
    }
}

fn draft_of(path: &Path) -> PathBuf {
    path.with_extension(format!("{:016x}", u64::from_be_bytes(random_bytes())))
}

/// Writes a new file. It gets the owner and mode of the one that it will replace: root may make keys for a service that
/// runs as another user.
fn write_draft(draft: &Path, text: &str, old: Option<&Metadata>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(OWNER_ONLY).open(draft)?;
    if let Some(old) = old {
        let new = file.metadata()?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(fs::Permissions::from_mode(old.mode() & MODE_BITS))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes a new name in the folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}
