//! The bytes of the journal's leaves. Pure; test vectors in `tests`. `digests` defines the notation. Of a transfer:
//!
//! - public: `T` ‖ id ‖ created at ‖ kind (1 transfer, 2 deposit, 3 withdrawal, 4 reversal, 5 hold, 6 release,
//!   7 capture) ‖ status (1 pending, 2 completed, 3 failed) ‖ source ‖ destination ‖ amount ‖ text currency ‖
//!   ?text method ‖ ?text reason ‖ ?parent ‖ ?batch ‖ ?created by ‖ ?expires at ‖ ?released ‖ ?digest of the texts
//! - private: ?digest of the key ‖ ?API key ‖ ?available
//! - reason: the refusal's code; of `limit_exceeded` followed by `/` and the limit, as `limit_exceeded/per_day_amount`
//! - digest of the texts: SHA-256(salt of the row ‖ ?long text description ‖ ?long text metadata)
//!
//! Of a change:
//!
//! - public: `C` ‖ id ‖ kind (1 opened, 2 frozen, 3 unfrozen, 4 closed, 5 limits set) ‖ subject ‖ ?created by ‖
//!   ?long text before ‖ long text after
//! - private: none
//! - after: of an opening exactly the bytes `{"currency":"USD","owner":"<user id>"}` or
//!   `{"currency":"USD","method":"visa"}`; of limits those that there are, in the order of
//!   `{"per_transfer":"1.0000","per_day_amount":"2.0000","per_day_count":3}`; otherwise the status
//!
//! The other side of a transfer may see the public bytes, so what only the source's owner may know enters through the
//! HMAC. The reason of a recorded failure is public: of the customers only the source's owner sees that transfer. The
//! texts enter through a salted digest: an erasure removes them and the salt, and the digest stays in the leaf. The
//! request's digest is in no leaf, since an erasure removes it.

mod public;
mod reader;

use uuid::Uuid;

use self::public::PublicFields;
use super::digests::{Bytes, Salt, leaf_digest, seal, sha256};
use crate::values::{
    BatchId, ChangeId, ChangeKind, Currency, Digest, Method, Money, Sha256Digest, TextsSalt, Timestamp, TransferId,
    TransferKind, TransferStatus, UserId, WalletId,
};

pub use public::PublicTransfer;
pub(crate) use reader::time_of_micros;

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
    /// Why it was refused, as it is stored; set exactly when the status is FAILED.
    pub reason: Option<&'a str>,
    /// The hold of a capture or release, or the transfer that a reversal takes back.
    pub parent: Option<TransferId>,
    /// The batch of the request.
    pub batch: Option<BatchId>,
    /// The user who asked for it; `None` when it was the source's owner, and for the release of an expired hold.
    pub created_by: Option<UserId>,
    /// When a hold ends by itself.
    pub expires_at: Option<Timestamp>,
    /// What a release, or the final capture of a hold, gave back.
    pub released: Option<Money>,
    /// Digest of description and metadata; `None` without texts.
    pub texts: Option<Sha256Digest>,
    /// Digest of caller and Idempotency-Key; private.
    pub key: Option<Digest>,
    /// The caller's API key; private.
    pub api_key: Option<Uuid>,
    /// What the source had available, or what was left of the limit, when that was too little; private.
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
    /// The status or the limits before; `None` for an opening.
    pub before: Option<&'a str>,
    /// The status or the limits after; for an opening, `opening_text`.
    pub after: &'a str,
}

impl TransferLeaf<'_> {
    /// The bytes that the other side of the transfer may see.
    #[must_use]
    pub fn public_bytes(&self) -> Vec<u8> {
        self.public().bytes().into_inner()
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
        leaf_digest(&self.public_bytes(), self.sealed(salt))
    }

    fn public(&self) -> PublicFields<'_> {
        PublicFields {
            id: self.id,
            created_at: self.created_at,
            kind: self.kind,
            status: self.status,
            source: self.source,
            destination: self.destination,
            amount: self.amount,
            currency: self.currency,
            method: self.method.map(Method::as_str),
            reason: self.reason,
            parent: self.parent,
            batch: self.batch,
            created_by: self.created_by,
            expires_at: self.expires_at,
            released: self.released,
            texts: self.texts,
        }
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
        leaf_digest(&public.into_inner(), seal(salt, &private))
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
        TransferKind::Hold => 5,
        TransferKind::Release => 6,
        TransferKind::Capture => 7,
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
        ChangeKind::Limited => 5,
    }
}

#[cfg(test)]
mod tests;
