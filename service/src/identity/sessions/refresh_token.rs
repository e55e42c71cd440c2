//! Refresh tokens: `florin_rt_`, then in base64url the session's id, the token's number, and a secret that is derived from
//! both. Pure.
//!
//! The secret is an HMAC under a key of the server, so that the bank can give the same token again without keeping it. Only
//! the bank can make one, and it recognises an old one by making it again.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::session::Nonce;
use crate::values::SessionId;

/// What every refresh token begins with, so that a scanner of leaked secrets recognises it.
const PREFIX: &str = "florin_rt_";
const ID_BYTES: usize = 16;
const NUMBER_BYTES: usize = 4;
const SECRET_BYTES: usize = 32;
const TOKEN_BYTES: usize = ID_BYTES + NUMBER_BYTES + SECRET_BYTES;
/// In base64 three bytes are four characters; nothing fills the last ones up.
const ENCODED_LENGTH: usize = (TOKEN_BYTES * 4).div_ceil(3);

/// What the keys of refresh tokens are derived for. Another text would make every token a forged one.
pub(super) const PURPOSE: &str = "florin refresh token";

/// One refresh token. It has no Debug, so that no log can show it.
#[derive(Clone)]
pub(super) struct RefreshToken {
    pub session: SessionId,
    /// How many tokens of the session were made before it.
    pub generation: u32,
    secret: [u8; SECRET_BYTES],
}

/// The keys that refresh tokens are derived with: first the one that makes new tokens, which every replica knows.
#[derive(Clone)]
pub(super) struct RefreshKeys(pub Vec<[u8; 32]>);

impl RefreshToken {
    /// Reads a token; `None` when the text has another form. Whether the bank made it is another question.
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        if encoded.len() != ENCODED_LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID_BYTES>()?;
        let (number, rest) = rest.split_first_chunk::<NUMBER_BYTES>()?;
        Some(Self {
            session: SessionId(Uuid::from_bytes(*id)),
            generation: u32::from_be_bytes(*number),
            secret: rest.try_into().ok()?,
        })
    }

    /// Makes a session's token of this number.
    pub fn derive(key: &[u8; 32], session: SessionId, generation: u32, nonce: Nonce) -> Self {
        let secret = mac(key, session, generation, nonce).finalize().into_bytes();
        Self {
            session,
            generation,
            secret: secret.into(),
        }
    }

    /// Whether the bank made this token, with any of its keys. Compares in constant time.
    pub fn is_genuine(&self, keys: &RefreshKeys, nonce: Nonce) -> bool {
        let mut keys = keys.0.iter();
        keys.any(|key| {
            let mac = mac(key, self.session, self.generation, nonce);
            mac.verify_slice(&self.secret).is_ok()
        })
    }

    /// The text that the client gets.
    pub fn text(&self) -> SecretString {
        SecretString::from(self.to_text())
    }

    /// What the database keeps of the token.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.to_text()).into()
    }

    fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.extend_from_slice(self.session.0.as_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.secret);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl RefreshKeys {
    /// The key that new tokens are made with.
    pub fn current(&self) -> &[u8; 32] {
        self.0.first().expect("a key set has at least one key")
    }

    /// The session's token of this number whose hash is the stored one; `None` when it was made with a key that is not
    /// known here.
    pub fn find(&self, session: SessionId, generation: u32, nonce: Nonce, hash: &[u8; 32]) -> Option<RefreshToken> {
        let mut made = self
            .0
            .iter()
            .map(|key| RefreshToken::derive(key, session, generation, nonce));
        made.find(|token| token.hash() == *hash)
    }
}

fn mac(key: &[u8; 32], session: SessionId, generation: u32, nonce: Nonce) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(session.0.as_bytes())
        .chain_update(generation.to_be_bytes())
        .chain_update(nonce.0)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const NONCE: Nonce = Nonce([7; 16]);

    fn session() -> SessionId {
        SessionId(Uuid::from_u128(42))
    }

    fn keys(bytes: &[u8]) -> RefreshKeys {
        RefreshKeys(bytes.iter().map(|byte| [*byte; 32]).collect())
    }

    #[test]
    fn a_token_is_read_back_as_it_was_made() {
        let token = RefreshToken::derive(&[1; 32], session(), 3, NONCE);
        let text = token.text();
        let text = text.expose_secret();
        assert_eq!(text.len(), PREFIX.len() + 70);
        let read = RefreshToken::parse(text).expect("it is a token");
        assert_eq!(
            (read.session, read.generation, read.hash()),
            (session(), 3, token.hash())
        );
        assert!(read.is_genuine(&keys(&[2, 1]), NONCE));
    }

    #[test]
    fn a_token_of_another_key_number_session_or_nonce_is_not_genuine() {
        let token = RefreshToken::derive(&[1; 32], session(), 3, NONCE);
        assert!(!token.is_genuine(&keys(&[2, 3]), NONCE));
        assert!(!token.is_genuine(&keys(&[1]), Nonce([8; 16])));
        let other = RefreshToken {
            generation: 2,
            ..token.clone()
        };
        assert!(!other.is_genuine(&keys(&[1]), NONCE));
        let other = RefreshToken {
            session: SessionId(Uuid::from_u128(43)),
            ..token
        };
        assert!(!other.is_genuine(&keys(&[1]), NONCE));
    }

    #[test]
    fn the_token_of_a_hash_is_found_with_the_key_that_made_it() {
        let hash = RefreshToken::derive(&[1; 32], session(), 3, NONCE).hash();
        let find = |bytes: &[u8]| keys(bytes).find(session(), 3, NONCE, &hash);
        assert!(find(&[2, 1]).is_some_and(|token| token.hash() == hash));
        assert!(find(&[2, 3]).is_none());
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let token = RefreshToken::derive(&[1; 32], session(), 3, NONCE).to_text();
        let bad = [
            String::new(),
            PREFIX.to_owned(),
            token[1..].to_owned(),
            token[..token.len() - 1].to_owned(),
            format!("{token}A"),
            format!("{token}="),
            format!("{PREFIX}{}", "A".repeat(100_000)),
            token.replace("florin_rt_", "florin_ak_"),
        ];
        for bad in bad {
            assert!(RefreshToken::parse(&bad).is_none(), "{} characters", bad.len());
        }
    }
}
