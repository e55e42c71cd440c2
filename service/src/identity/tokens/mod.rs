//! Access tokens: JWT, signed with a key of the key set. They are checked without the database. A token that was found
//! valid is recognized by its digest until it expires: verifying it again costs more than a transfer.
//!
//! A token cannot choose how it is checked: its header names a key, and the key has one algorithm.

mod changes;
mod claims;
mod key;
mod key_set;
mod provider;
mod ring;
mod schedule;

pub use changes::{KeyReport, list_keys, retire_key, rotate_keys};
pub(super) use claims::Claimed;
pub use key_set::{KeySet, PublicKey};
pub use schedule::KeyState;

use std::sync::Arc;

use quick_cache::sync::Cache;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::TokenError;
use crate::values::{Role, SessionId, Timestamp, UserId};
use claims::{Claims, TOKEN_BYTES_MAX};

/// How long an access token is valid, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;

/// Good tokens that are remembered, at about 150 bytes each; beyond it those that are used least are verified anew.
const KNOWN_MAX: usize = 16_384;

pub(super) struct Tokens {
    keys: Arc<KeySet>,
    /// By SHA-256: no token is kept in memory, and the time of a comparison reveals nothing about one.
    known: Cache<[u8; 32], KnownToken>,
}

/// A token whose signature and claims are right.
#[derive(Clone, Copy)]
struct KnownToken {
    claimed: Claimed,
    /// The keys that it was verified with. With other keys it is verified anew: its own may be gone.
    generation: u64,
    /// When its key ends, with the same keys.
    key_ends_at: Option<Timestamp>,
}

impl Tokens {
    pub fn new(keys: Arc<KeySet>) -> Self {
        Self {
            keys,
            known: Cache::new(KNOWN_MAX),
        }
    }

    /// A new token.
    pub fn sign(&self, user: UserId, role: Role, session: SessionId, now: Timestamp) -> SecretString {
        let claims = Claims::new(user, role, session, now.timestamp());
        self.keys.loaded().keys.sign(&claims, now).into()
    }

    /// Checks a token. Whether its session has ended is not known here.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Claimed, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let generation = self.keys.generation();
        let known = self.known.get(&digest);
        if let Some(known) = known.filter(|known| known.generation == generation) {
            return known.check(now);
        }
        let verified = self.verify(token, now)?;
        self.known.insert(digest, verified);
        Ok(verified.claimed)
    }

    /// Forgets the tokens of a session, so that their places are free.
    pub fn forget(&self, session: SessionId) {
        self.known.retain(|_, known| known.claimed.session != session);
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<KnownToken, TokenError> {
        let loaded = self.keys.loaded();
        let signed = loaded.keys.verify(token, now)?;
        Ok(KnownToken {
            claimed: signed.claims.check(now.timestamp())?,
            generation: loaded.generation,
            key_ends_at: signed.key_ends_at,
        })
    }
}

impl KnownToken {
    /// Checks what time changes about a token.
    fn check(self, now: Timestamp) -> Result<Claimed, TokenError> {
        if self.key_ends_at.is_some_and(|end| end <= now) {
            return Err(TokenError::Invalid);
        }
        if self.claimed.expires_at <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        Ok(self.claimed)
    }
}

#[cfg(test)]
mod tests;
