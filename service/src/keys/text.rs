//! What the texts of all key files have in common: the halves of keys and their names. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a secret, and of the public half that belongs to it.
pub(crate) const KEY_BYTES: usize = 32;
/// The most characters of a key's id.
const KID_MAX: usize = 64;

/// The 32 bytes of a key's half, as its file has them; `None` if they are not 32 bytes in base64.
pub(crate) fn key_bytes(text: &str) -> Option<[u8; KEY_BYTES]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// The text of a key's half in its file.
pub(crate) fn key_bytes_to_text(bytes: &[u8; KEY_BYTES]) -> String {
    STANDARD.encode(bytes)
}

/// Refuses the id of a key that is not plain: a kid is printed and logged.
pub(crate) fn check_kid(kid: &str) -> Result<(), &'static str> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=KID_MAX).contains(&kid.len()) && kid.bytes().all(is_letter) {
        return Ok(());
    }
    Err("one of its kids is not 1 to 64 characters of A-Z a-z 0-9 - _")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_of_a_key_is_32_bytes_in_base64() {
        let text = key_bytes_to_text(&[7; KEY_BYTES]);
        assert_eq!(key_bytes(&text), Some([7; KEY_BYTES]));
        for wrong in ["", "*", "c2hvcnQ=", &text[1..], &format!("{text} ")] {
            assert_eq!(key_bytes(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_kid_is_plain() {
        for kid in ["a", "5f0c1e9ab2d37846", "A-z_9", &"k".repeat(64)] {
            assert_eq!(check_kid(kid), Ok(()), "{kid:?}");
        }
        for kid in ["", "a b", "\u{1b}[2J", "é", "a.b", &"k".repeat(65)] {
            assert!(check_kid(kid).is_err(), "{kid:?}");
        }
    }
}
