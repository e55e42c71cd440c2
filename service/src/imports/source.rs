//! A file before its rows are looked at: how large it is, and the digest by which its content is known again.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use super::import::{Progress, Stage};
use crate::values::Digest;

const CHUNK_BYTES: usize = 1024 * 1024;

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub digest: Digest,
    pub size: u64,
}

/// The first 16 bytes of what has been hashed.
pub(super) fn digest_of(hash: Sha256) -> Digest {
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.finalize()[..16]);
    Digest(digest)
}

/// Reads a file to its end; `None` when told to stop before that.
pub(super) fn content_of(
    path: &Path,
    progress: &watch::Sender<Progress>,
    stop: &watch::Receiver<bool>,
) -> io::Result<Option<Content>> {
    let mut file = File::open(path)?;
    let expected = file.metadata()?.len();
    let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
    loop {
        if *stop.borrow() {
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
            stage: Stage::Looking,
            bytes: size,
            size: expected.max(size),
            rows: 0,
        });
    }
    Ok(Some(Content {
        digest: digest_of(hash),
        size,
    }))
}
