//! Changes of the file with the journal's keys, beside running banks: they read it every second.

use std::path::Path;

use super::key::{JOURNAL_KEYS_MAX, JournalKey, JournalPublicKey};
use super::schedule::{JournalKeyState, delete_secrets, journal_key_state};
use crate::clock::random_bytes;
use crate::db::hex;
use crate::keys::{FileKey, KeyChangeError, KeyFileError, LockedKeyFile, key_to_retire, keys_of, read_keys};
use crate::values::Timestamp;

/// A key of the file, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalKeyReport {
    /// The half that is published.
    pub key: JournalPublicKey,
    /// What it does now.
    pub state: JournalKeyState,
}

/// The keys of a file, the newest first.
pub fn list_journal_keys(path: &Path, now: Timestamp) -> Result<Vec<JournalKeyReport>, KeyFileError> {
    let keys = read_keys::<JournalKey>(path)?;
    Ok(reports(&keys, now))
}

/// Adds a key, and deletes the secrets of keys that do not sign any more. The new key is published at once and signs after
/// 60 s. Gives the keys of the file, the newest first.
pub fn rotate_journal_keys(path: &Path, now: Timestamp) -> Result<Vec<JournalKeyReport>, KeyChangeError> {
    let file = LockedKeyFile::open(path, JournalKey::NAMES)?;
    let mut keys = keys_of::<JournalKey>(&file.text, &file.path)?;
    if keys.len() >= JOURNAL_KEYS_MAX {
        let most = JOURNAL_KEYS_MAX;
        return Err(KeyChangeError::Full { most });
    }
    keys.push(new_key(now));
    delete_secrets(&mut keys, now);
    file.store(&JournalKey::set_to_text(&keys))?;
    Ok(reports(&keys, now))
}

/// Retires a key: its secret is deleted, and its public half says when. Does nothing to a key that is retired already. Gives
/// the keys of the file, the newest first.
pub fn retire_journal_key(path: &Path, kid: &str, now: Timestamp) -> Result<Vec<JournalKeyReport>, KeyChangeError> {
    let file = LockedKeyFile::open(path, JournalKey::NAMES)?;
    let mut keys = keys_of::<JournalKey>(&file.text, &file.path)?;
    if let Some(index) = key_to_retire(&keys, kid, path)? {
        keys[index].signing = None;
        keys[index].retired_at = Some(now);
        delete_secrets(&mut keys, now);
        file.store(&JournalKey::set_to_text(&keys))?;
    }
    Ok(reports(&keys, now))
}

/// A key of random bytes.
pub(super) fn new_key(now: Timestamp) -> JournalKey {
    JournalKey::new(hex(&random_bytes::<8>()), &random_bytes(), now)
}

fn reports(keys: &[JournalKey], now: Timestamp) -> Vec<JournalKeyReport> {
    let report = |(index, key): (usize, &JournalKey)| JournalKeyReport {
        key: key.public_key(),
        state: journal_key_state(keys, index, now),
    };
    keys.iter().enumerate().rev().map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ() {
        let [one, other] = [0, 0].map(|_| new_key(Timestamp::UNIX_EPOCH));
        assert_ne!(one.kid, other.kid);
        assert_ne!(one.public, other.public);
    }
}
