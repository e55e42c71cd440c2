//! A file of keys: made once, readable by its owner only, and shared by replicas. It is replaced as a whole, so that no
//! process reads half of it.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::error::{KeyChangeError, KeyFileError, KeyNames};
use crate::clock::random_bytes;

const OWNER_ONLY: u32 = 0o600;
const FOLDER_OF_OWNER: u32 = 0o700;
/// A secret that root mounts for a service is readable by the service's group.
const ROOTS_FOR_A_GROUP: u32 = 0o640;
const MODE_BITS: u32 = 0o777;

/// The most bytes of a file that are read. The most keys of the journal need two thirds of them.
const FILE_BYTES_MAX: u64 = 512 * 1024;

/// A file that only this process changes, until it is dropped.
pub(crate) struct LockedKeyFile {
    /// The file itself, where the given path is a link to it.
    pub path: PathBuf,
    /// What it held when it was locked.
    pub text: String,
    names: KeyNames,
    /// Holds the lock.
    file: File,
}

/// Reads the file's text.
pub(crate) fn read_text(path: &Path, names: KeyNames) -> Result<String, KeyFileError> {
    let file = File::open(path).map_err(|source| KeyFileError::opening(names, path, source))?;
    text_of(&file, path, names)
}

/// Reads the file's text, or makes the file with the first text when there is none yet. Two processes that start at the
/// same time get the same text.
pub(crate) fn read_or_create(
    path: &Path,
    names: KeyNames,
    first: impl FnOnce() -> String,
) -> Result<String, KeyFileError> {
    match read_text(path, names) {
        Err(KeyFileError::Missing { .. }) => {
            create(path, &first()).map_err(|source| KeyFileError::io(names, path, source))?;
            read_text(path, names)
        }
        read => read,
    }
}

fn text_of(file: &File, path: &Path, names: KeyNames) -> Result<String, KeyFileError> {
    let metadata = file
        .metadata()
        .map_err(|source| KeyFileError::io(names, path, source))?;
    check_mode(&metadata, path, names)?;
    let mut bytes = Vec::new();
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    let read = read.map_err(|source| KeyFileError::io(names, path, source))?;
    if read as u64 > FILE_BYTES_MAX {
        return Err(KeyFileError::malformed(path, "it is too large"));
    }
    String::from_utf8(bytes).map_err(|_| KeyFileError::malformed(path, "it is not text"))
}

/// Refuses keys that other users of the machine may read or write: they could sign as the bank does.
fn check_mode(file: &Metadata, path: &Path, names: KeyNames) -> Result<(), KeyFileError> {
    let mode = file.mode() & MODE_BITS;
    let allowed = if file.uid() == 0 { ROOTS_FOR_A_GROUP } else { OWNER_ONLY };
    if mode & 0o077 & !allowed == 0 {
        return Ok(());
    }
    Err(KeyFileError::Exposed {
        names,
        path: path.to_owned(),
        mode,
    })
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
    pub fn open(path: &Path, names: KeyNames) -> Result<Self, KeyChangeError> {
        let failed = |source| KeyFileError::opening(names, path, source);
        // A path may be a link to a mounted secret. Replacing the link would leave the secret as it was.
        let path = fs::canonicalize(path).map_err(failed)?;
        let file = File::open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(KeyChangeError::Busy { names }),
            Err(TryLockError::Error(source)) => return Err(failed(source).into()),
        }
        // The lock is the old file's where another process has replaced it in the meantime.
        let (locked, there) = (file.metadata().map_err(failed)?, fs::metadata(&path).map_err(failed)?);
        if (locked.dev(), locked.ino()) != (there.dev(), there.ino()) {
            return Err(KeyChangeError::Busy { names });
        }
        let text = text_of(&file, &path, names)?;
        Ok(Self {
            path,
            text,
            names,
            file,
        })
    }

    /// Replaces the file by one with this text, of the same owner and mode.
    pub fn store(&self, text: &str) -> Result<(), KeyFileError> {
        let stored = self.file.metadata().and_then(|old| {
            let draft = draft_of(&self.path);
            let written = write_draft(&draft, text, Some(&old));
            let renamed = written.and_then(|()| fs::rename(&draft, &self.path));
            if renamed.is_err() {
                // It holds secrets. Where it cannot be removed, the first error is told.
                let _ = fs::remove_file(&draft);
            }
            renamed.and_then(|()| sync_folder(&self.path))
        });
        stored.map_err(|source| KeyFileError::io(self.names, &self.path, source))
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
