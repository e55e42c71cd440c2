//! What the ledger keeps.

use uuid::Uuid;

use std::sync::Arc;

use super::answers::Failure;
use super::limits::{LimitState, Outflow, WalletLimits};
use super::tag::WalletTag;
use crate::actor::{Actor, Permission};
use crate::values::{
    BatchId, ChangeId, ChangeKind, Currency, Digest, HoldEnd, Method, Money, RequestId, Sha256Digest, TextsSalt,
    Timestamp, TransferId, TransferKind, TransferStatus, UserId, Version, WalletId, WalletStatus,
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
    /// The part of the balance that open holds have claimed; at least 0.
    pub held: Money,
    /// Whether money may move in or out.
    pub status: WalletStatus,
    /// How many entries the wallet has.
    pub version: Version,
    /// Bank time of its opening.
    pub created_at: Timestamp,
    /// Bank time of the last record that changed it: an entry, a hold or its end, a change.
    pub updated_at: Timestamp,
    /// Its limits; `None` on a wallet without any, and on a system wallet.
    pub limits: Option<Box<LimitState>>,
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

/// A transfer as it is stored, which never changes. What has become of a hold is in its [`Hold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// A UUID v7 that begins with the microsecond of `created_at`, so ids sort as the transfers were decided.
    pub id: TransferId,
    /// What it is for.
    pub kind: TransferKind,
    /// PENDING on a hold, whatever has become of it; COMPLETED or FAILED on all others, which are decided at once.
    pub status: TransferStatus,
    /// The wallet that pays; of a deposit, the system wallet of its method.
    pub source: WalletId,
    /// The wallet that receives; of a withdrawal, the system wallet of its method.
    pub destination: WalletId,
    /// What was asked for; above zero.
    pub amount: Money,
    /// The source's currency.
    pub currency: Currency,
    /// The payment method of a deposit or withdrawal, and of its hold, capture, release or reversal; `None` between
    /// customers.
    pub method: Option<Method>,
    /// The caller's text; `None` if there was none, if the transfer failed, or once the texts are erased.
    pub description: Option<String>,
    /// The caller's JSON object, as it was sent; `None` in the same cases.
    pub metadata: Option<String>,
    /// Set exactly when the status is FAILED.
    pub failure: Option<Failure>,
    /// The hold of a capture or release, or the transfer that a reversal takes back.
    pub parent: Option<TransferId>,
    /// The caller's batch of transfers, which is not a batch of the committer.
    pub batch: Option<BatchId>,
    /// The user who asked for it; `None` if that is the source's owner, and on the release of an expired hold.
    pub created_by: Option<UserId>,
    /// The API key of the request; `None` if the caller had signed in, and on the release of an expired hold.
    pub api_key: Option<Uuid>,
    /// The id of the request; `None` on the release of an expired hold, and where a client's own id was erased.
    pub request_id: Option<RequestId>,
    /// What a release, or the final capture of a hold, gave back.
    pub released: Option<Money>,
    /// Digest of the caller and the Idempotency-Key; `None` if the request had no key.
    pub key: Option<Digest>,
    /// Digest of what was asked for under that key; `None` without a key, or once the texts are erased.
    pub request: Option<Digest>,
    /// The seal of description and metadata; `None` if neither was stored.
    pub texts: Option<TextsSeal>,
    /// Bank time at which it was decided.
    pub created_at: Timestamp,
    /// When a hold ends by itself.
    pub expires_at: Option<Timestamp>,
}

impl Transfer {
    /// True if the actor may end this hold without owning its destination. An API key that is limited to some wallets
    /// takes no money out of others: the source must be one of them.
    #[must_use]
    pub fn is_settled_by(&self, actor: &Actor) -> bool {
        actor.may(Permission::TransfersSettle) && actor.may_use(self.source)
    }

    /// True if the actor may take this transfer back. An API key that is limited to some wallets takes no money out of
    /// others: the wallet that pays back must be one of them. Where the bank pays back, as after a withdrawal, it is the
    /// customer's wallet that counts, as for a deposit.
    #[must_use]
    pub fn is_reversed_by(&self, actor: &Actor) -> bool {
        let is_to_method = self.method.is_some() && self.kind != TransferKind::Deposit;
        let counts = if is_to_method { self.source } else { self.destination };
        actor.may(Permission::TransfersReverse) && actor.may_use(counts)
    }
}

/// What has become of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The transfer of kind HOLD.
    pub id: TransferId,
    /// The wallet on which the money is held.
    pub wallet: WalletId,
    /// What is still held; zero once the hold has ended.
    pub remaining: Money,
    /// What captures have taken.
    pub captured: Money,
    /// When it ends by itself, in bank time.
    pub expires_at: Timestamp,
    /// How and when it ended; `None` while it is open, or has expired and its release is not written yet.
    pub end: Option<(HoldEnd, Timestamp)>,
}

