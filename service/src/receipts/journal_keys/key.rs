//! A key of the journal, and the text in which a set of them is kept. Pure.

use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::keys::{FileKey, KEY_BYTES, KeyNames, TimedKey, check_kid, check_set, key_bytes, key_bytes_to_text};
use crate::values::Timestamp;

/// The most keys in a file. None is ever removed, so this is one a month for 85 years.
pub(super) const JOURNAL_KEYS_MAX: usize = 1_024;

/// A key of the set. `Debug` shows the public half only, as ed25519-dalek's does.
#[derive(Clone, Debug)]
pub(super) struct JournalKey {
    /// The name of the key in what it signs.
    pub kid: String,
    pub public: [u8; KEY_BYTES],
    /// Both halves; `None` once the secret was deleted.
    pub signing: Option<Box<SigningKey>>,
    pub created_at: Timestamp,
    /// When the key was retired.
    pub retired_at: Option<Timestamp>,
}

/// The public half of a key, for those who check receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalPublicKey {
    /// The name of the key in what it signs.
    pub kid: String,
    /// The 32 bytes of Ed25519.
    pub public: [u8; 32],
    /// When the key was made.
    pub created_at: Timestamp,
    /// When the key was retired.
    pub retired_at: Option<Timestamp>,
}

impl JournalKey {
    pub fn new(kid: String, secret: &[u8; KEY_BYTES], created_at: Timestamp) -> Self {
        let signing = SigningKey::from_bytes(secret);
        Self {
            kid,
            public: signing.verifying_key().to_bytes(),
            signing: Some(Box::new(signing)),
            created_at,
            retired_at: None,
        }
    }

    /// `None` for a key whose secret was deleted.
    pub fn sign(&self, bytes: &[u8]) -> Option<[u8; 64]> {
        let signing = self.signing.as_deref()?;
        Some(signing.sign(bytes).to_bytes())
    }

    pub fn public_key(&self) -> JournalPublicKey {
        JournalPublicKey {
            kid: self.kid.clone(),
            public: self.public,
            created_at: self.created_at,
            retired_at: self.retired_at,
        }
    }
}

impl TimedKey for JournalKey {
    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn may_sign(&self) -> bool {
        self.retired_at.is_none() && self.signing.is_some()
    }
}

impl FileKey for JournalKey {
    const NAMES: KeyNames = KeyNames {
        keys: "the journal's keys",
        file_option: "--journal-key-file",
        rotate_command: "florin keys rotate --journal",
    };
    const MAX: usize = JOURNAL_KEYS_MAX;

    fn kid(&self) -> &str {
        &self.kid
    }

    fn retired_at(&self) -> Option<Timestamp> {
        self.retired_at
    }

    fn parse_set(text: &str) -> Result<Vec<Self>, &'static str> {
        let set: JournalKeySetText = serde_json::from_str(text).map_err(|_| "these are not keys of the journal")?;
        let keys = set.keys.into_iter().map(JournalKeyText::parse);
        let keys: Vec<Self> = keys.collect::<Result<_, _>>()?;
        check_set(&keys)?;
        Ok(keys)
    }

    fn set_to_text(keys: &[Self]) -> String {
        let set = JournalKeySetText {
            keys: keys.iter().map(JournalKeyText::of).collect(),
        };
        let mut text = serde_json::to_string_pretty(&set).expect("plain strings and times always serialize");
        text.push('\n');
        text
    }
}

/// The whole file. Unknown members are refused: a misspelt `retired_at` must not leave a key in use, and a file with the
/// keys of access tokens is not one of these.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalKeySetText {
    keys: Vec<JournalKeyText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalKeyText {
    kid: String,
    public: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retired_at: Option<Timestamp>,
}

impl JournalKeyText {
    fn of(key: &JournalKey) -> Self {
        Self {
            kid: key.kid.clone(),
            public: key_bytes_to_text(&key.public),
            secret: key
                .signing
                .as_ref()
                .map(|signing| key_bytes_to_text(signing.as_bytes())),
            created_at: key.created_at,
            retired_at: key.retired_at,
        }
    }

    fn parse(self) -> Result<JournalKey, &'static str> {
        check_kid(&self.kid)?;
        let public = key_bytes(&self.public).ok_or("one of its public halves is not 32 bytes in base64")?;
        let is_usable = VerifyingKey::from_bytes(&public).is_ok_and(|key| !key.is_weak());
        if !is_usable {
            return Err("one of its public halves is not of Ed25519");
        }
        let signing = self.secret.as_deref().map(|text| signing_key(text, &public));
        let signing = signing.transpose()?;
        Ok(JournalKey {
            kid: self.kid,
            public,
            // A retired key may still have its secret; the next change of the file deletes it.
            signing: signing.filter(|_| self.retired_at.is_none()).map(Box::new),
            created_at: self.created_at,
            retired_at: self.retired_at,
        })
    }
}

