//! What identity tells the audit log of users who were made, and of failed sign-ins.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::audit::{AuditAction, AuditLine};
use crate::values::{Role, Sha256Digest, Timestamp, UserId};

/// What the key of the digests is derived for. With another text, new digests could not be compared with older ones.
pub(super) const PURPOSE: &str = "florin audit e-mail";

/// A user was made. Without the address and the name, which are in the user's row: a copy would be one more to erase.
pub(super) fn made(action: AuditAction, user: UserId, role: Role, now: Timestamp) -> AuditLine {
    AuditLine::at(action, now)
        .to_user(user)
        .after(&json!({ "role": role.as_str() }))
}

/// A sign-in with this address failed.
pub(super) fn sign_in_failed(key: &[u8; 32], email: &str, now: Timestamp) -> AuditLine {
    let mut line = AuditLine::at(AuditAction::SignInFailed, now);
    line.details.email_digest = Some(email_digest(key, email));
    line
}

/// HMAC-SHA256 of an address, so that two lines can be compared and only the bank can tell whose address it was.
fn email_digest(key: &[u8; 32], email: &str) -> Sha256Digest {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    Sha256Digest(mac.chain_update(email).finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_an_address_depends_on_the_address_and_the_key() {
        let digest = email_digest(&[1; 32], "ana@example.com");
        assert_eq!(email_digest(&[1; 32], "ana@example.com"), digest);
        assert_ne!(email_digest(&[1; 32], "ben@example.com"), digest);
        assert_ne!(email_digest(&[2; 32], "ana@example.com"), digest);
    }
}
