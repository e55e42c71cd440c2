//! The channel in memory from the committer to the followers of the journal in its process. The committer never waits
//! for them. Nothing is lost: a follower that is too slow, or starts later, reads from the database.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::Mark;
use crate::values::{Currency, Method, Money, Timestamp, TransferKind};

/// How many commits are kept for a slow follower.
const KEPT_MAX: usize = 256;

/// A completed movement of money, as followers count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    /// What it counts as, which `counted_kind` says.
    pub kind: TransferKind,
    /// The currency of both wallets.
    pub currency: Currency,
    /// Above zero.
    pub amount: Money,
    /// The payment method of a deposit or withdrawal, or of the reversal of one; `None` between customers.
    pub method: Option<Method>,
    /// When it was decided, in the bank's time.
    pub at: Timestamp,
}

/// What a completed transfer counts as for followers: a capture as the transfer or withdrawal that its hold began.
/// `None` for a release, which moves no money.
#[must_use]
pub fn counted_kind(kind: TransferKind, method: Option<&Method>) -> Option<TransferKind> {
    match (kind, method) {
        (TransferKind::Capture, Some(_)) => Some(TransferKind::Withdrawal),
        (TransferKind::Capture, None) => Some(TransferKind::Transfer),
        (TransferKind::Release | TransferKind::Hold, _) => None,
        (TransferKind::Transfer | TransferKind::Deposit | TransferKind::Withdrawal | TransferKind::Reversal, _) => {
            Some(kind)
        }
    }
}

/// A durable commit.
pub(super) struct Committed<T> {
    /// The row that it stands on.
    pub before: Mark,
    /// Its own row.
    pub after: Mark,
    /// What it has for these followers.
    pub items: Vec<T>,
}

/// The committer's end of the channel to the followers in its process that count one kind of items. Cloning clones a
/// handle.
pub struct Handover<T>(broadcast::Sender<Arc<Committed<T>>>);

impl<T> Clone for Handover<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Handover<T> {
    /// A channel without followers.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::Sender::new(KEPT_MAX))
    }

    /// Publishes a durable commit, before its callers are answered. `items` is not called when there are no followers.
    pub fn publish(&self, before: Mark, after: Mark, items: impl FnOnce() -> Vec<T>) {
        if self.0.receiver_count() > 0 {
            let committed = Committed {
                before,
                after,
                items: items(),
            };
            // Fails when the last follower was dropped in between.
            let _ = self.0.send(Arc::new(committed));
        }
    }

    /// A new follower's end, which receives the commits published from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Committed<T>>> {
        self.0.subscribe()
    }
}

impl<T> Default for Handover<T> {
    fn default() -> Self {
        Self::new()
    }
}
