//! A key that signs access tokens, and the text in which a set of keys is kept. Pure.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::config::TokenAlgorithm;
use crate::values::Timestamp;

/// Bytes of a secret, for either algorithm.
pub(super) const SECRET_BYTES: usize = 32;
/// The most keys in a file. A bank that makes a key every day keeps about thirty.
pub(super) const KEYS_MAX: usize = 64;
/// The most characters of a key's id.
const KID_MAX: usize = 64;

/// A key of the set.
#[derive(Clone, Debug)]
pub(super) struct TokenKey {
    /// The name of the key in the header of its tokens.
    pub kid: String,
    /// The only algorithm of this key: a token cannot choose another one.
    pub algorithm: TokenAlgorithm,
    pub secret: KeySecret,
    pub created_at: Timestamp,
    /// When the key was stopped by hand; its tokens are refused from then on.
    pub retired_at: Option<Timestamp>,
}

/// A secret, which `Debug` does not show.
#[derive(Clone)]
pub(super) struct KeySecret([u8; SECRET_BYTES]);

impl KeySecret {
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    pub fn expose(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(..)")
    }
}

/// The whole file. Unknown members are refused: a misspelt `retired_at` must not leave a key in use.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySetText {
    keys: Vec<KeyText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    kid: String,
    algorithm: TokenAlgorithm,
    secret: String,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Timestamp>,
}

/// The keys in a file's text, the oldest first. An error says what is wrong and repeats nothing of the text, which holds
/// secrets.
pub(super) fn parse_keys(text: &str) -> Result<Vec<TokenKey>, &'static str> {
    let set: KeySetText = serde_json::from_str(text).map_err(|_| "it is not the JSON of a key set")?;
    if set.keys.len() > KEYS_MAX {
        return Err("it holds too many keys");
    }
    let keys: Vec<TokenKey> = set.keys.into_iter().map(KeyText::parse).collect::<Result<_, _>>()?;
    let is_twice = |(index, key): (usize, &TokenKey)| keys[..index].iter().any(|other| other.kid == key.kid);
    if keys.iter().enumerate().any(is_twice) {
        return Err("two of its keys have the same kid");
    }
    if keys.iter().all(|key| key.retired_at.is_some()) {
        return Err("none of its keys may sign");
    }
    Ok(keys)
}

/// The text of a file with these keys.
pub(super) fn keys_to_text(keys: &[TokenKey]) -> String {
    let set = KeySetText {
        keys: keys.iter().map(KeyText::of).collect(),
    };
    let mut text = serde_json::to_string_pretty(&set).expect("plain strings and times always serialize");
    text.push('\n');
    text
}

impl KeyText {
    fn of(key: &TokenKey) -> Self {
        Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm,
            secret: STANDARD.encode(key.secret.expose()),
            created_at: key.created_at,
            retired_at: key.retired_at,
        }
    }

    fn parse(self) -> Result<TokenKey, &'static str> {
        let wrong = "one of its secrets is not 32 bytes in base64";
        let bytes = STANDARD.decode(&self.secret).map_err(|_| wrong)?;
        let bytes: [u8; SECRET_BYTES] = bytes.try_into().map_err(|_| wrong)?;
        // A kid is printed and logged.
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=KID_MAX).contains(&self.kid.len()) || !self.kid.bytes().all(is_letter) {
            return Err("one of its kids is not 1 to 64 characters of A-Z a-z 0-9 - _");
        }
        Ok(TokenKey {
            kid: self.kid,
            algorithm: self.algorithm,
            secret: KeySecret::new(bytes),
            created_at: self.created_at,
            retired_at: self.retired_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn key(kid: &str) -> TokenKey {
        TokenKey {
            kid: kid.to_owned(),
            algorithm: TokenAlgorithm::EdDsa,
            secret: KeySecret::new([7; SECRET_BYTES]),
            created_at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_500),
            retired_at: None,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut retired = key("b");
        retired.algorithm = TokenAlgorithm::Hs256;
        retired.retired_at = Some(DateTime::UNIX_EPOCH);
        let text = keys_to_text(&[key("a"), retired]);
        let keys = parse_keys(&text).expect("this is a key set");
        assert_eq!(keys_to_text(&keys), text);
        assert_eq!((keys[0].kid.as_str(), keys[1].kid.as_str()), ("a", "b"));
        assert_eq!(keys[0].secret.expose(), &[7; SECRET_BYTES]);
        assert_eq!(keys[1].algorithm, TokenAlgorithm::Hs256);
        assert!(keys[0].retired_at.is_none() && keys[1].retired_at.is_some());
    }

    #[test]
    fn a_damaged_text_is_refused_and_not_repeated() {
        let good = keys_to_text(&[key("a")]);
        let secret = STANDARD.encode([7; SECRET_BYTES]);
        let with = |from: &str, to: &str| good.replace(from, to);
        let mut retired = key("a");
        retired.retired_at = Some(DateTime::UNIX_EPOCH);
        let crowd: Vec<TokenKey> = (0..=KEYS_MAX).map(|number| key(&number.to_string())).collect();
        for bad in [
            String::new(),
            secret.clone(),
            "{}".to_owned(),
            "{\"keys\":[]}".to_owned(),
            good[..good.len() / 2].to_owned(),
            with(&secret, "c2hvcnQ="),
            with(&secret, "*"),
            with("\"EdDSA\"", "\"none\""),
            with("\"kid\": \"a\"", "\"kid\": \"\""),
            with("\"kid\": \"a\"", "\"kid\": \"a\\u001b[2J\""),
            with("created_at", "made_at"),
            keys_to_text(&[key("a"), key("a")]),
            keys_to_text(&[retired]),
            keys_to_text(&crowd),
        ] {
            let why = parse_keys(&bad).expect_err(&bad);
            assert!(!why.contains(&secret), "{why}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", key("a"));
        assert!(shown.contains("KeySecret(..)") && !shown.contains("7, 7"), "{shown}");
    }
}
