//! Access tokens: JWT, HS256 only. They are checked without the database. A token that was found valid is recognised by
//! its digest until it expires: verifying it again costs a tenth of a transfer.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use quick_cache::sync::Cache;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::hs256;
use super::key_file::SigningKey;
use super::{Actor, TokenError};
use crate::clock::id_at;
use crate::values::{Role, Timestamp, UserId};

/// How long an access token is valid, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;

/// Good tokens that are remembered, at about 100 bytes each; beyond it those that are used least are verified anew.
const KNOWN_MAX: usize = 16_384;

const ISSUER: &str = "florin";
const AUDIENCE: &str = "florin-api";

pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// By SHA-256: no token is kept in memory, and the time of a comparison reveals nothing about one.
    known: Cache<[u8; 32], Good>,
}

/// The content of a token whose signature is right.
#[derive(Clone, Copy)]
struct Good {
    actor: Actor,
    exp: i64,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    role: Role,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

impl Tokens {
    pub fn new(key: &SigningKey) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The library would use the machine's clock; `read` compares with the time that it is given.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(key.expose()),
            decoding: DecodingKey::from_secret(key.expose()),
            validation,
            known: Cache::new(KNOWN_MAX),
        }
    }

    pub fn sign(&self, actor: Actor, now: Timestamp) -> SecretString {
        let issued = now.timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: actor.user,
            role: actor.role,
            iat: issued,
            exp: issued + ACCESS_TOKEN_SECONDS,
            jti: id_at(now),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .expect("claims of plain strings and numbers always serialize, and HS256 takes any key")
            .into()
    }

    pub fn read(&self, token: &str, now: Timestamp) -> Result<Actor, TokenError> {
        let digest = Sha256::digest(token).into();
        let known = self.known.get(&digest);
        let good = match known {
            Some(good) => good,
            None => self.verify(token)?,
        };
        if good.exp <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        if known.is_none() {
            self.known.insert(digest, good);
        }
        Ok(good.actor)
    }

    fn verify(&self, token: &str) -> Result<Good, TokenError> {
        let data = decode::<Claims>(token, &self.decoding, &self.validation).map_err(|_| TokenError::Invalid)?;
        Ok(Good {
            actor: Actor {
                user: data.claims.sub,
                role: data.claims.role,
            },
            exp: data.claims.exp,
        })
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use secrecy::ExposeSecret;

    use super::*;

    fn tokens() -> Tokens {
        let folder = std::env::temp_dir().join(format!("florin-{}", Uuid::from_bytes(crate::clock::random_bytes())));
        let key = SigningKey::open_or_create(&folder).expect("a key can be made");
        std::fs::remove_file(folder).expect("the key's file is there");
        Tokens::new(&key)
    }

    fn actor() -> Actor {
        Actor {
            user: UserId(Uuid::from_u128(1)),
            role: Role::Customer,
        }
    }

    #[test]
    fn a_known_token_ends_like_any_other() {
        let (tokens, now) = (tokens(), DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let token = tokens.sign(actor(), now);
        let read = |at| tokens.read(token.expose_secret(), at);
        assert_eq!(read(now), Ok(actor()));
        assert_eq!(read(now + TimeDelta::seconds(ACCESS_TOKEN_SECONDS - 1)), Ok(actor()));
        let ended = now + TimeDelta::seconds(ACCESS_TOKEN_SECONDS);
        assert_eq!(read(ended), Err(TokenError::Expired));
    }

    #[test]
    fn only_good_tokens_are_known_and_only_so_many() {
        let (tokens, now) = (tokens(), DateTime::UNIX_EPOCH);
        let stranger = self::tokens().sign(actor(), now);
        assert_eq!(tokens.read(stranger.expose_secret(), now), Err(TokenError::Invalid));
        assert!(tokens.known.is_empty());
        for second in 0..=KNOWN_MAX as i64 {
            let token = tokens.sign(actor(), now + TimeDelta::seconds(second));
            assert_eq!(tokens.read(token.expose_secret(), now), Ok(actor()));
        }
        assert!((KNOWN_MAX / 2..=KNOWN_MAX).contains(&tokens.known.len()));
    }
}
