//! Checks the signatures of webhooks as any receiver does, by the specification of Standard Webhooks alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::ReceivedHook;

/// True if one of the signatures of a request is that of a secret (`whsec_...`) or belongs to a public key (`whpk_...`).
#[must_use]
pub fn is_signed_by(hook: &ReceivedHook, key: &str) -> bool {
    let signed = format!("{}.{}.{}", hook.id(), hook.header("webhook-timestamp"), hook.body);
    let signatures = hook.header("webhook-signature").split(' ');
    let mut signatures = signatures.filter_map(|signature| signature.split_once(','));
    match key.strip_prefix("whpk_") {
        Some(public) => signatures.any(|(version, text)| version == "v1a" && verifies(public, &signed, text)),
        None => {
            let wanted = hmac_signature(key, &signed);
            signatures.any(|(version, text)| version == "v1" && text == wanted)
        }
    }
}

/// The HMAC-SHA256 of a text under a secret (`whsec_...`), in Base64.
#[must_use]
pub fn hmac_signature(secret: &str, text: &str) -> String {
    let secret = secret.strip_prefix("whsec_").expect("a secret begins with whsec_");
    let secret = STANDARD.decode(secret).expect("a secret is Base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("an HMAC takes a key of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn verifies(public: &str, text: &str, signature: &str) -> bool {
    let public: [u8; 32] = STANDARD
        .decode(public)
        .expect("a public key is Base64")
        .try_into()
        .expect("a public key has 32 bytes");
    let public = VerifyingKey::from_bytes(&public).expect("it is a public key");
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    Signature::from_slice(&signature).is_ok_and(|signature| public.verify_strict(text.as_bytes(), &signature).is_ok())
}
