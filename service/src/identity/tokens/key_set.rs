//! The keys of access tokens that a process works with, and what other programs get of them.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::changes::new_key;
use super::ring::KeyRing;
use crate::config::TokenAlgorithm;
use crate::keys::{KeyFileError, LoadedKeys, WatchedKeys};
use crate::values::Timestamp;
use crate::workers::Workers;

/// The keys of a file.
pub struct KeySet(Arc<WatchedKeys<KeyRing>>);

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
        let keys = WatchedKeys::<KeyRing>::open_or_create(path, || new_key(algorithm, now))?;
        Ok(Self(Arc::new(keys)))
    }

    /// Reads the file again; true if it holds other keys now. After an error the process goes on with the keys that it
    /// has.
    pub fn reload(&self) -> Result<bool, KeyFileError> {
        self.0.reload()
    }

    /// The public keys of the tokens that are accepted, and of those that will be signed next; the oldest first.
    #[must_use]
    pub fn public(&self, now: Timestamp) -> Vec<PublicKey> {
        let loaded = self.loaded();
        let keys = loaded.keys.public(now);
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
        self.loaded().keys.derive(purpose, now)
    }

    /// Starts the worker that reads the file every second. Must be called inside a tokio runtime.
    pub(crate) fn serve(&self, workers: &Workers) {
        self.0.serve(workers, "keys");
    }

    pub(super) fn loaded(&self) -> Arc<LoadedKeys<KeyRing>> {
        self.0.loaded()
    }

    pub(super) fn generation(&self) -> u64 {
        self.0.generation()
    }
}
