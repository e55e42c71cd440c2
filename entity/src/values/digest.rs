//! Sixteen bytes of a SHA-256: enough to tell requests apart, small enough to sit on every transfer row.

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
