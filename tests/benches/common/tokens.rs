//! Access tokens signed with the server's key, so that a benchmark does not have to sign in ten thousand users.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Result;
use base64::Engine;
use harness::{TokenAlgorithm, signed_token};
use serde_json::json;
use service::clock::random_bytes;
use uuid::Uuid;

/// Makes a signing key and stores it in a file for the server.
pub fn make_key(file: &Path) -> Result<[u8; 32]> {
    let key = random_bytes::<32>();
    write_private(file, &base64::engine::general_purpose::STANDARD.encode(key))?;
    Ok(key)
}

/// Writes a file that only its owner may read: the server refuses a key file that others can read.
fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    Ok(options.open(file)?.write_all(text.as_bytes())?)
}

/// A token that is valid for a day.
pub fn token(user: Uuid, role: &str, key: &[u8; 32]) -> Result<String> {
    let now = std::time::UNIX_EPOCH.elapsed()?.as_secs();
    let claims = json!({
        "iss": "florin", "aud": "florin-api", "sub": user, "role": role,
        "iat": now, "exp": now + 24 * 3_600, "jti": Uuid::from_u128(0),
    });
    Ok(signed_token(TokenAlgorithm::Hs256, &claims, key))
}
