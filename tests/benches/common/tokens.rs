//! Access tokens signed with the server's key, so that a benchmark does not have to sign in ten thousand users.

use std::path::Path;

use anyhow::Result;
use harness::{JwtAlgorithm, TestKey};
use serde_json::json;
use uuid::Uuid;

/// Makes a signing key and stores it in a file for the server.
pub fn make_key(file: &Path) -> Result<TestKey> {
    let key = TestKey::random("bench", JwtAlgorithm::EdDsa);
    key.store(file)?;
    Ok(key)
}

/// A token that is valid for a day, of a session that no database has.
pub fn token(user: Uuid, role: &str, key: &TestKey) -> Result<String> {
    let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
    let claims = json!({
        "iss": "florin", "aud": "florin-api", "sub": user, "sid": user, "role": role, "iat": now, "exp": now + 24 * 3_600,
    });
    Ok(key.token(&claims))
}
