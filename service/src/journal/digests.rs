//! How rows of the journal and the tree of their leaves are hashed, byte by byte: a change here makes every journal
//! written before unprovable. Pure; test vectors below. `leaves` defines the bytes of a leaf.
//!
//! All numbers are big-endian; `(8)` is a width in bytes. `text` is one byte of length and the bytes; `long text` has
//! four bytes of length. `?x` is a byte 0 when there is no `x`, otherwise a byte 1 and `x`. Times are microseconds
//! since 1970 and amounts ten-thousandths, both as signed 64 bits. Each digest is a SHA-256:
//!
//! - of a row of the journal: `florin journal 1` ‖ 0 ‖ ledger id ‖ digest before ‖ number (8) ‖ last id ‖ transfers (4)
//!   ‖ changes (4) ‖ at ‖ root
//! - of a leaf: 0 ‖ public bytes ‖ HMAC-SHA-256(salt of the ledger, id ‖ private bytes)
//! - of a node of the tree: 1 ‖ left ‖ right, as RFC 6962 divides the leaves
//!
//! What a head's signature covers is no digest: `florin head 1` ‖ 0 ‖ ledger id ‖ number (8) ‖ digest ‖ transfers (4) ‖ at

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::chain::ChainRow;
use crate::values::{Money, Sha256Digest, Timestamp};

/// The secret of a ledger, without which the private bytes of a leaf cannot be guessed from its digest.
pub type Salt = [u8; 32];

/// The digest of a row that follows a row with the digest `before`.
#[must_use]
pub fn digest_of_row(ledger: Uuid, before: Sha256Digest, row: &ChainRow) -> Sha256Digest {
    sha256(&[
        DOMAIN,
        ledger.as_bytes(),
        &before.0,
        &row.number.to_be_bytes(),
        row.last_id.0.as_bytes(),
        &row.transfers.to_be_bytes(),
        &row.changes.to_be_bytes(),
        &micros(row.at).to_be_bytes(),
        &row.root.0,
    ])
}

/// The root of the tree that RFC 6962 makes of these leaves; without leaves, the SHA-256 of no bytes.
#[must_use]
pub fn merkle_root(leaves: &[Sha256Digest]) -> Sha256Digest {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = divide(leaves);
            node(merkle_root(left), merkle_root(right))
        }
    }
}

/// Two or more leaves, divided at the largest power of two below their number.
pub(super) fn divide(leaves: &[Sha256Digest]) -> (&[Sha256Digest], &[Sha256Digest]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

pub(super) fn node(left: Sha256Digest, right: Sha256Digest) -> Sha256Digest {
    sha256(&[&[NODE], &left.0, &right.0])
}

/// The digest of a leaf with these public bytes, and private bytes whose HMAC is `sealed`.
#[must_use]
pub fn leaf_digest(public: &[u8], sealed: Sha256Digest) -> Sha256Digest {
    sha256(&[&[LEAF], public, &sealed.0])
}

/// The bytes that the signature of a head covers: a row's number, digest, transfers and time.
#[must_use]
pub fn head_bytes(ledger: Uuid, number: i64, digest: Sha256Digest, transfers: u32, at: Timestamp) -> Vec<u8> {
    let mut bytes = Bytes::with_capacity(96);
    bytes
        .raw(HEAD_DOMAIN)
        .id(ledger)
        .raw(&number.to_be_bytes())
        .raw(&digest.0)
        .raw(&transfers.to_be_bytes())
        .time(at);
    bytes.into_inner()
}

const DOMAIN: &[u8] = b"florin journal 1\0";
const HEAD_DOMAIN: &[u8] = b"florin head 1\0";
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// HMAC of private bytes with the ledger's secret, without which they cannot be guessed.
pub(super) fn seal(salt: &Salt, private: &Bytes) -> Sha256Digest {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes a key of any length");
    mac.update(&private.0);
    Sha256Digest(mac.finalize().into_bytes().into())
}

pub(super) fn sha256(parts: &[&[u8]]) -> Sha256Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    Sha256Digest(hash.finalize().into())
}

fn micros(time: Timestamp) -> i64 {
    time.timestamp_micros()
}

/// A buffer of bytes to be hashed.
pub(super) struct Bytes(Vec<u8>);

impl Bytes {
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn amount(&mut self, amount: Money) -> &mut Self {
        self.raw(&amount.units().to_be_bytes())
    }

    /// A short text: a currency, payment method or reason, each of at most 255 bytes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        debug_assert!(text.len() <= usize::from(u8::MAX), "a code is short");
        self.raw(&[text.len() as u8]).raw(text.as_bytes())
    }

    /// A text of any length.
    pub fn long_text(&mut self, text: &str) -> &mut Self {
        self.raw(&(text.len() as u32).to_be_bytes()).raw(text.as_bytes())
    }

    pub fn id(&mut self, id: Uuid) -> &mut Self {
        self.raw(id.as_bytes())
    }

    pub fn time(&mut self, time: Timestamp) -> &mut Self {
        self.raw(&micros(time).to_be_bytes())
    }

    pub fn into_inner(self) -> Vec<u8> {
        self.0
    }

    pub fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T) -> &mut Self) -> &mut Self {
        match value {
            None => self.raw(&[0]),
            Some(value) => {
                self.raw(&[1]);
                write(self, value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::RecordId;

    // Another program made the vectors below, from the definitions above.
    #[test]
    fn a_row_is_digested_with_the_one_before_it() {
        let row = ChainRow {
            number: 1,
            last_id: RecordId(Uuid::from_u128(5)),
            transfers: 2,
            changes: 0,
            at: Timestamp::from_timestamp_micros(1_700_000_000_123_456).expect("a time"),
            root: Sha256Digest([1; 32]),
        };
        let digest = digest_of_row(Uuid::from_u128(6), Sha256Digest([2; 32]), &row);
        assert_eq!(
            digest.to_string(),
            "b9c29e51252a9023857405509a1d47b1e27ebdfc829dd4a137e780eeb1b8d480"
        );
        assert_ne!(digest, digest_of_row(Uuid::from_u128(6), Sha256Digest([3; 32]), &row));
    }

    // The inputs and roots are those of the tests of Certificate Transparency's reference tree.
    #[test]
    fn trees_are_those_of_rfc_6962() {
        let inputs: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
            ],
        ];
        let leaves: Vec<Sha256Digest> = inputs.iter().map(|input| sha256(&[&[LEAF], input])).collect();
        let root = |count: usize| merkle_root(&leaves[..count]).to_string();
        assert_eq!(
            root(0),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            root(1),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            root(2),
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
        );
        assert_eq!(
            root(3),
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
        );
        assert_eq!(
            root(5),
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"
        );
        assert_eq!(
            root(8),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
        );
    }
}
