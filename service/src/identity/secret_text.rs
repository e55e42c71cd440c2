//! The text of a secret that the bank hands out and recognises again: how it is made, and how a mistyped one is told
//! apart without the database. Pure.
//!
//! A prefix, a number of 256 random bits as 43 digits to the base 62, and the CRC-32 of all this as 6 more digits. The
//! prefix lets programs that look for leaked secrets recognise one. The checksum is no secret and protects nothing: who
//! guesses secrets can compute it.

use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

use crate::values::Sha256Digest;

/// Bytes of chance in a secret, too many to guess.
pub(super) const SECRET_BYTES: usize = 32;

const BASE: u32 = 62;
const DIGITS: &[u8; BASE as usize] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The fewest digits that hold 256 bits, and the fewest that hold 32.
const SECRET_DIGITS: usize = 43;
const CHECKSUM_DIGITS: usize = 6;

/// The text of these random bytes.
pub(super) fn text_of(prefix: &str, secret: [u8; SECRET_BYTES]) -> SecretString {
    // As long as the text will be, so that no part of it is left in memory that is given back.
    let mut text = String::with_capacity(prefix.len() + SECRET_DIGITS + CHECKSUM_DIGITS);
    text.push_str(prefix);
    text.extend(digits::<SECRET_BYTES, SECRET_DIGITS>(secret).map(char::from));
    let checksum = checksum(&text);
    text.extend(checksum.map(char::from));
    text.into()
}

/// What a secret is stored and found by; `None` for a text that is not a whole secret with this prefix.
pub(super) fn digest_of(prefix: &str, text: &str) -> Option<Sha256Digest> {
    let (checked, rest) = text.split_at_checked(prefix.len() + SECRET_DIGITS)?;
    let secret = checked.strip_prefix(prefix)?;
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
    use super::*;

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
}
