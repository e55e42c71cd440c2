//! The keys that sign heads of the journal and receipts (Ed25519), separate from those of access tokens: a receipt must be
//! provable for as long as the bank lives. So the public half of every key is kept for good.

mod changes;
mod key;
mod schedule;

pub use changes::{JournalKeyReport, list_journal_keys, retire_journal_key, rotate_journal_keys};
pub use key::JournalPublicKey;
pub use schedule::JournalKeyState;

use std::path::Path;
use std::sync::Arc;

use crate::keys::{KeyFileError, UsableKeys, WatchedKeys, signer};
use crate::values::Timestamp;
use crate::workers::Workers;
use changes::new_key;
use key::JournalKey;

/// The keys that a process works with: those of the file, as it was when it was last read.
#[derive(Debug)]
pub struct JournalKeys(Arc<WatchedKeys<Vec<JournalKey>>>);

/// A signature, and the key that verifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySignature {
    /// The kid of the key.
    pub key_id: String,
    /// The 64 bytes of Ed25519.
    pub signature: [u8; 64],
}

impl UsableKeys for Vec<JournalKey> {
    type Key = JournalKey;

    fn from_keys(keys: Self) -> Self {
        keys
    }
}

impl JournalKeys {
    /// Reads the keys of a bank that has some.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let keys = WatchedKeys::<Vec<JournalKey>>::open(path)?;
        Ok(Self(Arc::new(keys)))
    }

    /// Reads the keys, or makes a file with one key when there is none yet. Two processes that start at the same time get
    /// the same keys.
    pub fn open_or_create(path: &Path, now: Timestamp) -> Result<Self, KeyFileError> {
        let keys = WatchedKeys::<Vec<JournalKey>>::open_or_create(path, || new_key(now))?;
        Ok(Self(Arc::new(keys)))
    }

    /// Reads the file again, as the worker `journal_keys` does every second; true if it holds other keys now. After an error
    /// the process goes on with the keys that it has.
    pub fn reload(&self) -> Result<bool, KeyFileError> {
        self.0.reload()
    }

    /// Signs bytes with the newest key that has waited.
    #[must_use]
    pub fn sign(&self, bytes: &[u8], now: Timestamp) -> KeySignature {
        let loaded = self.0.loaded();
        let signer = signer(&loaded.keys, now).map(|index| &loaded.keys[index]);
        let signed = signer.and_then(|key| {
            let signature = key.sign(bytes)?;
            Some(KeySignature {
                key_id: key.kid.clone(),
                signature,
            })
        });
        signed.expect("a file without a key that may sign is refused when it is read")
    }

    /// The public halves of all keys that have ever signed, and of those that will sign next; the oldest first.
    #[must_use]
    pub fn public(&self) -> Vec<JournalPublicKey> {
        self.0.loaded().keys.iter().map(JournalKey::public_key).collect()
    }

    /// Starts the worker that reads the file every second. Must be called inside a tokio runtime.
    pub(crate) fn serve(&self, workers: &Workers) {
        self.0.serve(workers, "journal_keys");
    }
}
