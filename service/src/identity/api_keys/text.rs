//! The text of an API key: how it is made, and how a mistyped one is told apart without the database. Pure.
//!
//! `florin_ak_`, then as in `secret_text`.

use secrecy::SecretString;

use crate::identity::secret_text;
use crate::values::Sha256Digest;

/// What every API key begins with, and no access token does.
pub(super) const PREFIX: &str = "florin_ak_";

/// Bytes of chance in a key, too many to guess.
pub(super) const SECRET_BYTES: usize = secret_text::SECRET_BYTES;

/// The key of these random bytes.
pub(super) fn text_of(secret: [u8; SECRET_BYTES]) -> SecretString {
    secret_text::text_of(PREFIX, secret)
}

/// What a key is stored and found by; `None` for a text that is not a whole API key.
pub(super) fn digest_of(text: &str) -> Option<Sha256Digest> {
    secret_text::digest_of(PREFIX, text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn key(secret: [u8; SECRET_BYTES]) -> String {
        text_of(secret).expose_secret().to_owned()
    }

    /// Another program computed these.
    #[test]
    fn a_key_has_its_form() {
        for (secret, expected) in [
            (
                [0; SECRET_BYTES],
                "florin_ak_00000000000000000000000000000000000000000001LXEHw",
            ),
            (
                [255; SECRET_BYTES],
                "florin_ak_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp148jZfs",
            ),
        ] {
            let text = key(secret);
            assert_eq!(text, expected);
            let digest = Sha256Digest(Sha256::digest(&text).into());
            assert_eq!(digest_of(&text), Some(digest));
        }
    }

    #[test]
    fn no_key_with_another_character_is_whole() {
        let text = key(*b"a key of a test, 32 bytes of it.");
        for place in 0..text.len() {
            let others = (0..=0x7f_u8).filter(|byte| *byte != text.as_bytes()[place]);
            for other in others {
                let mut bytes = text.clone().into_bytes();
                bytes[place] = other;
                let changed = String::from_utf8(bytes).expect("it is ASCII");
                assert_eq!(digest_of(&changed), None, "{changed}");
            }
        }
    }

    #[test]
    fn neither_a_part_of_a_key_nor_more_than_one_is_whole() {
        let text = key([7; SECRET_BYTES]);
        for end in 0..text.len() {
            assert_eq!(digest_of(&text[..end]), None, "{end} characters");
        }
        for other in [
            format!("{text}0"),
            format!(" {text}"),
            format!("{text}\n"),
            format!("\u{e4}{}", &text[1..]),
            text.to_uppercase(),
            "\u{e4}".repeat(40),
        ] {
            assert_eq!(digest_of(&other), None, "{other:?}");
        }
    }

    #[test]
    fn a_key_is_not_in_its_debug_text() {
        assert!(!format!("{:?}", text_of([7; SECRET_BYTES])).contains(PREFIX));
    }
}
