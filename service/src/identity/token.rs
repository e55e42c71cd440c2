//! Access tokens: JWT, HS256 only. They are checked without the database, and their signature once: the next request with
//! the same token costs a look into memory.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::key_file::SigningKey;
use super::{Actor, TokenError};
use crate::clock::id_at;
use crate::values::{Role, Timestamp, UserId};

/// How long an access token is good for, in seconds.
pub const ACCESS_TOKEN_SECONDS: i64 = 15 * 60;

const ISSUER: &str = "florin";
const AUDIENCE: &str = "florin-api";

pub(super) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    checked: Checked,
}

/// Tokens whose signatures were found good, with what they say. Nobody else's token ever gets in.
#[derive(Default)]
struct Checked(RwLock<HashMap<String, Claim>>);

/// Whom a token names, and until when, in seconds since 1970.
#[derive(Clone, Copy)]
struct Claim {
    actor: Actor,
    expires: i64,
}

/// Tokens that are remembered, at some 400 bytes each; when there are more, all are forgotten and checked again.
const CHECKED_MAX: usize = 8_192;

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
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The library would ask the machine's clock; `read` compares with ours.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(key.expose()),
            decoding: DecodingKey::from_secret(key.expose()),
            validation,
            checked: Checked::default(),
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
        let claim = match self.checked.find(token) {
            Some(claim) => claim,
            None => self.check(token)?,
        };
        if claim.expires <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        Ok(claim.actor)
    }

    fn check(&self, token: &str) -> Result<Claim, TokenError> {
        let data = decode::<Claims>(token, &self.decoding, &self.validation).map_err(|_| TokenError::Invalid)?;
        let actor = Actor {
            user: data.claims.sub,
            role: data.claims.role,
        };
        let claim = Claim {
            actor,
            expires: data.claims.exp,
        };
        self.checked.remember(token, claim);
        Ok(claim)
    }
}

impl Checked {
    fn find(&self, token: &str) -> Option<Claim> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(token)
            .copied()
    }

    fn remember(&self, token: &str, claim: Claim) {
        let mut checked = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= CHECKED_MAX {
            checked.clear();
        }
        checked.insert(token.to_owned(), claim);
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
    fn a_remembered_token_ends_like_any_other() {
        let (tokens, now) = (tokens(), DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let token = tokens.sign(actor(), now);
        let read = |at| tokens.read(token.expose_secret(), at);
        assert_eq!(read(now), Ok(actor()));
        assert_eq!(read(now + TimeDelta::seconds(ACCESS_TOKEN_SECONDS - 1)), Ok(actor()));
        let ended = now + TimeDelta::seconds(ACCESS_TOKEN_SECONDS);
        assert_eq!(read(ended), Err(TokenError::Expired));
    }

    #[test]
    fn only_good_tokens_are_remembered_and_only_so_many() {
        let (tokens, now) = (tokens(), DateTime::UNIX_EPOCH);
        let stranger = self::tokens().sign(actor(), now);
        assert_eq!(tokens.read(stranger.expose_secret(), now), Err(TokenError::Invalid));
        assert!(tokens.checked.find(stranger.expose_secret()).is_none());
        let held = |tokens: &Tokens| tokens.checked.0.read().expect("nobody panicked").len();
        for second in 0..=CHECKED_MAX as i64 {
            let token = tokens.sign(actor(), now + TimeDelta::seconds(second));
            assert_eq!(tokens.read(token.expose_secret(), now), Ok(actor()));
        }
        assert_eq!(held(&tokens), 1);
    }
}
