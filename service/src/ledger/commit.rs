//! A group commit: what a batch writes, with the row of the journal that proves it.

use super::book::Changes;
use super::types::Transfer;
use crate::journal::{Head, Identity, Leaf, Row, Salt};
use crate::values::{Sha256Digest, Timestamp};

/// What is written at once, or not at all.
pub(super) struct GroupCommit {
    pub changes: Changes,
    /// The head that it was decided on.
    pub before: Head,
    pub row: Row,
    /// The head that it makes.
    pub head: Head,
}

impl GroupCommit {
    /// Puts the changes of a batch onto a head.
    pub fn new(changes: Changes, before: Head, ledger: &Identity, now: Timestamp) -> Self {
        let transfers = &changes.transfers;
        let leaves: Vec<Sha256Digest> = transfers.iter().map(|transfer| leaf(transfer, &ledger.salt)).collect();
        let last = transfers.last();
        let at = last.map_or(now, |transfer| transfer.created_at);
        let row = before.next(&leaves, last.map(|transfer| transfer.id), at);
        Self {
            changes,
            before,
            head: before.after(ledger, &row),
            row,
        }
    }
}

/// The leaf that a transfer has in the journal.
pub(super) fn leaf(transfer: &Transfer, salt: &Salt) -> Sha256Digest {
    let leaf = Leaf {
        id: transfer.id,
        kind: transfer.kind,
        status: transfer.status,
        source: transfer.source,
        destination: transfer.destination,
        amount: transfer.amount,
        currency: transfer.currency,
        method: transfer.method.as_ref(),
        reason: transfer.failure.map(|failure| failure.code()),
        key: transfer.idempotency.map(|idempotency| idempotency.key),
        available: transfer.failure.and_then(|failure| failure.available()),
    };
    leaf.digest(salt)
}
