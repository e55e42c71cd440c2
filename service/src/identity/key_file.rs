//! The key that signs access tokens: a file that is made once, readable by its owner only, and shared by replicas.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::random_bytes;

const KEY_BYTES: usize = 32;
const OWNER_ONLY: u32 = 0o600;
const FOLDER_OF_OWNER: u32 = 0o700;
/// A secret that root mounts for a service is readable by the service's group.
const ROOTS_FOR_A_GROUP: u32 = 0o640;

/// The secret that signs tokens.
pub struct SigningKey([u8; KEY_BYTES]);

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Answered when the file cannot be read or created.
    #[error("cannot read or make the signing key {}", path.display())]
    Io {
        /// The key file.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// Answered when other users of the machine may read or write the file.
    #[error("the signing key {path} may be used by others (mode {mode:04o}); run: chmod 600 {path}", path = path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// The file's permission bits.
        mode: u32,
    },
    /// Answered when the file does not hold 32 bytes in base64.
    #[error("{} holds no signing key: 32 bytes in base64 are expected", path.display())]
    Malformed {
        /// The key file.
        path: PathBuf,
    },
}

impl SigningKey {
    /// Reads the key, or makes one when there is no file yet. Two processes that start at the same time get the same
    /// key.
    pub fn open_or_create(path: &Path) -> Result<Self, KeyFileError> {
        let unusable = |source| KeyFileError::Io {
            path: path.to_owned(),
            source,
        };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(unusable)?;
                File::open(path)
            }
            opened => opened,
        };
        let mut file = file.map_err(unusable)?;
        check_mode(&file.metadata().map_err(unusable)?, path)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(unusable)?;
        Self::parse(&text, path)
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }

    fn parse(text: &str, path: &Path) -> Result<Self, KeyFileError> {
        let malformed = || KeyFileError::Malformed { path: path.to_owned() };
        let bytes = STANDARD.decode(text.trim()).map_err(|_| malformed())?;
        bytes.try_into().map(Self).map_err(|_| malformed())
    }
}

/// Refuses a key that other users of the machine may read or write: they could sign in as any user.
fn check_mode(file: &fs::Metadata, path: &Path) -> Result<(), KeyFileError> {
    let mode = file.mode() & 0o777;
    let allowed = if file.uid() == 0 { ROOTS_FOR_A_GROUP } else { OWNER_ONLY };
    if mode & 0o077 & !allowed == 0 {
        return Ok(());
    }
    Err(KeyFileError::Exposed {
        path: path.to_owned(),
        mode,
    })
}

/// Writes a new key to a draft file and links it to its path. So no process reads half a key, and of two processes the
/// first one's key is used.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER_OF_OWNER).create(folder)?;
    }
    let draft = path.with_extension(format!("{:016x}", u64::from_be_bytes(random_bytes())));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(&draft)?;
    let written = writeln!(file, "{}", STANDARD.encode(random_bytes::<KEY_BYTES>())).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    linked
}
