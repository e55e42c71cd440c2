//! The content of a file: its size, the digest that identifies it, and whether the file still has it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::import::{ImportStage, Progress};
use crate::values::Digest;

const CHUNK_BYTES: usize = 1024 * 1024;

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentId {
    pub digest: Digest,
    pub size: u64,
}

/// What a file system says of a file without reading it; every change of the content changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileStat {
    device: u64,
    number: u64,
    size: u64,
    modified: (i64, i64),
}

/// Detects that a file no longer begins with the content that was hashed.
pub(super) struct ContentGuard {
    file: File,
    content: ContentId,
    /// The file was as it should be when it had this stamp.
    stamp: FileStat,
}

impl FileStat {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            number: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

impl ContentGuard {
    /// Watches an open file whose content was looked at when it had a stamp; without one it is taken for what it should be.
    pub fn new(file: File, content: ContentId, stamp: Option<FileStat>) -> io::Result<Self> {
        let stamp = match stamp {
            Some(stamp) => stamp,
            None => FileStat::of(&file)?,
        };
        Ok(Self { file, content, stamp })
    }

    /// True while the file begins with the content; what is appended does not matter. Reads it only when its stamp changes.
    pub fn is_unchanged(&mut self) -> io::Result<bool> {
        let now = FileStat::of(&self.file)?;
        if now.size < self.content.size {
            return Ok(false);
        }
        if now != self.stamp {
            if !self.has_content()? {
                return Ok(false);
            }
            self.stamp = now;
        }
        Ok(true)
    }

    /// Reads by place, since whoever reads the rows moves the file's own.
    fn has_content(&self) -> io::Result<bool> {
        let (mut hash, mut place, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
        while place < self.content.size {
            let left = usize::try_from(self.content.size - place).unwrap_or(usize::MAX);
            let bytes = match self.file.read_at(&mut chunk[..left.min(CHUNK_BYTES)], place) {
                Ok(0) => break,
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hash.update(&chunk[..bytes]);
            place += bytes as u64;
        }
        Ok(place == self.content.size && digest_of(hash) == self.content.digest)
    }
}

/// The first 16 bytes of what has been hashed.
pub(super) fn digest_of(hash: Sha256) -> Digest {
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    Digest(digest)
}

/// Reads a file to its end; `None` when cancelled before that. The stamp is of the time before, so that a change while
/// it is read is noticed too.
pub(super) fn content_of(
    path: &Path,
    progress: &watch::Sender<Progress>,
    stop: &CancellationToken,
) -> io::Result<Option<(ContentId, FileStat)>> {
    let mut file = File::open(path)?;
    let stamp = FileStat::of(&file)?;
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        if stop.is_cancelled() {
            return Ok(None);
        }
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(bytes) => {
                hash.update(&chunk[..bytes]);
                size += bytes as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        progress.send_replace(Progress {
            stage: ImportStage::Hashing,
            bytes: size,
            size: stamp.size.max(size),
            ..Progress::default()
        });
    }
    let digest = digest_of(hash);
    Ok(Some((ContentId { digest, size }, stamp)))
}
