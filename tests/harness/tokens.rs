//! Access tokens that a test signs by itself, with the bank's key or another, to see which of them the bank accepts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

/// The HMAC algorithms of JWT. The bank accepts the first one only.
#[derive(Clone, Copy, Debug)]
pub enum TokenAlgorithm {
    Hs256,
    Hs384,
    Hs512,
}

/// A token of these claims, signed with a key.
#[must_use]
pub fn signed_token(algorithm: TokenAlgorithm, claims: &Value, key: &[u8]) -> String {
    let name = match algorithm {
        TokenAlgorithm::Hs256 => "HS256",
        TokenAlgorithm::Hs384 => "HS384",
        TokenAlgorithm::Hs512 => "HS512",
    };
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": name })), part(claims));
    let signature = match algorithm {
        TokenAlgorithm::Hs256 => mac::<Hmac<Sha256>>(key, &message),
        TokenAlgorithm::Hs384 => mac::<Hmac<Sha384>>(key, &message),
        TokenAlgorithm::Hs512 => mac::<Hmac<Sha512>>(key, &message),
    };
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &str) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(message).finalize().into_bytes().to_vec()
}
