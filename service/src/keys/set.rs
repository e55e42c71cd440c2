//! What every file of keys has: a set of them, in the order in which they were made.

use std::path::Path;

use super::error::{KeyChangeError, KeyFileError, KeyNames};
use super::file::read_text;
use super::schedule::{TimedKey, has_newer};
use crate::values::Timestamp;

/// A key that a file keeps, with others of its kind.
pub(crate) trait FileKey: TimedKey + Sized {
    /// What messages call such keys.
    const NAMES: KeyNames;
    /// The most keys in a file.
    const MAX: usize;

    fn kid(&self) -> &str;
    fn retired_at(&self) -> Option<Timestamp>;

    /// The keys in a file's text, the oldest first, if `check_set` accepts them. An error says what is wrong and repeats
    /// nothing of the text, which holds secrets.
    fn parse_set(text: &str) -> Result<Vec<Self>, &'static str>;

    /// The text of a file with these keys.
    fn set_to_text(keys: &[Self]) -> String;
}

/// The keys in the text of the file at this path, the oldest first.
pub(crate) fn keys_of<K: FileKey>(text: &str, path: &Path) -> Result<Vec<K>, KeyFileError> {
    K::parse_set(text).map_err(|why| KeyFileError::malformed(path, why))
}

/// The keys in a file, the oldest first.
pub(crate) fn read_keys<K: FileKey>(path: &Path) -> Result<Vec<K>, KeyFileError> {
    keys_of(&read_text(path, K::NAMES)?, path)
}

/// Refuses keys that cannot be in one file: too many, two of one name, or none that may sign.
pub(crate) fn check_set<K: FileKey>(keys: &[K]) -> Result<(), &'static str> {
    if keys.len() > K::MAX {
        return Err("it holds too many keys");
    }
    let is_twice = |(index, key): (usize, &K)| keys[..index].iter().any(|other| other.kid() == key.kid());
    if keys.iter().enumerate().any(is_twice) {
        return Err("two of its keys have the same kid");
    }
    if !keys.iter().any(TimedKey::may_sign) {
        return Err("none of its keys may sign");
    }
    Ok(())
}

/// The position of the key that is to be retired; `None` if it is retired already. The newest key stays, since no other
/// could sign. The path is that of the file.
pub(crate) fn key_to_retire<K: FileKey>(keys: &[K], kid: &str, path: &Path) -> Result<Option<usize>, KeyChangeError> {
    let named = keys.iter().position(|key| key.kid() == kid);
    let index = named.ok_or_else(|| KeyChangeError::Unknown {
        path: path.to_owned(),
        kid: kid.to_owned(),
    })?;
    if keys[index].retired_at().is_some() {
        return Ok(None);
    }
    if !has_newer(keys, index) {
        return Err(KeyChangeError::Newest { names: K::NAMES });
    }
    Ok(Some(index))
}
