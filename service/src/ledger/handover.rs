//! Tells those who follow the journal in this process of each durable commit.

use super::commit::GroupCommit;
use crate::feed::{Completed, Mark};
use crate::values::TransferStatus;

/// The committer's end.
pub(super) struct CommitHandover(pub crate::feed::Handover);

impl CommitHandover {
    /// Call it once the commit is durable, and before its callers are answered.
    pub fn publish(&self, commit: &GroupCommit) {
        self.0.publish(Mark::of(&commit.before), Mark::of(&commit.head), || {
            let transfers = commit.writes.transfers.iter();
            let completed = transfers.filter(|transfer| transfer.status == TransferStatus::Completed);
            completed
                .map(|transfer| Completed {
                    kind: transfer.kind,
                    currency: transfer.currency,
                    amount: transfer.amount,
                    method: transfer.method.clone(),
                    at: transfer.created_at,
                })
                .collect()
        });
    }
}
