//! A head of the journal, and the keys that have signed heads and receipts, as clients see them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem_openapi::Object;
use poem_openapi::types::Example;
use serde::Serialize;
use service::db::hex;
use service::receipts::{JournalPublicKey, SignedHead};
use uuid::{Uuid, uuid};

use super::well_known::PublicKeyView;
use crate::samples;
use crate::wire::Time;

/// A row of the journal, signed. Its digest rests on all rows before it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "JournalHead", example)]
pub struct JournalHeadView {
    /// Names the bank's ledger, for as long as it lives.
    ledger: Uuid,
    /// The row's number: 0 for the ledger's birth, then one more for each commit.
    #[oai(validator(minimum(value = "0")))]
    number: i64,
    /// The row's digest (SHA-256), in hexadecimal digits.
    #[oai(validator(pattern = "^[0-9a-f]{64}$"))]
    digest: String,
    /// How many transfers its commit has, recorded refusals included.
    #[oai(validator(minimum(value = "0")))]
    transfers: i64,
    /// The bank's time of the commit (RFC 3339, UTC, microseconds).
    at: Time,
    /// Ed25519 over `florin head 1`, a byte 0, and the members before it as bytes; in hexadecimal digits.
    #[oai(validator(pattern = "^[0-9a-f]{128}$"))]
    signature: String,
    /// The `kid` of the key that has signed.
    #[oai(validator(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    key_id: String,
}

/// The public keys of the journal: a JSON Web Key Set (RFC 7517).
#[derive(Debug, Object, Serialize)]
#[oai(rename = "JournalKeySet", example)]
pub struct JournalKeySetView {
    /// The oldest first.
    keys: Vec<JournalKeyView>,
}

/// The public half of an Ed25519 key (RFC 8037).
#[derive(Debug, Object, Serialize)]
#[oai(rename = "JournalKey", example)]
pub struct JournalKeyView {
    #[oai(flatten)]
    #[serde(flatten)]
    key: PublicKeyView,
    /// When the key was made (RFC 3339, UTC, microseconds).
    created_at: Time,
    /// When it was retired (RFC 3339, UTC, microseconds); null otherwise. The bank has signed nothing with it since.
    retired_at: Option<Time>,
}

impl From<SignedHead> for JournalHeadView {
    fn from(head: SignedHead) -> Self {
        Self {
            ledger: head.ledger,
            number: head.number,
            digest: head.digest.to_string(),
            transfers: head.transfers.into(),
            at: Time(head.at),
            signature: hex(&head.signature),
            key_id: head.key_id,
        }
    }
}

impl From<Vec<JournalPublicKey>> for JournalKeySetView {
    fn from(keys: Vec<JournalPublicKey>) -> Self {
        Self {
            keys: keys.into_iter().map(JournalKeyView::from).collect(),
        }
    }
}

impl From<JournalPublicKey> for JournalKeyView {
    fn from(key: JournalPublicKey) -> Self {
        Self {
            key: PublicKeyView::new(key.kid, URL_SAFE_NO_PAD.encode(key.public)),
            created_at: Time(key.created_at),
            retired_at: key.retired_at.map(Time),
        }
    }
}

const SAMPLE_LEDGER: Uuid = uuid!("01993f2a-5b00-7c51-9d20-4f8e6a1b7c10");
const SAMPLE_KID: &str = "5f0c1e9ab2d37846";
const SAMPLE_SIGNATURE: &str = "b2585f3a1c1c7069e625343601d808ed6dcccd114394c096323f7753a25ac006\
    d4c658c6d9b704e95f1041c19a6cd9d18cc7edf321d7bf000b14fa33bed5880c";

impl Example for JournalHeadView {
    fn example() -> Self {
        Self {
            ledger: SAMPLE_LEDGER,
            number: 17,
            digest: "8a099db4235d780966e4615697fe0a02ecb40225f9e218948874daea15ae7cc0".to_owned(),
            transfers: 2,
            at: samples::time(),
            signature: SAMPLE_SIGNATURE.to_owned(),
            key_id: SAMPLE_KID.to_owned(),
        }
    }
}

impl Example for JournalKeySetView {
    fn example() -> Self {
        Self {
            keys: vec![JournalKeyView::example()],
        }
    }
}

impl Example for JournalKeyView {
    fn example() -> Self {
        Self {
            key: PublicKeyView::example(),
            created_at: samples::time(),
            retired_at: None,
        }
    }
}
