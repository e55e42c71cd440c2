//! Changes of the file with the keys of access tokens, beside running banks: they read it every second.

use std::path::Path;

use super::key::{KEYS_MAX, KeySecret, TokenKey};
use super::schedule::{KeyState, state_of};
use crate::clock::random_bytes;
use crate::config::TokenAlgorithm;
use crate::db::hex;
use crate::keys::{FileKey, KeyChangeError, KeyFileError, LockedKeyFile, key_to_retire, keys_of, read_keys};
use crate::values::Timestamp;

/// A key of the file, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyReport {
    /// The name of the key in the header of its tokens.
    pub kid: String,
    /// How its tokens are signed.
    pub algorithm: TokenAlgorithm,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it does now.
    pub state: KeyState,
}

/// The keys of a file, the newest first.
pub fn list_keys(path: &Path, now: Timestamp) -> Result<Vec<KeyReport>, KeyFileError> {
    let keys = read_keys::<TokenKey>(path)?;
    Ok(reports(&keys, now))
}

/// Adds a key, and removes keys that nothing needs. The new key verifies at once and signs after 60 s. Gives the keys of
/// the file, the newest first.
pub fn rotate_keys(path: &Path, algorithm: TokenAlgorithm, now: Timestamp) -> Result<Vec<KeyReport>, KeyChangeError> {
    let file = LockedKeyFile::open(path, TokenKey::NAMES)?;
    let keys = keys_of::<TokenKey>(&file.text, &file.path)?;
    let mut keys = with_room(&keys, now).ok_or(KeyChangeError::Full { most: KEYS_MAX })?;
    keys.push(new_key(algorithm, now));
    file.store(&TokenKey::set_to_text(&keys))?;
    Ok(reports(&keys, now))
}

/// Retires a key: tokens that it has signed are refused from now on. Does nothing to a key that is retired already. Gives
/// the keys of the file, the newest first.
pub fn retire_key(path: &Path, kid: &str, now: Timestamp) -> Result<Vec<KeyReport>, KeyChangeError> {
    let file = LockedKeyFile::open(path, TokenKey::NAMES)?;
    let mut keys = keys_of::<TokenKey>(&file.text, &file.path)?;
    if let Some(index) = key_to_retire(&keys, kid, path)? {
        keys[index].retired_at = Some(now);
        file.store(&TokenKey::set_to_text(&keys))?;
    }
    Ok(reports(&keys, now))
}

/// A key of random bytes.
pub(super) fn new_key(algorithm: TokenAlgorithm, now: Timestamp) -> TokenKey {
    TokenKey {
        kid: hex(&random_bytes::<8>()),
        algorithm,
        secret: KeySecret::new(random_bytes()),
        created_at: now,
        retired_at: None,
    }
}

/// The keys that are still needed, with room for one more. In a full file the oldest key whose tokens are refused makes
/// room; `None` if there is no such key.
fn with_room(keys: &[TokenKey], now: Timestamp) -> Option<Vec<TokenKey>> {
    let state = |index| state_of(keys, index, now);
    let mut needed: Vec<usize> = (0..keys.len())
        .filter(|index| !state(*index).is_forgettable(now))
        .collect();
    if needed.len() >= KEYS_MAX {
        let oldest = needed.iter().position(|index| !state(*index).verifies())?;
        needed.remove(oldest);
    }
    Some(needed.into_iter().map(|index| keys[index].clone()).collect())
}

fn reports(keys: &[TokenKey], now: Timestamp) -> Vec<KeyReport> {
    let report = |(index, key): (usize, &TokenKey)| KeyReport {
        kid: key.kid.clone(),
        algorithm: key.algorithm,
        created_at: key.created_at,
        state: state_of(keys, index, now),
    };
    keys.iter().enumerate().rev().map(report).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    #[test]
    fn a_full_file_gives_up_keys_whose_tokens_are_refused() {
        let key = |number: usize| new_key(TokenAlgorithm::EdDsa, at(number as i64));
        let keys: Vec<TokenKey> = (0..KEYS_MAX).map(key).collect();
        assert!(
            with_room(&keys, at(100)).is_none(),
            "tokens of all of them are accepted"
        );
        let room = with_room(&keys, at(1_000_000)).expect("old tokens are gone");
        assert_eq!(room.len(), KEYS_MAX - 1);
        assert_eq!(room[0].kid, keys[1].kid);
        let month = 31 * 24 * 3_600;
        let room = with_room(&keys, at(month)).expect("nothing needs the old keys");
        let kids: Vec<&str> = room.iter().map(|key| key.kid.as_str()).collect();
        assert_eq!(kids, [keys[KEYS_MAX - 1].kid.as_str()]);
    }

    #[test]
    fn keys_differ() {
        let [one, other] = [0, 0].map(|second| new_key(TokenAlgorithm::EdDsa, at(second)));
        assert_ne!(one.kid, other.kid);
        assert_ne!(one.secret.expose(), other.secret.expose());
    }
}
