//! Which of the bank's documents a text is, by its outermost members: a file in the wrong place is called by its name. Pure.

use std::fmt;

use serde_json::Value;

/// What the member `format` of a receipt begins with, in every version.
const RECEIPT_FORMAT: &str = "florin receipt ";

/// A document of the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A receipt.
    Receipt,
    /// A head.
    Head,
    /// A set of public keys.
    PublicKeys,
    /// A file of keys with their secrets, which only the bank has.
    SecretKeys,
}

impl DocumentKind {
    /// `None` for any other text.
    pub(super) fn of(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        let format = document.get("format").and_then(Value::as_str);
        if format.is_some_and(|format| format.starts_with(RECEIPT_FORMAT)) {
            return Some(Self::Receipt);
        }
        if ["number", "digest", "signature"]
            .iter()
            .all(|name| document.get(name).is_some())
        {
            return Some(Self::Head);
        }
        let keys = document.get("keys")?.as_array()?;
        Some(if keys.iter().any(|key| key.get("secret").is_some()) {
            Self::SecretKeys
        } else {
            Self::PublicKeys
        })
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Receipt => "a receipt",
            Self::Head => "a head",
            Self::PublicKeys => "a set of public keys",
            Self::SecretKeys => "a file of the bank's own keys",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_members() {
        for (text, kind) in [
            (
                "{\"format\":\"florin receipt 2\",\"keys\":[]}",
                Some(DocumentKind::Receipt),
            ),
            ("{\"signature\":1,\"digest\":2,\"number\":3}", Some(DocumentKind::Head)),
            ("{\"keys\":[]}", Some(DocumentKind::PublicKeys)),
            ("{\"keys\":[{\"kty\":\"OKP\"},17]}", Some(DocumentKind::PublicKeys)),
            (
                "{\"keys\":[{},{\"secret\":\"c2hvcnQ=\"}]}",
                Some(DocumentKind::SecretKeys),
            ),
            ("{\"format\":\"pdf\"}", None),
            ("{\"signature\":1,\"digest\":2}", None),
            ("{\"keys\":{}}", None),
            ("[{\"keys\":[]}]", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(DocumentKind::of(text), kind, "{text}");
        }
    }
}
