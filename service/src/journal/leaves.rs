//! The bytes of the journal's leaves. Pure; test vectors below. `digests` defines the notation. Of a transfer:
//!
//! - public: `T` ‖ id ‖ created at ‖ kind (1 transfer, 2 deposit, 3 withdrawal, 4 reversal) ‖ status (1 pending, 2
//!   completed, 3 failed) ‖ source ‖ destination ‖ amount ‖ text currency ‖ ?text method ‖ ?text reason ‖ ?parent ‖
//!   ?batch ‖ ?created by ‖ ?expires at ‖ ?released ‖ ?digest of the texts
//! - private: ?digest of the key ‖ ?API key ‖ ?available
//! - digest of the texts: SHA-256(salt of the row ‖ ?long text description ‖ ?long text metadata)
//!
//! Of a change:
//!
//! - public: `C` ‖ id ‖ kind (1 opened, 2 frozen, 3 unfrozen, 4 closed) ‖ subject ‖ ?created by ‖ ?long text before ‖
//!   long text after
//! - private: none
//! - after: of an opening exactly the bytes `{"currency":"USD","owner":"<user id>"}` or
//!   `{"currency":"USD","method":"visa"}`; otherwise the status
//!
//! The other side of a transfer may see the public bytes, so what only the source's owner may know enters through the
//! HMAC. The reason of a recorded failure is public: of the customers only the source's owner sees that transfer. The
//! texts enter through a salted digest: an erasure removes them and the salt, and the digest stays in the leaf. The
//! request's digest is in no leaf, since an erasure removes it.

use uuid::Uuid;

use super::digests::{Bytes, Salt, digest_of_leaf, seal, sha256};
use crate::values::{
    ChangeId, ChangeKind, Currency, Digest, Method, Money, Sha256Digest, TextsSalt, Timestamp, TransferId,
    TransferKind, TransferStatus, UserId, WalletId,
};

/// The values of a transfer that enter its leaf.
#[derive(Clone, Copy, Debug)]
pub struct TransferLeaf<'a> {
    /// The transfer's id.
    pub id: TransferId,
    /// When it was decided.
    pub created_at: Timestamp,
    /// What it is for.
    pub kind: TransferKind,
    /// Whether the money moved.
    pub status: TransferStatus,
    /// The wallet that pays.
    pub source: WalletId,
    /// The wallet that receives.
    pub destination: WalletId,
    /// Above zero.
    pub amount: Money,
    /// The source's currency.
    pub currency: Currency,
    /// The payment method of a deposit or withdrawal.
    pub method: Option<&'a Method>,
    /// The failure's code; set exactly when the status is FAILED.
    pub reason: Option<&'a str>,
    /// The transfer that this one ends or takes back.
    pub parent: Option<TransferId>,
    /// The batch of the request.
    pub batch: Option<Uuid>,
    /// The user who asked for it; `None` when it was the source's owner.
    pub created_by: Option<UserId>,
    /// When a hold ends.
    pub expires_at: Option<Timestamp>,
    /// What a hold gave back.
    pub released: Option<Money>,
    /// Digest of description and metadata; `None` without texts.
    pub texts: Option<Sha256Digest>,
    /// Digest of caller and Idempotency-Key; private.
    pub key: Option<Digest>,
    /// The caller's API key; private.
    pub api_key: Option<Uuid>,
    /// What the source had available when `insufficient_funds` refused it; private.
    pub available: Option<Money>,
}

/// The values of a change that enter its leaf.
#[derive(Clone, Copy, Debug)]
pub struct ChangeLeaf<'a> {
    /// The change's id.
    pub id: ChangeId,
    /// What was done to the wallet.
    pub kind: ChangeKind,
    /// The wallet.
    pub subject: WalletId,
    /// The user who asked for it; `None` when it was the wallet's owner.
    pub created_by: Option<UserId>,
    /// The status before; `None` for an opening.
    pub before: Option<&'a str>,
    /// The status after; for an opening, `opening_text`.
    pub after: &'a str,
}

