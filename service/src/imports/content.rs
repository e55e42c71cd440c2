//! The content of a file: its size, the digest that identifies it, and whether the file still has it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::import::{ImportProgress, ImportStage};
use crate::values::Digest;

const CHUNK_BYTES: usize = 1024 * 1024;

/// The digest and the size of a file's content, which identify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContentId {
    pub digest: Digest,
    pub size: u64,
}

/// A file's metadata. While it does not change, the content is taken not to change either.
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
    /// The metadata with which the file had this content.
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
    /// Guards an open file. `stamp` is its metadata when its content was hashed; with `None` the content that it has
    /// now is taken to be the right one.
    pub fn new(file: File, content: ContentId, stamp: Option<FileStat>) -> io::Result<Self> {
        let stamp = match stamp {
            Some(stamp) => stamp,
            None => FileStat::of(&file)?,
        };
        Ok(Self { file, content, stamp })
    }

    /// True while the file begins with the content; appended bytes do not matter. Reads the file only when its metadata
    /// has changed.
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

    /// Reads at explicit offsets, since the reader of the rows shares and moves the file's own offset.
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

/// The first 16 bytes of the hash.
pub(super) fn digest_of(hash: Sha256) -> Digest {
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    Digest(digest)
}

/// Hashes a file to its end; `None` when cancelled before. The metadata is taken before that, so that a change during
/// the reading is detected later.
pub(super) fn content_of(
    path: &Path,
    progress: &watch::Sender<ImportProgress>,
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
        progress.send_replace(ImportProgress {
            stage: ImportStage::Hashing,
            bytes: size,
            size: stamp.size.max(size),
            ..ImportProgress::default()
        });
    }
    let digest = digest_of(hash);
    Ok(Some((ContentId { digest, size }, stamp)))
}
