//! The secrets that sign webhooks, and the texts in which they are handed out (Standard Webhooks 1.0.0). Pure.
//!
//! The bank must sign with a secret, so it is stored as it is. No log and no Debug shows one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::values::SigningScheme;

/// Bytes of a new secret.
pub const SECRET_BYTES: usize = 32;
/// The fewest and the most bytes of a secret for HMAC-SHA256.
const HMAC_BYTES_MIN: usize = 24;
const HMAC_BYTES_MAX: usize = 64;

const HMAC_PREFIX: &str = "whsec_";
const ED25519_PREFIX: &str = "whsk_";
const ED25519_PUBLIC_PREFIX: &str = "whpk_";

/// A secret of an endpoint.
pub enum SigningSecret {
    /// For HMAC-SHA256. The receiver verifies with the same secret.
    Hmac(SecretSlice<u8>),
    /// For Ed25519. The receiver verifies with the public half.
    Ed25519(Box<SigningKey>),
}

/// Answered when stored bytes are not a secret of their scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a secret of this signing scheme")]
pub struct UnusableSecret;

impl SigningSecret {
    /// The secret of these random bytes.
    #[must_use]
    pub fn new(scheme: SigningScheme, random: [u8; SECRET_BYTES]) -> Self {
        match scheme {
            SigningScheme::Hmac => Self::Hmac(random.to_vec().into()),
            SigningScheme::Ed25519 => Self::Ed25519(Box::new(SigningKey::from_bytes(&random))),
        }
    }

    /// The secret of bytes that were stored.
    pub fn try_from_stored(scheme: SigningScheme, stored: &[u8]) -> Result<Self, UnusableSecret> {
        match scheme {
            SigningScheme::Hmac => {
                let is_usable = (HMAC_BYTES_MIN..=HMAC_BYTES_MAX).contains(&stored.len());
                let secret = is_usable.then(|| Self::Hmac(stored.to_vec().into()));
                secret.ok_or(UnusableSecret)
            }
            SigningScheme::Ed25519 => {
                let seed = stored.try_into().map_err(|_| UnusableSecret)?;
                Ok(Self::new(scheme, seed))
            }
        }
    }

    /// What is stored of it: the bytes of HMAC's secret, or the 32 bytes of the Ed25519 key.
    #[must_use]
    pub fn stored(&self) -> &[u8] {
        match self {
            Self::Hmac(secret) => secret.expose_secret(),
            Self::Ed25519(key) => key.as_bytes(),
        }
    }

    /// The secret of an HMAC's text: `whsec_` and 24 to 64 bytes in base64.
    pub fn parse_hmac(text: &str) -> Result<Self, UnusableSecret> {
        let bytes = text.strip_prefix(HMAC_PREFIX).ok_or(UnusableSecret)?;
        let bytes = STANDARD.decode(bytes).map_err(|_| UnusableSecret)?;
        Self::try_from_stored(SigningScheme::Hmac, &bytes)
    }

    /// The secret as text: `whsec_` and the bytes in base64, or `whsk_` and both halves of the key.
    #[must_use]
    pub fn text(&self) -> SecretString {
        let text = match self {
            Self::Hmac(secret) => text_of(HMAC_PREFIX, secret.expose_secret()),
            Self::Ed25519(key) => text_of(ED25519_PREFIX, &key.to_keypair_bytes()),
        };
        text.into()
    }

    /// The text of the secret where the receiver verifies with it too. Of Ed25519, the receiver gets the public half only.
    #[must_use]
    pub fn shared_text(&self) -> Option<SecretString> {
        match self {
            Self::Hmac(_) => Some(self.text()),
            Self::Ed25519(_) => None,
        }
    }

    /// The public half of an Ed25519 key: `whpk_` and its bytes in base64. HMAC has none.
    #[must_use]
    pub fn public_text(&self) -> Option<String> {
        match self {
            Self::Hmac(_) => None,
            Self::Ed25519(key) => Some(text_of(ED25519_PUBLIC_PREFIX, key.verifying_key().as_bytes())),
        }
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac(_) => "SigningSecret::Hmac",
            Self::Ed25519(_) => "SigningSecret::Ed25519",
        })
    }
}

fn text_of(prefix: &str, bytes: &[u8]) -> String {
    // As long as the text will be, so that no part of it is left in memory that is given back.
    let mut text = String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4);
    text.push_str(prefix);
    STANDARD.encode_string(bytes, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: [u8; SECRET_BYTES] = [7; SECRET_BYTES];

    #[test]
    fn a_secret_is_stored_and_read_back() {
        for scheme in [SigningScheme::Hmac, SigningScheme::Ed25519] {
            let secret = SigningSecret::new(scheme, RANDOM);
            assert_eq!(secret.stored(), RANDOM);
            let read = SigningSecret::try_from_stored(scheme, secret.stored()).expect("it was stored");
            assert_eq!(read.text().expose_secret(), secret.text().expose_secret());
            assert_eq!(read.public_text(), secret.public_text());
        }
    }

    #[test]
    fn a_secret_has_a_length_that_its_scheme_allows() {
        let is_usable = |scheme, length| SigningSecret::try_from_stored(scheme, &vec![7; length]).is_ok();
        let hmac = [0, 23, 24, 32, 64, 65].map(|length| is_usable(SigningScheme::Hmac, length));
        assert_eq!(hmac, [false, false, true, true, true, false]);
        let ed25519 = [0, 31, 32, 33, 64].map(|length| is_usable(SigningScheme::Ed25519, length));
        assert_eq!(ed25519, [false, false, true, false, false]);
    }

    #[test]
    fn each_text_says_what_it_is() {
        let hmac = SigningSecret::new(SigningScheme::Hmac, RANDOM);
        assert_eq!(
            hmac.text().expose_secret(),
            "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
        );
        assert_eq!(hmac.public_text(), None);
        assert!(hmac.shared_text().is_some());
        let read = SigningSecret::parse_hmac(hmac.text().expose_secret()).expect("it is a secret");
        assert_eq!(read.stored(), RANDOM);
        let ed25519 = SigningSecret::new(SigningScheme::Ed25519, RANDOM);
        assert!(ed25519.shared_text().is_none());
        assert!(SigningSecret::parse_hmac(ed25519.text().expose_secret()).is_err());
        let (text, public) = (ed25519.text(), ed25519.public_text().expect("it has a public half"));
        let decoded = |text: &str, prefix: &str| STANDARD.decode(text.strip_prefix(prefix)?).ok();
        let pair = decoded(text.expose_secret(), "whsk_").expect("it is base64 after its prefix");
        let public = decoded(&public, "whpk_").expect("it is base64 after its prefix");
        assert_eq!((&pair[..32], &pair[32..]), (&RANDOM[..], &public[..]));
    }

    #[test]
    fn debug_hides_a_secret() {
        for scheme in [SigningScheme::Hmac, SigningScheme::Ed25519] {
            let shown = format!("{:?}", SigningSecret::new(scheme, RANDOM));
            assert!(shown.starts_with("SigningSecret::") && !shown.contains('7'), "{shown}");
        }
    }
}
