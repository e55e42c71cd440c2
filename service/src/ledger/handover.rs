//! Publishes each durable commit to the followers of the journal in this process.

use super::group_commit::GroupCommit;
use crate::feed::{Completed, Mark, counted_kind};
use crate::values::TransferStatus;

/// Makes of a group commit what the feed's `Handover` publishes.
pub(super) struct CommitHandover(pub crate::feed::Handover);

impl CommitHandover {
    /// Publishes a commit that is durable already. Call it before the commit's callers are answered.
    pub fn publish(&self, commit: &GroupCommit) {
        self.0
            .publish(Mark::of(&commit.previous_head), Mark::of(&commit.new_head), || {
                let transfers = commit.writes.transfers.iter();
                let completed = transfers.filter(|transfer| transfer.status == TransferStatus::Completed);
                completed
                    .filter_map(|transfer| {
                        Some(Completed {
                            kind: counted_kind(transfer.kind, transfer.method.as_ref())?,
                            currency: transfer.currency,
                            amount: transfer.amount,
                            method: transfer.method.clone(),
                            at: transfer.created_at,
                        })
                    })
                    .collect()
            });
    }
}