impl TransferLeaf<'_> {
    /// The bytes that the other side of the transfer may see.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        self.public().into_inner()
    }

    /// HMAC of the bytes that only the source's owner may know.
    #[must_use]
    pub fn sealed(&self, salt: &Salt) -> Sha256Digest {
        let mut bytes = Bytes::with_capacity(64);
        bytes
            .id(self.id.0)
            .optional(self.key, |bytes, key| bytes.raw(&key.0))
            .optional(self.api_key, Bytes::id)
            .optional(self.available, Bytes::amount);
        seal(salt, &bytes)
    }

    /// The leaf's digest.
    #[must_use]
    pub fn digest(&self, salt: &Salt) -> Sha256Digest {
        digest_of_leaf(&self.public(), self.sealed(salt))
    }

    fn public(&self) -> Bytes {
        let mut bytes = Bytes::with_capacity(192);
        bytes
            .raw(b"T")
            .id(self.id.0)
            .time(self.created_at)
            .raw(&[number_of_kind(self.kind), number_of_status(self.status)])
            .id(self.source.0)
            .id(self.destination.0)
            .amount(self.amount)
            .text(self.currency.code())
            .optional(self.method, |bytes, method| bytes.text(method.as_str()))
            .optional(self.reason, |bytes, reason| bytes.text(reason))
            .optional(self.parent, |bytes, parent| bytes.id(parent.0))
            .optional(self.batch, Bytes::id)
            .optional(self.created_by, |bytes, user| bytes.id(user.0))
            .optional(self.expires_at, Bytes::time)
            .optional(self.released, Bytes::amount)
            .optional(self.texts, |bytes, digest| bytes.raw(&digest.0));
        bytes
    }
}

impl ChangeLeaf<'_> {
    /// The leaf's digest.
    #[must_use]
    pub fn digest(&self, salt: &Salt) -> Sha256Digest {
        let mut public = Bytes::with_capacity(192);
        public
            .raw(b"C")
            .id(self.id.0)
            .raw(&[number_of_change(self.kind)])
            .id(self.subject.0)
            .optional(self.created_by, |bytes, user| bytes.id(user.0))
            .optional(self.before, Bytes::long_text)
            .long_text(self.after);
        let mut private = Bytes::with_capacity(16);
        private.id(self.id.0);
        digest_of_leaf(&public, seal(salt, &private))
    }
}

