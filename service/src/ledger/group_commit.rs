//! A group commit: what a batch writes, with the row of the journal that proves it.

use chrono::TimeDelta;

use super::book::Writes;
use super::types::{Transfer, WalletChange};
use crate::journal::{ChainRow, ChangeLeaf, CommitContent, Head, LedgerIdentity, Salt, TransferLeaf};
use crate::values::{RecordId, Sha256Digest, Timestamp};

/// What is written at once, or not at all.
pub(super) struct GroupCommit {
    pub writes: Writes,
    /// The previous head: the one that the batch was decided on.
    pub previous_head: Head,
    /// The commit's row of the journal.
    pub row: ChainRow,
    /// The new head: the commit's row, with its digest.
    pub new_head: Head,
}

impl GroupCommit {
    /// Adds the row of the journal that follows `previous_head`; `at` is the time of the batch's last stamp.
    pub fn new(writes: Writes, previous_head: Head, ledger: &LedgerIdentity, at: Timestamp) -> Self {
        let leaves = leaves(&writes, &ledger.salt);
        let content = CommitContent {
            leaves: &leaves,
            changes: writes.changes.len() as u32,
            last_id: last_id(&writes),
        };
        let row = previous_head.next(&content, at);
        Self {
            previous_head,
            new_head: previous_head.after(ledger, &row),
            row,
            writes,
        }
    }

    /// True if its time is at most a microsecond for each stamp after the previous head: then the stamps follow that head,
    /// not the clock.
    pub fn follows_head(&self) -> bool {
        let stamps = TimeDelta::microseconds(self.writes.stamps_taken as i64);
        self.row.at <= self.previous_head.at + stamps
    }
}

fn last_id(writes: &Writes) -> Option<RecordId> {
    let transfer = writes.transfers.last().map(|transfer| transfer.id.into());
    let change = writes.changes.last().map(|change| change.id.into());
    transfer.max(change)
}

/// The leaves of transfers and changes in the order of their ids.
fn leaves(writes: &Writes, salt: &Salt) -> Vec<Sha256Digest> {
    let mut leaves = Vec::with_capacity(writes.transfers.len() + writes.changes.len());
    let mut changes = writes.changes.iter().peekable();
    for transfer in &writes.transfers {
        while let Some(change) = changes.next_if(|change| RecordId::from(change.id) < transfer.id.into()) {
            leaves.push(leaf_of_change(change, salt));
        }
        leaves.push(leaf_of_transfer(transfer, salt));
    }
    leaves.extend(changes.map(|change| leaf_of_change(change, salt)));
    leaves
}

/// The leaf that a transfer has in the journal.
pub(crate) fn leaf_of_transfer(transfer: &Transfer, salt: &Salt) -> Sha256Digest {
    leaf_values_of(transfer).digest(salt)
}

/// The values of a transfer that enter its leaf.
pub(crate) fn leaf_values_of(transfer: &Transfer) -> TransferLeaf<'_> {
    TransferLeaf {
        id: transfer.id,
        created_at: transfer.created_at,
        kind: transfer.kind,
        status: transfer.status,
        source: transfer.source,
        destination: transfer.destination,
        amount: transfer.amount,
        currency: transfer.currency,
        method: transfer.method.as_ref(),
        reason: transfer.failure.map(|failure| failure.stored()),
        parent: transfer.parent,
        batch: transfer.batch,
        created_by: transfer.created_by,
        expires_at: transfer.expires_at,
        released: transfer.released,
        texts: transfer.texts.map(|texts| texts.digest),
        key: transfer.key,
        api_key: transfer.api_key,
        available: transfer.failure.and_then(|failure| failure.available()),
    }
}

/// The leaf that a change has in the journal.
pub(super) fn leaf_of_change(change: &WalletChange, salt: &Salt) -> Sha256Digest {
    let leaf = ChangeLeaf {
        id: change.id,
        kind: change.kind,
        subject: change.subject,
        created_by: change.created_by,
        before: change.before.as_deref(),
        after: &change.after,
    };
    leaf.digest(salt)
}
