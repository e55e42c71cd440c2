//! The keys whose signatures a verifier trusts: a set of JSON Web Keys (RFC 7517), as the bank publishes its own. Pure.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::JournalPublicKey;
use super::fault::ReceiptFault;
use super::kind::DocumentKind;
use super::spelling::{check_text, time_of, unlike};
use crate::keys::check_kid;
use crate::values::{Timestamp, time_text};

/// The most bytes of a set of keys: that of a bank has at most 1 024 keys of about 240 bytes.
pub const KEY_SET_BYTES_MAX: usize = 1024 * 1024;

/// The public keys of a bank's journal, retired ones too.
#[derive(Clone, Debug)]
pub struct TrustedKeys(Vec<TrustedKey>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// What a head names it by.
    pub kid: String,
    /// The key, for Ed25519.
    pub public: [u8; 32],
    /// When it was retired. Signatures from before stay valid; a thief may have made later ones.
    pub retired_at: Option<Timestamp>,
}

/// The members of an object, which are read one by one: RFC 7517 wants unknown ones to be ignored, whatever they are. Of two
/// with one name, the later one counts.
struct JsonMembers<'a>(HashMap<&'a str, &'a RawValue>);

impl TrustedKeys {
    /// Reads a key set: JSON of ASCII characters without a backslash, at most 1 MiB. Of each object in `keys` with the `kty`
    /// OKP and the `crv` Ed25519 it reads `kid`, `x` and, if it is there, `retired_at` (a time or null). It refuses the set
    /// if one of these is wrong, if two such keys have the same `kid`, or if there is none. It ignores all other JSON.
    pub fn parse(text: &str) -> Result<Self, ReceiptFault> {
        check_text(text, KEY_SET_BYTES_MAX)?;
        let is_no_set = |why: String| unlike(DocumentKind::PublicKeys, text, why);
        let set = JsonMembers::parse(text).map_err(|error| is_no_set(error.to_string()))?;
        let list: Option<Vec<&RawValue>> = set.value("keys");
        let list = list.ok_or_else(|| is_no_set("it has no list `keys`".to_owned()))?;
        let objects = list.into_iter().filter_map(|key| JsonMembers::parse(key.get()).ok());
        let keys = objects.filter(|key| key.is_ed25519()).map(|key| key.trusted());
        let keys = keys.collect::<Result<Vec<TrustedKey>, _>>().map_err(malformed)?;
        if keys.is_empty() && DocumentKind::of(text) == Some(DocumentKind::SecretKeys) {
            return Err(ReceiptFault::SecretKeys);
        }
        if keys.is_empty() {
            return Err(malformed("it has no Ed25519 key"));
        }
        let is_twice = |(index, key): (usize, &TrustedKey)| keys[..index].iter().any(|other| other.kid == key.kid);
        if keys.iter().enumerate().any(is_twice) {
            return Err(malformed("two keys have the same kid"));
        }
        Ok(Self(keys))
    }

    /// The keys of a bank's own key file.
    #[must_use]
    pub fn of(keys: Vec<JournalPublicKey>) -> Self {
        let keys = keys.into_iter().map(|key| TrustedKey {
            kid: key.kid,
            public: key.public,
            retired_at: key.retired_at,
        });
        Self(keys.collect())
    }

    /// The key that a head names.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&TrustedKey> {
        self.0.iter().find(|key| key.kid == kid)
    }
}

fn malformed(why: &str) -> ReceiptFault {
    ReceiptFault::Malformed {
        kind: DocumentKind::PublicKeys,
        why: why.to_owned(),
    }
}

impl<'a> JsonMembers<'a> {
    /// Refuses all but an object.
    fn parse(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text).map(Self)
    }

    /// The value of a member; `None` where it is missing, or of another type. Texts are read as they stand there: a set has
    /// no escapes.
    fn value<T: Deserialize<'a>>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name)
    }

    fn is_ed25519(&self) -> bool {
        self.text("kty") == Some("OKP") && self.text("crv") == Some("Ed25519")
    }

    /// The key. The error says what is wrong with it.
    fn trusted(&self) -> Result<TrustedKey, &'static str> {
        let kid = self.text("kid").filter(|kid| check_kid(kid).is_ok());
        Ok(TrustedKey {
            kid: kid
                .ok_or("a kid is not 1 to 64 characters of A-Z a-z 0-9 - _")?
                .to_owned(),
            public: self.public().ok_or("an x is not an Ed25519 key in base64url")?,
            retired_at: self.retired_at().ok_or("a retired_at is neither a time nor null")?,
        })
    }

    fn public(&self) -> Option<[u8; 32]> {
        let public = URL_SAFE_NO_PAD.decode(self.text("x")?).ok()?.try_into().ok()?;
        // A key of small order accepts signatures that its owner did not make.
        VerifyingKey::from_bytes(&public).ok().filter(|key| !key.is_weak())?;
        Some(public)
    }

    /// `None` where it is neither a time nor null.
    fn retired_at(&self) -> Option<Option<Timestamp>> {
        match self.0.get("retired_at") {
            None => Some(None),
            Some(value) if value.get() == "null" => Some(None),
            Some(_) => {
                let text = self.text("retired_at")?;
                let time = time_of(text).filter(|time| time_text(*time) == text);
                time.map(Some)
            }
        }
    }
}

#[cfg(test)]
mod tests;
