//! What the ledger keeps.

use uuid::Uuid;

use super::answers::Failure;
use super::tag::WalletTag;
use crate::values::{
    ChangeId, ChangeKind, Currency, Digest, Method, Money, Sha256Digest, TextsSalt, Timestamp, TransferId,
    TransferKind, TransferStatus, UserId, Version, WalletId, WalletStatus,
};

/// A customer's balance in one currency, or the bank's own side of a payment method in one currency (a system wallet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// The same UUID as that of the change which opened the wallet.
    pub id: WalletId,
    /// `None` on a system wallet.
    pub owner: Option<UserId>,
    /// The payment method of a system wallet; `None` on a customer's.
    pub method: Option<Method>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Never negative on a customer's wallet.
    pub balance: Money,
    /// The part of the balance that pending transfers have claimed; at least 0.
    pub held: Money,
    /// Whether money may move in or out.
    pub status: WalletStatus,
    /// How many entries the wallet has.
    pub version: Version,
    /// Bank time of its opening.
    pub created_at: Timestamp,
    /// Bank time of its last entry or change of status.
    pub updated_at: Timestamp,
}

impl Wallet {
    /// The balance less what is held: what the owner may still spend.
    #[must_use]
    pub fn available(&self) -> Money {
        // The CHECK constraints keep 0 <= held <= balance on customers' wallets. On a system wallet the difference may
        // be out of range; the balance is given then.
        self.balance.checked_sub(self.held).unwrap_or(self.balance)
    }

    /// A tag that differs from the tags of all other states of this wallet.
    #[must_use]
    pub fn tag(&self) -> WalletTag {
        WalletTag::of(self)
    }

    /// True for the bank's own side of a payment method.
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.owner.is_none()
    }
}

/// A transfer as it is stored, completed or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// A UUID v7 that begins with the microsecond of `created_at`, so ids sort as the transfers were decided.
    pub id: TransferId,
    /// Whether it is between customers, into the bank or out of it.
    pub kind: TransferKind,
    /// COMPLETED or FAILED: a transfer is decided at once.
    pub status: TransferStatus,
    /// The wallet that pays; of a deposit, the system wallet of its method.
    pub source: WalletId,
    /// The wallet that receives; of a withdrawal, the system wallet of its method.
    pub destination: WalletId,
    /// What was asked for; above zero.
    pub amount: Money,
    /// The source's currency.
    pub currency: Currency,
    /// The payment method of a deposit or withdrawal; `None` for a transfer between customers.
    pub method: Option<Method>,
    /// The caller's text; `None` if there was none, if the transfer failed, or once the texts are erased.
    pub description: Option<String>,
    /// The caller's JSON object, as it was sent; `None` in the same cases.
    pub metadata: Option<String>,
    /// Set exactly when the status is FAILED.
    pub failure: Option<Failure>,
    /// The transfer that this one ends, or takes back. No feature sets it yet.
    pub parent: Option<TransferId>,
    /// The caller's batch of transfers, which is not a batch of the committer. No feature sets it yet.
    pub batch: Option<Uuid>,
    /// The user who asked for it; `None` if that is the source's owner.
    pub created_by: Option<UserId>,
    /// The API key of the request; `None` if the caller had signed in. No feature sets it yet.
    pub api_key: Option<Uuid>,
    /// What the release of a hold gave back. No feature sets it yet.
    pub released: Option<Money>,
    /// Digest of the caller and the Idempotency-Key; `None` if the request had no key.
    pub key: Option<Digest>,
    /// Digest of what was asked for under that key; `None` without a key, or once the texts are erased.
    pub request: Option<Digest>,
    /// The seal of description and metadata; `None` if neither was stored.
    pub texts: Option<TextsSeal>,
    /// Bank time at which it was decided.
    pub created_at: Timestamp,
    /// When a hold ends by itself. No feature sets it yet.
    pub expires_at: Option<Timestamp>,
}

/// Proves a transfer's texts by a salted digest. The journal holds only the digest, so texts and salt can be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextsSeal {
    /// Of the salt, the description and the metadata; it stays when these are erased.
    pub digest: Sha256Digest,
    /// `None` once the texts are erased.
    pub salt: Option<TextsSalt>,
}

impl Transfer {
    /// When its money moved: `None` unless it is COMPLETED. A transfer is decided and stamped at once.
    #[must_use]
    pub fn completed_at(&self) -> Option<Timestamp> {
        (self.status == TransferStatus::Completed).then_some(self.created_at)
    }
}

/// One wallet's side of a completed transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The wallet whose balance changed.
    pub wallet: WalletId,
    /// The wallet's version after this entry: 1 for its first one, and no gap after it.
    pub version: Version,
    /// The completed transfer that the entry belongs to.
    pub transfer: TransferId,
    /// What was added to the balance: negative on the source's side.
    pub amount: Money,
    /// The wallet's balance after this entry.
    pub balance_after: Money,
}

/// What a group commit did to a wallet other than moving its money: it opened the wallet or changed its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletChange {
    /// In one order with the ids of transfers.
    pub id: ChangeId,
    /// Whether the wallet was opened, frozen, unfrozen or closed.
    pub kind: ChangeKind,
    /// The wallet that was opened or changed.
    pub subject: WalletId,
    /// The user who asked for it; `None` if that is the wallet's owner.
    pub created_by: Option<UserId>,
    /// The status before the change; `None` for an opening.
    pub before: Option<String>,
    /// The status after the change; for an opening, its currency and owner or method (`journal::opening_text`).
    pub after: String,
}
