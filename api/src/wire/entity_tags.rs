//! Lists of entity tags, for `If-Match` and `If-None-Match` (RFC 9110, 8.8.3 and 13.1).

use poem::http::{HeaderMap, HeaderName};

/// The value of such a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityTags {
    /// `*`: every version of a thing that exists.
    Any,
    /// The tags of the list, at least one.
    Listed(Vec<EntityTag>),
}

/// One tag without its quotation marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag {
    pub is_weak: bool,
    pub opaque: String,
}

/// The request has the header, but its value is not a list of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The regular expression of such a header, for the OpenAPI document.
pub const PATTERN: &str = concat!(
    r#"^(\*|[ \t,]*(W/)?"[!#-~\u0080-\u00ff]*""#,
    r#"([ \t]*,[ \t,]*(W/)?"[!#-~\u0080-\u00ff]*")*[ \t,]*)$"#
);

impl EntityTags {
    /// Reads a header, whose lines are one list; `None` when the request does not have it.
    pub fn of(headers: &HeaderMap, name: HeaderName) -> Result<Option<Self>, Malformed> {
        let mut lines = headers.get_all(name).iter().map(|value| value.as_bytes()).peekable();
        if lines.peek().is_none() {
            return Ok(None);
        }
        let lines: Vec<&[u8]> = lines.collect();
        if let [line] = lines[..]
            && line.trim_ascii() == b"*"
        {
            return Ok(Some(Self::Any));
        }
        let mut tags = Vec::new();
        for line in lines {
            read(line, &mut tags).ok_or(Malformed)?;
        }
        if tags.is_empty() {
            return Err(Malformed);
        }
        Ok(Some(Self::Listed(tags)))
    }

    /// Whether the header names this tag, as a weak or a strong one.
    pub fn name_weakly(&self, ours: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(tags) => tags.iter().any(|tag| tag.opaque == ours),
        }
    }
}

fn read(mut rest: &[u8], tags: &mut Vec<EntityTag>) -> Option<()> {
    loop {
        // Empty elements of a list are allowed, and are ignored.
        while let [b' ' | b'\t' | b',', after @ ..] = rest {
            rest = after;
        }
        if rest.is_empty() {
            return Some(());
        }
        let weak = rest.strip_prefix(b"W/");
        let quoted = weak.unwrap_or(rest).strip_prefix(b"\"")?;
        let (opaque, after) = quoted.split_at(memchr::memchr(b'"', quoted)?);
        if !opaque.iter().all(|byte| matches!(byte, b'!' | b'#'..=b'~' | 0x80..)) {
            return None;
        }
        tags.push(EntityTag {
            is_weak: weak.is_some(),
            opaque: opaque.iter().copied().map(char::from).collect(),
        });
        rest = after[1..].trim_ascii_start();
        if !matches!(rest.first(), None | Some(b',')) {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use poem::http::{HeaderValue, header};

    use super::*;

    fn of(lines: &[&[u8]]) -> Result<Option<EntityTags>, Malformed> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                header::IF_MATCH,
                HeaderValue::from_bytes(line).expect("fit for a header"),
            );
        }
        EntityTags::of(&headers, header::IF_MATCH)
    }

    fn listed(tags: &[(bool, &str)]) -> Result<Option<EntityTags>, Malformed> {
        let tags = tags.iter().map(|(is_weak, opaque)| EntityTag {
            is_weak: *is_weak,
            opaque: (*opaque).to_owned(),
        });
        Ok(Some(EntityTags::Listed(tags.collect())))
    }

    #[test]
    fn lists_are_read_as_rfc_9110_has_them() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[b" * "]), Ok(Some(EntityTags::Any)));
        assert_eq!(of(&[b"\"a\""]), listed(&[(false, "a")]));
        assert_eq!(of(&[b"\"\""]), listed(&[(false, "")]));
        assert_eq!(of(&[b"\"a,b\" ,, W/\"c\", "]), listed(&[(false, "a,b"), (true, "c")]));
        assert_eq!(of(&[b"\"a\"", b"W/\"*\""]), listed(&[(false, "a"), (true, "*")]));
        assert_eq!(of(&[b"\"\xe4\""]), listed(&[(false, "\u{e4}")]));
    }

    #[test]
    fn what_is_no_list_of_tags_is_malformed() {
        for line in [
            &b""[..],
            b",",
            b"a",
            b"\"a",
            b"a\"",
            b"\"a\" \"b\"",
            b"\"a\"b",
            b"w/\"a\"",
            b"W/ \"a\"",
            b"*, \"a\"",
            b"\"a\", *",
            b"\"a b\"",
        ] {
            assert_eq!(of(&[line]), Err(Malformed), "{}", String::from_utf8_lossy(line));
        }
        assert_eq!(of(&[b"*", b"*"]), Err(Malformed));
    }
}
