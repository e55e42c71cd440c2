//! What the ledger keeps.

use uuid::Uuid;

use super::answers::Failure;
use super::tag::WalletTag;
use crate::values::{
    ChangeId, ChangeKind, Currency, Digest, Method, Money, Sha256Digest, TextsSalt, Timestamp, TransferId,
    TransferKind, TransferStatus, UserId, Version, WalletId, WalletStatus,
};

/// A wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    pub id: WalletId,
    /// `None` on a system wallet.
    pub owner: Option<UserId>,
    /// The payment method of a system wallet; `None` on a customer's.
    pub method: Option<Method>,
    pub currency: Currency,
    pub balance: Money,
    pub held: Money,
    pub status: WalletStatus,
    pub version: Version,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Wallet {
    /// What the owner may still spend.
    #[must_use]
    pub fn available(&self) -> Money {
        // The CHECK constraints keep 0 <= held <= balance on customers' wallets and held at 0 on system wallets.
        self.balance.checked_sub(self.held).unwrap_or(self.balance)
    }

    /// What tells this state of the wallet from every other.
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

/// A transfer as it is kept, completed or failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub id: TransferId,
    pub kind: TransferKind,
    pub status: TransferStatus,
    pub source: WalletId,
    pub destination: WalletId,
    pub amount: Money,
    pub currency: Currency,
    pub method: Option<Method>,
    pub description: Option<String>,
    pub metadata: Option<String>,
    /// Set exactly when the status is FAILED.
    pub failure: Option<Failure>,
    /// The transfer that this one ends, or takes back.
    pub parent: Option<TransferId>,
    /// The batch that it was asked for in.
    pub batch: Option<Uuid>,
    /// Who asked for it; `None` where the source's owner did.
    pub created_by: Option<UserId>,
    /// The key that the caller came with; `None` where the caller had signed in.
    pub api_key: Option<Uuid>,
    /// What a RELEASE gave back.
    pub released: Option<Money>,
    /// Digest of the caller's key for this request.
    pub key: Option<Digest>,
    /// Digest of what was asked for under that key; `None` once the texts are erased.
    pub request: Option<Digest>,
    /// Of the description and the metadata; `None` where there were none.
    pub texts: Option<TextsSeal>,
    pub created_at: Timestamp,
    /// When a HOLD ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What keeps a transfer's texts provable, and erasable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextsSeal {
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
    pub wallet: WalletId,
    pub version: Version,
    pub transfer: TransferId,
    pub amount: Money,
    pub balance_after: Money,
}

/// What a group commit did to a wallet besides moving its money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub id: ChangeId,
    pub kind: ChangeKind,
    pub subject: WalletId,
    /// Who asked for it; `None` where the wallet's owner did.
    pub created_by: Option<UserId>,
    /// The status before; `None` for an opening.
    pub before: Option<String>,
    /// The status after; of an opening, what was opened for whom (`journal::opening_text`).
    pub after: String,
}