/// Both halves of a key. Each stands in the file, since the secret may be deleted.
fn signing_key(secret: &str, public: &[u8; KEY_BYTES]) -> Result<SigningKey, &'static str> {
    let secret = key_bytes(secret).ok_or("one of its secrets is not 32 bytes in base64")?;
    let signing = SigningKey::from_bytes(&secret);
    if signing.verifying_key().as_bytes() != public {
        return Err("one of its secrets does not belong to its public half");
    }
    Ok(signing)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use ed25519_dalek::Signature;

    use super::*;

    const SECRET: [u8; KEY_BYTES] = [7; KEY_BYTES];

    fn key(kid: &str) -> JournalKey {
        let created_at = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_500);
        JournalKey::new(kid.to_owned(), &SECRET, created_at)
    }

    fn without_secret(kid: &str) -> JournalKey {
        JournalKey {
            signing: None,
            ..key(kid)
        }
    }

    /// A retired key, with its secret still there.
    fn retired(kid: &str) -> JournalKey {
        JournalKey {
            retired_at: Some(DateTime::UNIX_EPOCH),
            ..key(kid)
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let retired = JournalKey {
            retired_at: Some(DateTime::UNIX_EPOCH),
            ..without_secret("b")
        };
        let text = JournalKey::set_to_text(&[without_secret("a"), retired, key("c")]);
        let keys = JournalKey::parse_set(&text).expect("this is a key set");
        assert_eq!(JournalKey::set_to_text(&keys), text);
        let kids: Vec<&str> = keys.iter().map(|key| key.kid.as_str()).collect();
        assert_eq!(kids, ["a", "b", "c"]);
        assert_eq!(
            keys.iter().map(TimedKey::may_sign).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert_eq!(keys[2].public_key(), key("c").public_key());
        assert_eq!(keys[1].public_key().retired_at, Some(DateTime::UNIX_EPOCH));
    }

    #[test]
    fn the_secret_of_a_retired_key_is_deleted() {
        let text = JournalKey::set_to_text(&[retired("a"), key("b")]);
        let secret = key_bytes_to_text(&SECRET);
        assert_eq!(text.matches(&secret).count(), 2);
        let keys = JournalKey::parse_set(&text).expect("this is a key set");
        assert!(keys[0].sign(b"bytes").is_none() && keys[1].sign(b"bytes").is_some());
        assert_eq!(JournalKey::set_to_text(&keys).matches(&secret).count(), 1);
    }

    #[test]
    fn a_damaged_text_is_refused_and_not_repeated() {
        let good = JournalKey::set_to_text(&[key("a")]);
        let secret = key_bytes_to_text(&SECRET);
        let public = key_bytes_to_text(&key("a").public);
        let with = |from: &str, to: &str| good.replace(from, to);
        let of_public = |public| JournalKey {
            public,
            ..without_secret("a")
        };
        let crowd: Vec<JournalKey> = (0..=JOURNAL_KEYS_MAX).map(|number| key(&number.to_string())).collect();
        for bad in [
            String::new(),
            secret.clone(),
            "{}".to_owned(),
            "{\"keys\":[]}".to_owned(),
            good[..good.len() / 2].to_owned(),
            with(&secret, "c2hvcnQ="),
            with(&secret, "*"),
            with(&secret, &key_bytes_to_text(&[8; KEY_BYTES])),
            with(&public, "c2hvcnQ="),
            // Not a point, and a point of small order.
            JournalKey::set_to_text(&[of_public([2; KEY_BYTES]), key("b")]),
            JournalKey::set_to_text(&[of_public([0; KEY_BYTES]), key("b")]),
            with("\"kid\": \"a\"", "\"kid\": \"\""),
            with("\"kid\": \"a\"", "\"kid\": \"a\\u001b[2J\""),
            with("created_at", "made_at"),
            with("\"kid\"", "\"algorithm\": \"EdDSA\", \"kid\""),
            JournalKey::set_to_text(&[key("a"), key("a")]),
            JournalKey::set_to_text(&[retired("a")]),
            JournalKey::set_to_text(&[without_secret("a")]),
            JournalKey::set_to_text(&crowd),
        ] {
            let why = JournalKey::parse_set(&bad).expect_err(&bad);
            assert!(!why.contains(&secret), "{why}");
        }
        assert!(JournalKey::parse_set(&JournalKey::set_to_text(&crowd[1..])).is_ok());
    }

    #[test]
    fn a_full_set_fits_into_a_file() {
        let widest = JournalKey {
            retired_at: Some(DateTime::UNIX_EPOCH + TimeDelta::microseconds(1)),
            created_at: DateTime::UNIX_EPOCH + TimeDelta::microseconds(1),
            ..key(&"k".repeat(64))
        };
        let text = JournalKey::set_to_text(&vec![widest; JOURNAL_KEYS_MAX]);
        assert!(text.len() < 400 * 1024, "{} bytes", text.len());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let shown = format!("{:?}", key("a"));
        assert!(shown.contains("SigningKey") && !shown.contains("7, 7, 7"), "{shown}");
    }

    #[test]
    fn the_public_half_verifies_what_the_key_signed() {
        let signature = Signature::from_bytes(&key("a").sign(b"bytes").expect("it has its secret"));
        let public = VerifyingKey::from_bytes(&key("a").public).expect("it is a key");
        assert!(public.verify_strict(b"bytes", &signature).is_ok());
        assert!(public.verify_strict(b"other", &signature).is_err());
    }
}
