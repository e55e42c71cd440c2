//! Digests as column types. 16 bytes are enough to distinguish requests and contents, and small enough for the row of
//! every transfer; the journal's chain needs all 32.

use std::fmt;

use super::stored_as;

/// The first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

stored_as!(
    Digest,
    Vec<u8>,
    sea_orm::Value::Bytes(None),
    |digest| digest.0.to_vec(),
    |bytes| bytes.try_into().ok().map(Digest)
);

/// A whole SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

stored_as!(
    Sha256Digest,
    Vec<u8>,
    sea_orm::Value::Bytes(None),
    |digest| digest.0.to_vec(),
    |bytes| bytes.try_into().ok().map(Sha256Digest)
);

/// Random bytes that a transfer's texts are hashed with, so that the texts cannot be guessed from their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextsSalt(pub [u8; 16]);

stored_as!(
    TextsSalt,
    Vec<u8>,
    sea_orm::Value::Bytes(None),
    |salt| salt.0.to_vec(),
    |bytes| bytes.try_into().ok().map(TextsSalt)
);

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}
