//! Why a file of keys cannot be used or changed.

use std::io;
use std::path::{Path, PathBuf};

/// What messages call the keys of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyNames {
    /// The keys, such as `the journal's keys`.
    pub keys: &'static str,
    /// The option that names their file.
    pub file_option: &'static str,
    /// The command that makes another one.
    pub rotate_command: &'static str,
}

/// Why the file with the keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Answered when there is no such file, and the caller makes none.
    #[error("cannot read {} {}: there is no such file", names.keys, path.display())]
    Missing {
        /// What the keys are called.
        names: KeyNames,
        /// The file.
        path: PathBuf,
    },
    /// Answered when the file cannot be read or created.
    #[error("cannot read or make {} {}", names.keys, path.display())]
    Io {
        /// What the keys are called.
        names: KeyNames,
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Answered when other users of the machine may read or write the file.
    #[error("{keys} {path} may be used by others (mode {mode:04o}); run: chmod 600 {path}", keys = names.keys, path = path.display())]
    Exposed {
        /// What the keys are called.
        names: KeyNames,
        /// The file.
        path: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// Answered when the file does not hold a set of such keys.
    #[error("cannot use the keys in {}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, without anything from the file.
        why: &'static str,
    },
}

impl KeyFileError {
    pub(super) fn io(names: KeyNames, path: &Path, source: io::Error) -> Self {
        Self::Io {
            names,
            path: path.to_owned(),
            source,
        }
    }

    /// Of a file that was to be opened.
    pub(super) fn opening(names: KeyNames, path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            let path = path.to_owned();
            return Self::Missing { names, path };
        }
        Self::io(names, path, source)
    }

    pub(super) fn malformed(path: &Path, why: &'static str) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            why,
        }
    }
}

/// Why the keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// Answered when another process changes the keys at the same time.
    #[error("another process is changing {}; look at them, then try again", names.keys)]
    Busy {
        /// What the keys are called.
        names: KeyNames,
    },
    /// Answered when there would be more keys than a file may hold, and all must stay.
    #[error("the file has {most} keys, which is the most, and none can be removed")]
    Full {
        /// The most keys of such a file.
        most: usize,
    },
    /// Answered when no key has the kid.
    #[error("no key of {} has the id {kid}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The kid that was asked for.
        kid: String,
    },
    /// Answered when no newer key could sign in its place.
    #[error("this is the newest key, and no other could sign; make one first: {}", names.rotate_command)]
    Newest {
        /// What the keys are called.
        names: KeyNames,
    },
    /// Answered when the file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFileError),
}
