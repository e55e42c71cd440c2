//! What is kept of a receiver's answer, for the owner of the endpoint to read. Pure.

use crate::characters::is_visible;

/// The most bytes of an answer that are read for it, and the most that it has.
pub(super) const EXCERPT_MAX: usize = 1_024;

/// The beginning of a body as one line of visible characters; bytes that are not UTF-8 become `�`. `None` if nothing is
/// left.
pub(super) fn excerpt_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_MAX)]);
    let line = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let mut line: String = line.filter(|c| is_visible(*c)).collect();
    // A byte that is not UTF-8 has become three.
    line.truncate(line.floor_char_boundary(EXCERPT_MAX));
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_line_of_visible_characters() {
        let cases: [(&[u8], Option<&str>); 9] = [
            (b"", None),
            (b" \r\n\t", None),
            (b"\0\x1b", None),
            (b"thank you", Some("thank you")),
            (b"  {\"a\":\t1}\r\n", Some("{\"a\": 1}")),
            (b"a\0b\x1b[31mc\x7f", Some("ab[31mc")),
            ("a\u{202e}b\u{200b}ü\u{feff}".as_bytes(), Some("abü")),
            (b"a\xffb", Some("a\u{fffd}b")),
            (b"\xe2\x82", Some("\u{fffd}")),
        ];
        for (body, expected) in cases {
            assert_eq!(excerpt_of(body).as_deref(), expected, "{body:?}");
        }
    }

    #[test]
    fn an_excerpt_has_a_bound_in_bytes() {
        for body in [vec![b'a'; 5_000], vec![0xff; 5_000], "ü".repeat(5_000).into_bytes()] {
            let excerpt = excerpt_of(&body).expect("something is left");
            assert!(
                (EXCERPT_MAX - 2..=EXCERPT_MAX).contains(&excerpt.len()),
                "{}",
                excerpt.len()
            );
        }
    }
}
