//! The text of an API key: how it is made, and how a mistyped one is told apart without the database. Pure.
//!
//! `florin_ak_`, a number of 256 random bits as 43 digits to the base 62, and the CRC-32 of all this as 6 more digits. The
//! prefix lets programs that look for leaked secrets recognise one. The checksum is no secret and protects nothing: who
//! guesses keys can compute it.

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use crate::values::Sha256Digest;

/// What every API key begins with, and no access token does.
pub(super) const PREFIX: &str = "florin_ak_";

/// Bytes of chance in a key, too many to guess.
pub(super) const SECRET_BYTES: usize = 32;

const BASE: u32 = 62;
const DIGITS: &[u8; BASE as usize] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The fewest digits that hold 256 bits, and the fewest that hold 32.
const SECRET_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;
const CHECKED_LENGTH: usize = PREFIX.len() + SECRET_DIGITS;

/// The key of these random bytes.
pub(super) fn text_of(secret: [u8; SECRET_BYTES]) -> SecretString {
    // As long as the text will be, so that no part of it is left in memory that is given back.
    let mut text = String::with_capacity(CHECKED_LENGTH + CHECKSUM_DIGITS);
    text.push_str(PREFIX);
    text.extend(digits::<SECRET_BYTES, SECRET_DIGITS>(secret).map(char::from));
    let checksum = checksum(&text);
    text.extend(checksum.map(char::from));
    text.into()
}

/// What a key is stored and found by; `None` for a text that is not a whole API key.
pub(super) fn digest_of(text: &str) -> Option<Sha256Digest> {
    let (checked, rest) = text.split_at_checked(CHECKED_LENGTH)?;
    let secret = checked.strip_prefix(PREFIX)?;
    let is_whole = secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) && rest.as_bytes() == checksum(checked);
    is_whole.then(|| Sha256Digest(Sha256::digest(text).into()))
}

fn checksum(text: &str) -> [u8; CHECKSUM_DIGITS] {
    digits(crc32fast::hash(text.as_bytes()).to_be_bytes())
}

/// The last N digits to the base 62 of a number of B bytes, the most significant first.
fn digits<const B: usize, const N: usize>(mut number: [u8; B]) -> [u8; N] {
    let mut digits = [0; N];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0;
        for byte in &mut number {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / BASE) as u8;
            rest = value % BASE;
        }
        *digit = DIGITS[rest as usize];
    }
    digits
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

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
    fn digits_are_those_of_the_number() {
        assert_eq!(&digits::<1, 2>([0]), b"00");
        assert_eq!(&digits::<1, 2>([61]), b"0z");
        assert_eq!(&digits::<1, 2>([62]), b"10");
        assert_eq!(&digits::<1, 2>([255]), b"47");
        // 43 digits hold 256 bits, and 6 hold 32: the digit in front is nothing.
        assert_eq!(digits::<32, 44>([255; 32])[0], b'0');
        assert_eq!(digits::<4, 7>([255; 4])[0], b'0');
    }

    #[test]
    fn the_checksum_is_crc_32() {
        // The check value of CRC-32/ISO-HDLC is cbf43926.
        assert_eq!(checksum("123456789"), digits(0xcbf4_3926_u32.to_be_bytes()));
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
