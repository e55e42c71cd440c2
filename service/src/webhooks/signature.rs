//! The signatures of a webhook (Standard Webhooks 1.0.0). Pure.
//!
//! What is signed is `id.timestamp.body`, byte for byte as it is sent. Neither the id nor the timestamp may have a dot:
//! otherwise one signature would hold for two messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::secret::SigningSecret;

/// The value of `webhook-signature`: one signature for each secret, in their order, with a blank between two. The
/// timestamp is in seconds since 1970.
pub(super) fn signatures(secrets: &[SigningSecret], id: &str, timestamp: i64, body: &str) -> String {
    debug_assert!(!id.contains('.'), "the id of a webhook has no dot");
    let message = format!("{id}.{timestamp}.{body}");
    let signatures: Vec<String> = secrets.iter().map(|secret| signature(secret, &message)).collect();
    signatures.join(" ")
}

fn signature(secret: &SigningSecret, message: &str) -> String {
    match secret {
        SigningSecret::Hmac(secret) => {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(secret.expose_secret()).expect("HMAC takes a key of any length");
            mac.update(message.as_bytes());
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        }
        SigningSecret::Ed25519(key) => format!("v1a,{}", STANDARD.encode(key.sign(message.as_bytes()).to_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, VerifyingKey};

    use super::*;
    use crate::values::SigningScheme;

    /// One published example has a secret that is shorter than the specification allows, so its length is not checked.
    fn secret(text: &str) -> SigningSecret {
        let (prefix, bytes) = text.split_once('_').expect("a secret has a prefix");
        let bytes = STANDARD.decode(bytes).expect("the rest is base64");
        if prefix == "whsec" {
            return SigningSecret::Hmac(bytes.into());
        }
        SigningSecret::try_from_stored(SigningScheme::Ed25519, &bytes[..32]).expect("it is a key")
    }

    /// Secret, id, timestamp, body and signature, as the specification's libraries and documents publish them. The last
    /// signature is the one for Ed25519 in the specification's example of a header.
    const PUBLISHED: [(&str, &str, i64, &str, &str); 4] = [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl",
            "msg_loFOjxBNrRLzqYUf",
            1_731_705_121,
            r#"{"event_type":"ping","data":{"success":true}}"#,
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
        ),
        (
            "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
        ),
    ];

    #[test]
    fn the_published_examples_are_signed_as_published() {
        for (text, id, timestamp, body, expected) in PUBLISHED {
            let secret = secret(text);
            assert_eq!(secret.text().expose_secret(), text);
            assert_eq!(signatures(&[secret], id, timestamp, body), expected);
        }
        let key = secret(PUBLISHED[3].0).public_text();
        assert_eq!(
            key.as_deref(),
            Some("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
        );
    }

    #[test]
    fn each_secret_adds_a_signature_in_its_order() {
        let (_, id, timestamp, body, expected) = PUBLISHED[0];
        let signed = signatures(&[secret(PUBLISHED[0].0), secret(PUBLISHED[3].0)], id, timestamp, body);
        assert_eq!(signed, format!("{expected} {}", PUBLISHED[3].4));
        let turned = signatures(&[secret(PUBLISHED[3].0), secret(PUBLISHED[0].0)], id, timestamp, body);
        assert_eq!(turned, format!("{} {expected}", PUBLISHED[3].4));
    }

    #[test]
    fn a_signature_holds_for_its_own_message_only() {
        let (text, id, timestamp, body, expected) = PUBLISHED[1];
        for (id, timestamp, body) in [
            ("msg_27UH4WbU6Z5A5EzD8u03UvzRbpl", timestamp, body),
            (id, timestamp + 1, body),
            (id, timestamp, r#"{"email":"test@example.com","username":"test_use"}"#),
            (id, timestamp, ""),
        ] {
            assert_ne!(signatures(&[secret(text)], id, timestamp, body), expected);
        }
    }

    #[test]
    fn the_public_half_verifies_what_the_key_signed() {
        let secret = SigningSecret::new(SigningScheme::Ed25519, [9; 32]);
        let public = secret.public_text().expect("it has a public half");
        let public = STANDARD.decode(&public["whpk_".len()..]).expect("it is base64");
        let public = VerifyingKey::from_bytes(&public.try_into().expect("it has 32 bytes")).expect("it is a key");
        let signed = signatures(&[secret], "event", 1, "{}");
        let signature = STANDARD.decode(&signed["v1a,".len()..]).expect("it is base64");
        let signature = Signature::from_slice(&signature).expect("it is a signature");
        assert!(public.verify_strict(b"event.1.{}", &signature).is_ok());
        assert!(public.verify_strict(b"event.2.{}", &signature).is_err());
    }
}
