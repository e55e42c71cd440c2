//! What a committer hands over in memory to those who follow the journal in its process. It never waits for them, and nothing
//! is lost: a follower that was too slow, or came too late, reads from the database.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::Mark;
use crate::values::{Currency, Method, Money, Timestamp, TransferKind};

/// Commits that are kept for a slow follower.
const KEPT_MAX: usize = 256;

/// A completed movement of money, as followers count it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completed {
    pub kind: TransferKind,
    pub currency: Currency,
    pub amount: Money,
    /// Of a deposit or a withdrawal.
    pub method: Option<Method>,
    pub at: Timestamp,
}

/// A durable commit.
pub(super) struct Committed {
    /// The row that it stands on.
    pub before: Mark,
    pub after: Mark,
    pub completed: Vec<Completed>,
}

/// From a committer to the followers of its process. Cloning it clones a handle.
#[derive(Clone)]
pub struct Handover(broadcast::Sender<Arc<Committed>>);

impl Handover {
    /// A hand-over without followers.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::Sender::new(KEPT_MAX))
    }

    /// Hands a durable commit over, before its callers are answered. Without followers nothing is made ready for them.
    pub fn publish(&self, before: Mark, after: Mark, completed: impl FnOnce() -> Vec<Completed>) {
        if self.0.receiver_count() > 0 {
            let committed = Committed {
                before,
                after,
                completed: completed(),
            };
            // The last follower may just have gone.
            let _ = self.0.send(Arc::new(committed));
        }
    }

    /// What is handed over from now on.
    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.0.subscribe()
    }
}

impl Default for Handover {
    fn default() -> Self {
        Self::new()
    }
}