/// The text of a change that opened a wallet: its currency, and its owner or its payment method.
#[must_use]
pub fn opening_text(currency: Currency, owner: Option<UserId>, method: Option<&Method>) -> String {
    // No value contains a character that JSON has to escape.
    match (owner, method) {
        (Some(user), _) => format!(r#"{{"currency":"{currency}","owner":"{user}"}}"#),
        (None, method) => {
            let method = method.map_or("", |method| method.as_str());
            format!(r#"{{"currency":"{currency}","method":"{method}"}}"#)
        }
    }
}

/// The digest through which texts enter a leaf.
#[must_use]
pub fn digest_of_texts(salt: TextsSalt, description: Option<&str>, metadata: Option<&str>) -> Sha256Digest {
    let mut bytes = Bytes::with_capacity(256);
    bytes
        .optional(description, Bytes::long_text)
        .optional(metadata, Bytes::long_text);
    sha256(&[&salt.0, &bytes.into_inner()])
}

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

fn number_of_change(kind: ChangeKind) -> u8 {
    match kind {
        ChangeKind::Opened => 1,
        ChangeKind::Frozen => 2,
        ChangeKind::Unfrozen => 3,
        ChangeKind::Closed => 4,
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

    const ID: Uuid = Uuid::from_u128(0x0193_5f4c_7a10_7d2a_8111_2222_3333_4444);

    fn deposit(method: &Method) -> TransferLeaf<'_> {
        TransferLeaf {
            id: TransferId(ID),
            created_at: Timestamp::from_timestamp_micros(1_700_000_000_654_321).expect("a time"),
            kind: TransferKind::Deposit,
            status: TransferStatus::Completed,
            source: WalletId(Uuid::from_u128(1)),
            destination: WalletId(Uuid::from_u128(2)),
            amount: Money::parse_unsigned("12.3456").expect("an amount"),
            currency: Currency::from_code("EUR").expect("a currency"),
            method: Some(method),
            reason: None,
            parent: None,
            batch: None,
            created_by: Some(UserId(Uuid::from_u128(3))),
            expires_at: None,
            released: None,
            texts: None,
            key: Some(Digest([7; 16])),
            api_key: None,
            available: None,
        }
    }

    // Another program made the vectors below, from the definitions above.
    #[test]
    fn the_bytes_of_a_transfer_stay_as_they_are() {
        let method = Method::try_new("visa").expect("a method");
        let leaf = deposit(&method);
        assert_eq!(
            hex(&leaf.public_bytes()),
            "5401935f4c7a107d2a811122223333444400060a2418283bf10202000000000000000000000000000000010000000000\
             0000000000000000000002000000000001e2400345555201047669736100000001000000000000000000000000000000\
             03000000"
        );
        assert_eq!(
            leaf.sealed(&[9; 32]).to_string(),
            "007989f485fc9bc1dc0204c8e20b4df1c8580703818f89814b677d26930cea47"
        );
        assert_eq!(
            leaf.digest(&[9; 32]).to_string(),
            "f62bae621ca9ce825a2bcc86a7a28913f4e40fbe8303533544a09d1462f6ce04"
        );
    }

    #[test]
    fn every_field_has_its_place() {
        let method = Method::try_new("visa").expect("a method");
        let leaf = TransferLeaf {
            reason: Some("insufficient_funds"),
            parent: Some(TransferId(Uuid::from_u128(4))),
            batch: Some(Uuid::from_u128(5)),
            expires_at: Timestamp::from_timestamp_micros(1_700_000_000_123_456),
            released: Some(Money::parse_unsigned("0.5").expect("an amount")),
            texts: Some(digest_of_texts(TextsSalt([8; 16]), Some("rent"), None)),
            api_key: Some(Uuid::from_u128(6)),
            available: Some(Money::parse_unsigned("1").expect("an amount")),
            ..deposit(&method)
        };
        assert_eq!(
            leaf.digest(&[9; 32]).to_string(),
            "9b5e54207fcc29de054291a31a421c8e669e58fda40d2b05f5a3064ef65d8ac0"
        );
    }

    #[test]
    fn the_digests_of_texts_stay_as_they_are() {
        let digest = |description, metadata| digest_of_texts(TextsSalt([8; 16]), description, metadata).to_string();
        assert_eq!(
            digest(Some("rent"), Some("{}")),
            "1eb18182e0d16f1f884eac4b830f4d63d3ebb934fd6221c047482b093d701cc6"
        );
        assert_ne!(digest(Some("rent"), None), digest(None, Some("rent")));
    }

    #[test]
    fn the_texts_of_openings_stay_as_they_are() {
        let (usd, method) = (
            Currency::from_code("USD").expect("a currency"),
            Method::try_new("visa").expect("a method"),
        );
        assert_eq!(
            opening_text(usd, Some(UserId(Uuid::from_u128(3))), None),
            r#"{"currency":"USD","owner":"00000000-0000-0000-0000-000000000003"}"#
        );
        assert_eq!(
            opening_text(usd, None, Some(&method)),
            r#"{"currency":"USD","method":"visa"}"#
        );
    }

    #[test]
    fn the_bytes_of_a_change_stay_as_they_are() {
        let opened = ChangeLeaf {
            id: ChangeId(ID),
            kind: ChangeKind::Opened,
            subject: WalletId(Uuid::from_u128(1)),
            created_by: None,
            before: None,
            after: "USD",
        };
        assert_eq!(
            opened.digest(&[9; 32]).to_string(),
            "db602d1e1dd0f2bb765ee41304c90ac1e2a98ca4d583e9eae76895bf907c57ae"
        );
        let frozen = ChangeLeaf {
            kind: ChangeKind::Frozen,
            created_by: Some(UserId(Uuid::from_u128(3))),
            before: Some("ACTIVE"),
            after: "FROZEN",
            ..opened
        };
        assert_eq!(
            frozen.digest(&[9; 32]).to_string(),
            "28bcdbd6235c62b7963f8a169a12557676e18b2d62f2cb453e22d37654f4fcc4"
        );
    }
}
