//! Access tokens signed with the server's key, so that a benchmark need not sign in ten thousand users.

use std::path::Path;

use anyhow::Result;
use base64::Engine;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use service::clock::random_bytes;
use uuid::Uuid;

/// Makes a key, and keeps it where a server will find it.
pub fn make_key(file: &Path) -> Result<EncodingKey> {
    let key = random_bytes::<32>();
    std::fs::write(file, base64::engine::general_purpose::STANDARD.encode(key))?;
    Ok(EncodingKey::from_secret(&key))
}

/// A token that is good for a day.
pub fn token(user: Uuid, role: &str, key: &EncodingKey) -> Result<String> {
    let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
    let claims = json!({
        "iss": "florin", "aud": "florin-api", "sub": user, "role": role,
        "iat": now, "exp": now + 24 * 3_600, "jti": Uuid::from_u128(0),
    });
    Ok(encode(&Header::new(Algorithm::HS256), &claims, key)?)
}
