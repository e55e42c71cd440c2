//! The id of a request as a column type: 16 bytes where it is a UUID, as the server's own are, else the client's text.

use std::fmt;

use sea_orm::prelude::Uuid;

use super::stored_as;

/// The most characters of a client's own id.
const LENGTH_MAX: usize = 64;
const UUID_BYTES: usize = 16;

/// The id of the request that asked for something, by which its line in the log is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RequestId {
    /// A UUID in its usual form, lower-case and with hyphens.
    Uuid(Uuid),
    /// Any other id that a client has chosen: 1 to 64 visible characters of ASCII.
    Text(Box<str>),
}

stored_as!(
    RequestId,
    Vec<u8>,
    sea_orm::Value::Bytes(None),
    |id| id.to_bytes(),
    |bytes| RequestId::from_bytes(&bytes)
);

impl RequestId {
    /// Reads an id as a client sends it; `None` if it is too long or has other characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !(1..=LENGTH_MAX).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let uuid = Uuid::try_parse(text).ok().filter(|uuid| uuid.to_string() == text);
        Some(uuid.map_or_else(|| Self::Text(text.into()), Self::Uuid))
    }

    /// The stored form. A text of 16 characters gets a zero byte at its end, so that it is not read as a UUID.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Uuid(uuid) => uuid.as_bytes().to_vec(),
            Self::Text(text) => {
                let mut bytes = text.as_bytes().to_vec();
                if bytes.len() == UUID_BYTES {
                    bytes.push(0);
                }
                bytes
            }
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if let Ok(uuid) = bytes.try_into() {
            return Some(Self::Uuid(Uuid::from_bytes(uuid)));
        }
        let text = bytes.strip_suffix(&[0]).unwrap_or(bytes);
        Self::parse(std::str::from_utf8(text).ok()?)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_as_it_was_stored() {
        let longest = "x".repeat(LENGTH_MAX);
        let texts = [
            "0190d6a5-7f5e-7c3b-9c1d-1e2f3a4b5c6d",
            "0190D6A5-7F5E-7C3B-9C1D-1E2F3A4B5C6D",
            "order-17",
            "sixteen-letters!",
            "seventeen-letters",
            &longest,
        ];
        for text in texts {
            let id = RequestId::parse(text).expect("it is an id");
            assert_eq!(RequestId::from_bytes(&id.to_bytes()), Some(id.clone()), "{text}");
            assert_eq!(id.to_string(), text);
        }
        assert!(matches!(RequestId::parse(texts[0]), Some(RequestId::Uuid(_))));
        for wrong in ["", "a b", "\u{e4}", &"x".repeat(LENGTH_MAX + 1)] {
            assert_eq!(RequestId::parse(wrong), None, "{wrong}");
        }
    }
}