impl Hold {
    /// A hold as it begins.
    #[must_use]
    pub fn begun(transfer: &Transfer, expires_at: Timestamp) -> Self {
        Self {
            id: transfer.id,
            wallet: transfer.source,
            remaining: transfer.amount,
            captured: Money::ZERO,
            expires_at,
            end: None,
        }
    }

    /// The hold as it is at a time: one that has run out has ended, whether or not its release is written.
    #[must_use]
    pub fn at(self, time: Timestamp) -> Self {
        if self.end.is_some() || time < self.expires_at {
            return self;
        }
        Self {
            remaining: Money::ZERO,
            end: Some((HoldEnd::Expired, self.expires_at)),
            ..self
        }
    }

    /// The status that its transfer is shown with: PENDING while it is open, COMPLETED if anything was captured, else
    /// FAILED.
    #[must_use]
    pub fn status(&self) -> TransferStatus {
        match self.end {
            None => TransferStatus::Pending,
            Some(_) if self.captured > Money::ZERO => TransferStatus::Completed,
            Some(_) => TransferStatus::Failed,
        }
    }
}

/// A transfer that a capture, a void or a reversal refers to, with what has become of it.
#[derive(Clone, Debug)]
pub struct Original {
    /// The transfer.
    pub transfer: Arc<Transfer>,
    /// What has become of it, if it is a hold that was not refused.
    pub hold: Option<Hold>,
    /// The sum of its completed reversals.
    pub reversed: Money,
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
    /// When it was completed: `None` unless it is COMPLETED. A transfer is decided and stamped at once.
    #[must_use]
    pub fn completed_at(&self) -> Option<Timestamp> {
        (self.status == TransferStatus::Completed).then_some(self.created_at)
    }

    /// The hold that it captures or releases.
    #[must_use]
    pub fn hold_id(&self) -> Option<TransferId> {
        match self.kind {
            TransferKind::Capture | TransferKind::Release => self.parent,
            TransferKind::Transfer
            | TransferKind::Deposit
            | TransferKind::Withdrawal
            | TransferKind::Reversal
            | TransferKind::Hold => None,
        }
    }

    /// The transfer that it takes back.
    #[must_use]
    pub fn reverses(&self) -> Option<TransferId> {
        self.parent.filter(|_| self.kind == TransferKind::Reversal)
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

/// What a group commit did to a wallet other than moving its money: it opened the wallet, changed its status or set its
/// limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletChange {
    /// In one order with the ids of transfers.
    pub id: ChangeId,
    /// Whether the wallet was opened, frozen, unfrozen, closed or given limits.
    pub kind: ChangeKind,
    /// The wallet that was opened or changed.
    pub subject: WalletId,
    /// The user who asked for it; `None` if that is the wallet's owner.
    pub created_by: Option<UserId>,
    /// The id of the request; `None` for a command of the terminal, and where a client's own id was erased.
    pub request_id: Option<RequestId>,
    /// The status, or the limits (`WalletLimits::as_text`), before the change; `None` for an opening.
    pub before: Option<String>,
    /// The status or the limits after the change; for an opening, its currency and owner or method (`journal::opening_text`).
    pub after: String,
    /// The wallet just after the change.
    pub state: ChangedState,
}

impl WalletChange {
    /// The wallet just after the change, which was made at a time. Of its limits the counters are not known.
    #[must_use]
    pub fn applied_to(&self, wallet: &Wallet, at: Timestamp) -> Wallet {
        let state = self.state;
        let limits = Some(state.limits).filter(|limits| !limits.is_empty());
        Wallet {
            balance: state.balance,
            held: state.held,
            status: state.status,
            version: state.version,
            updated_at: at,
            limits: limits.map(|limits| {
                Box::new(LimitState {
                    limits,
                    outflow: Outflow::default(),
                })
            }),
            ..wallet.clone()
        }
    }
}

/// What a wallet was just after a change, as far as it can differ at another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedState {
    /// The wallet's balance.
    pub balance: Money,
    /// What open holds had claimed of it.
    pub held: Money,
    /// How many entries the wallet had.
    pub version: Version,
    /// Whether money could move.
    pub status: WalletStatus,
    /// Its limits; empty without any.
    pub limits: WalletLimits,
}

impl ChangedState {
    /// The present state of a wallet.
    #[must_use]
    pub fn of(wallet: &Wallet) -> Self {
        Self {
            balance: wallet.balance,
            held: wallet.held,
            version: wallet.version,
            status: wallet.status,
            limits: wallet.limits.as_deref().map(|state| state.limits).unwrap_or_default(),
        }
    }
}
