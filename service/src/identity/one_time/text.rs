//! The text of a one-time token. Pure.
//!
//! `florin_ot_`, then as in `secret_text`.

use secrecy::SecretString;

use crate::identity::secret_text::{self, SECRET_BYTES};
use crate::values::Sha256Digest;

/// What every one-time token begins with, and no other secret of the bank does.
const PREFIX: &str = "florin_ot_";

/// The token of these random bytes.
pub(super) fn text_of(secret: [u8; SECRET_BYTES]) -> SecretString {
    secret_text::text_of(PREFIX, secret)
}

/// What a token is stored and found by; `None` for a text that is not a whole one-time token.
pub(super) fn digest_of(text: &str) -> Option<Sha256Digest> {
    secret_text::digest_of(PREFIX, text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn token(secret: [u8; SECRET_BYTES]) -> String {
        text_of(secret).expose_secret().to_owned()
    }

    /// Another program computed these.
    #[test]
    fn a_token_has_its_form() {
        for (byte, expected) in [
            (0, "florin_ot_00000000000000000000000000000000000000000000efhjy"),
            (255, "florin_ot_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp12UpT66"),
        ] {
            let text = token([byte; SECRET_BYTES]);
            assert_eq!(text, expected);
            let digest = Sha256Digest(Sha256::digest(&text).into());
            assert_eq!(digest_of(&text), Some(digest));
        }
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let text = token([7; SECRET_BYTES]);
        for other in [
            String::new(),
            text[..text.len() - 1].to_owned(),
            format!("{text}0"),
            format!(" {text}"),
            text.replacen("florin_ot_", "florin_ak_", 1),
            text.to_uppercase(),
        ] {
            assert_eq!(digest_of(&other), None, "{other:?}");
        }
    }
}
