//! Access tokens: JWT, HS256 only. They are checked without the database, so a request costs microseconds.

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
        let data = decode::<Claims>(token, &self.decoding, &self.validation).map_err(|_| TokenError::Invalid)?;
        if data.claims.exp <= now.timestamp() {
            return Err(TokenError::Expired);
        }
        Ok(Actor {
            user: data.claims.sub,
            role: data.claims.role,
        })
    }
}
