//! How far a follower has counted. Pure.

use std::fmt;

use crate::journal::Head;
use crate::values::Sha256Digest;

/// A row of the journal that a follower has counted, with all rows before it. The digest distinguishes the row from
/// another one with the same number, in a database that went back to an earlier state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The row's number.
    pub number: i64,
    /// The row's digest.
    pub digest: Sha256Digest,
}

impl Mark {
    /// The mark of a follower that has counted everything up to a head.
    #[must_use]
    pub fn of(head: &Head) -> Self {
        Self {
            number: head.number,
            digest: head.digest,
        }
    }

    /// Reads the text that `to_string` writes; `None` when it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (number, digits) = text.split_once(':')?;
        let mut digest = [0; 32];
        if digits.len() != digest.len() * 2 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        let number = number.parse().ok().filter(|number| *number >= 0)?;
        Some(Self {
            number,
            digest: Sha256Digest(digest),
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_nothing_else_is_one() {
        let mark = Mark {
            number: 7,
            digest: Sha256Digest(std::array::from_fn(|index| index as u8 * 7)),
        };
        let text = mark.to_string();
        assert_eq!(Mark::parse(&text), Some(mark));
        for wrong in [
            "",
            "7",
            "7:",
            "7:ab",
            &format!("-{text}"),
            &format!("{text}0"),
            &text.replace("07", "0g"),
        ] {
            assert_eq!(Mark::parse(wrong), None, "{wrong}");
        }
    }
}
