//! What is hashed, byte by byte: a change here makes every journal written before unprovable. Pure; test vectors below.
//!
//! All numbers are big-endian. `text` is its length in one byte and its bytes; `?x` is a byte 0 where there is none, or a byte
//! 1 and `x`. Times are microseconds since 1970 and amounts ten-thousandths, both as signed 64 bits.
//!
//! | digest | SHA-256 of |
//! |---|---|
//! | a row of the journal | `florin journal 1` ‖ 0 ‖ ledger id ‖ digest before ‖ number (8) ‖ last id ‖ transfers (4) ‖ changes (4) ‖ at ‖ root |
//! | a leaf | 0 ‖ public bytes ‖ HMAC-SHA-256(salt of the ledger, id ‖ private bytes) |
//! | a node of the tree | 1 ‖ left ‖ right, as RFC 6962 divides the leaves |
//!
//! | a transfer's | bytes |
//! |---|---|
//! | public | `T` ‖ id ‖ kind (1 transfer, 2 deposit, 3 withdrawal, 4 reversal) ‖ status (1 pending, 2 completed, 3 failed) ‖ source ‖ destination ‖ amount ‖ text currency ‖ ?text method ‖ ?text reason |
//! | private | ?digest of the key ‖ ?available |
//!
//! A receipt shows the public bytes to the other side, so what only the owner may know enters by the HMAC. Of a recorded failure
//! the reason is public, since the source's owner is the only one to see it. Description, metadata and time are in no leaf.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::chain::Row;
use crate::values::{
    Currency, Digest, Method, Money, Sha256Digest, Timestamp, TransferId, TransferKind, TransferStatus, WalletId,
};

/// The secret of a ledger that keeps private bytes from being guessed.
pub type Salt = [u8; 32];

/// What a transfer says in the journal.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    pub id: TransferId,
    pub kind: TransferKind,
    pub status: TransferStatus,
    pub source: WalletId,
    pub destination: WalletId,
    pub amount: Money,
    pub currency: Currency,
    pub method: Option<&'a Method>,
    pub reason: Option<&'a str>,
    pub key: Option<Digest>,
    pub available: Option<Money>,
}

impl Leaf<'_> {
    /// What anyone may see who sees the transfer.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        let mut bytes = Bytes::with_capacity(160);
        bytes
            .raw(b"T")
            .raw(self.id.0.as_bytes())
            .raw(&[number_of_kind(self.kind), number_of_status(self.status)])
            .raw(self.source.0.as_bytes())
            .raw(self.destination.0.as_bytes())
            .amount(self.amount)
            .text(self.currency.code())
            .optional(self.method, |bytes, method| bytes.text(method.as_str()))
            .optional(self.reason, |bytes, reason| bytes.text(reason));
        bytes.0
    }

    /// What only the source's owner may know, without the secret in front of a guess.
    #[must_use]
    pub fn sealed(&self, salt: &Salt) -> Sha256Digest {
        let mut bytes = Bytes::with_capacity(48);
        bytes
            .raw(self.id.0.as_bytes())
            .optional(self.key, |bytes, key| bytes.raw(&key.0))
            .optional(self.available, |bytes, available| bytes.amount(available));
        let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes a key of any length");
        mac.update(&bytes.0);
        Sha256Digest(mac.finalize().into_bytes().into())
    }

    /// The leaf's digest.
    #[must_use]
    pub fn digest(&self, salt: &Salt) -> Sha256Digest {
        sha256(&[&[LEAF], &self.public_bytes(), &self.sealed(salt).0])
    }
}

/// The digest of a row that follows a row with the digest `before`.
#[must_use]
pub fn digest_of_row(ledger: Uuid, before: Sha256Digest, row: &Row) -> Sha256Digest {
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

/// The root of the tree that RFC 6962 makes of these leaves; of none, the SHA-256 of nothing.
#[must_use]
pub fn merkle_root(leaves: &[Sha256Digest]) -> Sha256Digest {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            // The largest power of two below the number of leaves.
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256(&[&[NODE], &merkle_root(left).0, &merkle_root(right).0])
        }
    }
}

const DOMAIN: &[u8] = b"florin journal 1\0";
const LEAF: u8 = 0;
const NODE: u8 = 1;

fn number_of_kind(kind: TransferKind) -> u8 {
    match kind {
        TransferKind::Transfer => 1,
        TransferKind::Deposit => 2,
        TransferKind::Withdrawal => 3,
        TransferKind::Reversal => 4,
    }
}

fn number_of_status(status: TransferStatus) -> u8 {
    match status {
        TransferStatus::Pending => 1,
        TransferStatus::Completed => 2,
        TransferStatus::Failed => 3,
    }
}

fn sha256(parts: &[&[u8]]) -> Sha256Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    Sha256Digest(hash.finalize().into())
}

fn micros(time: Timestamp) -> i64 {
    time.timestamp_micros()
}

/// Bytes in the making.
struct Bytes(Vec<u8>);

impl Bytes {
    fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn amount(&mut self, amount: Money) -> &mut Self {
        self.raw(&amount.units().to_be_bytes())
    }

    /// Words of our own, none of which is longer than a byte can say.
    fn text(&mut self, text: &str) -> &mut Self {
        debug_assert!(text.len() <= usize::from(u8::MAX), "a code is short");
        self.raw(&[text.len() as u8]).raw(text.as_bytes())
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T) -> &mut Self) -> &mut Self {
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
    use std::fmt::Write as _;

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn leaf(method: &Method) -> Leaf<'_> {
        Leaf {
            id: TransferId(Uuid::from_u128(0x0193_5f4c_7a10_7d2a_8111_2222_3333_4444)),
            kind: TransferKind::Deposit,
            status: TransferStatus::Completed,
            source: WalletId(Uuid::from_u128(1)),
            destination: WalletId(Uuid::from_u128(2)),
            amount: Money::parse_unsigned("12.3456").expect("an amount"),
            currency: Currency::from_code("EUR").expect("a currency"),
            method: Some(method),
            reason: None,
            key: Some(Digest([7; 16])),
            available: None,
        }
    }

    // The vectors below were made by another program, from the tables above.
    #[test]
    fn the_bytes_of_a_transfer_stay_as_they_are() {
        let method = Method::try_new("visa").expect("a method");
        let leaf = leaf(&method);
        assert_eq!(
            hex(&leaf.public_bytes()),
            "5401935f4c7a107d2a81112222333344440202\
             00000000000000000000000000000001\
             00000000000000000000000000000002\
             000000000001e240\
             03455552\
             010476697361\
             00"
        );
        assert_eq!(
            leaf.sealed(&[9; 32]).to_string(),
            "c49277988b1bd7608e2ac233fc2a97c732c16893b2dd024c6f1ae4dc749d2334"
        );
        assert_eq!(
            leaf.digest(&[9; 32]).to_string(),
            "5241bc2d08b81ee4f5da106d4b6ab4e79c6b8faae2eac0c2335967945ea13be8"
        );
    }

    #[test]
    fn a_row_is_digested_with_the_one_before_it() {
        let row = Row {
            number: 1,
            last_id: TransferId(Uuid::from_u128(5)),
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

    // The roots that Certificate Transparency's reference tree has over the first inputs of its tests.
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
