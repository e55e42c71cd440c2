//! A key that signs access tokens, and the text in which a set of keys is kept. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::TokenAlgorithm;
use crate::keys::{FileKey, KEY_BYTES, KeyNames, TimedKey, check_kid, check_set, key_bytes, key_bytes_to_text};
use crate::values::Timestamp;

/// The most keys in a file. A bank that makes a key every day keeps about thirty.
pub(super) const KEYS_MAX: usize = 64;

/// A key of the set.
#[derive(Clone, Debug)]
pub(super) struct TokenKey {
    /// The name of the key in the header of its tokens.
    pub kid: String,
    /// The only algorithm of this key: a token cannot choose another one.
    pub algorithm: TokenAlgorithm,
    pub secret: KeySecret,
    pub created_at: Timestamp,
    /// When the key was retired; its tokens are refused from then on.
    pub retired_at: Option<Timestamp>,
}

impl TimedKey for TokenKey {
    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn may_sign(&self) -> bool {
        self.retired_at.is_none()
    }
}

impl FileKey for TokenKey {
    const NAMES: KeyNames = KeyNames {
        keys: "the keys of access tokens",
        file_option: "--signing-key-file",
        rotate_command: "florin keys rotate",
    };
    const MAX: usize = KEYS_MAX;

    fn kid(&self) -> &str {
        &self.kid
    }

    fn retired_at(&self) -> Option<Timestamp> {
        self.retired_at
    }

    fn parse_set(text: &str) -> Result<Vec<Self>, &'static str> {
        let set: KeySetText = serde_json::from_str(text).map_err(|_| "these are not keys of access tokens")?;
        let keys: Vec<Self> = set.keys.into_iter().map(KeyText::parse).collect::<Result<_, _>>()?;
        check_set(&keys)?;
        Ok(keys)
    }

    fn set_to_text(keys: &[Self]) -> String {
        let set = KeySetText {
            keys: keys.iter().map(KeyText::of).collect(),
        };
        let mut text = serde_json::to_string_pretty(&set).expect("plain strings and times always serialize");
        text.push('\n');
        text
    }
}

/// A secret, for either algorithm, which `Debug` does not show.
#[derive(Clone)]
pub(super) struct KeySecret([u8; KEY_BYTES]);

impl KeySecret {
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    pub fn expose(&self) -> &[u8; KEY_BYTES] {
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

impl KeyText {
    fn of(key: &TokenKey) -> Self {
        Self {
            kid: key.kid.clone(),
            algorithm: key.algorithm,
            secret: key_bytes_to_text(key.secret.expose()),
            created_at: key.created_at,
            retired_at: key.retired_at,
        }
    }

    fn parse(self) -> Result<TokenKey, &'static str> {
        let bytes = key_bytes(&self.secret).ok_or("one of its secrets is not 32 bytes in base64")?;
        check_kid(&self.kid)?;
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
            secret: KeySecret::new([7; KEY_BYTES]),
            created_at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_500),
            retired_at: None,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut retired = key("b");
        retired.algorithm = TokenAlgorithm::Hs256;
        retired.retired_at = Some(DateTime::UNIX_EPOCH);
        let text = TokenKey::set_to_text(&[key("a"), retired]);
        let keys = TokenKey::parse_set(&text).expect("this is a key set");
        assert_eq!(TokenKey::set_to_text(&keys), text);
        assert_eq!((keys[0].kid.as_str(), keys[1].kid.as_str()), ("a", "b"));
        assert_eq!(keys[0].secret.expose(), &[7; KEY_BYTES]);
        assert_eq!(keys[1].algorithm, TokenAlgorithm::Hs256);
        assert!(keys[0].retired_at.is_none() && keys[1].retired_at.is_some());
    }

    #[test]
    fn a_damaged_text_is_refused_and_not_repeated() {
        let good = TokenKey::set_to_text(&[key("a")]);
        let secret = key_bytes_to_text(&[7; KEY_BYTES]);
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
            TokenKey::set_to_text(&[key("a"), key("a")]),
            TokenKey::set_to_text(&[retired]),
            TokenKey::set_to_text(&crowd),
        ] {
            let why = TokenKey::parse_set(&bad).expect_err(&bad);
            assert!(!why.contains(&secret), "{why}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", key("a"));
        assert!(shown.contains("KeySecret(..)") && !shown.contains("7, 7"), "{shown}");
    }
}
