//! What a batch writes. Pure.

use std::sync::Arc;

use crate::audit::AuditLine;
use crate::ledger::types::{Entry, Hold, Transfer, Wallet, WalletChange};
use crate::values::BatchId;

/// What a batch writes. Transfers, changes and lines of the audit log are in the order of their ids, everything else is
/// sorted by wallet id.
///
/// Keep this order: without it the committer may deadlock with other sessions that lock wallets in id order.
#[derive(Default)]
pub struct Writes {
    /// Transfers of every kind and status.
    pub transfers: Vec<Arc<Transfer>>,
    /// Openings of wallets, and changes of their status or limits.
    pub changes: Vec<WalletChange>,
    /// A line for each change of a status or of limits, and for each reversal that is made, with its id. They are no part of
    /// the commit's row of the journal, since an erasure empties their details.
    pub audit: Vec<AuditLine>,
    /// Two for each completed transfer but a release.
    pub entries: Vec<Entry>,
    /// New wallets, as they are at the end of the batch.
    pub opened: Vec<Wallet>,
    /// Stored wallets that the batch changes.
    pub updated: Vec<WalletUpdate>,
    /// Wallets that a failed transfer was decided on and that the batch does not change. The write fails if one of them
    /// is no longer as it was given to the book.
    pub confirmed: Vec<Wallet>,
    /// New holds, as they are at the end of the batch.
    pub begun_holds: Vec<Hold>,
    /// Stored holds that the batch changes.
    pub changed_holds: Vec<HoldUpdate>,
    /// The outcomes of callers' batches.
    pub batches: Vec<BatchRow>,
    /// How many stamps were taken, also those that no record has: the ids of batches, what was taken back, dry runs.
    pub stamps_taken: usize,
}

impl Writes {
    /// True when there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transfers.is_empty() && self.changes.is_empty()
    }

    /// True if a transfer belongs to a batch, refers to another one, or is a hold.
    #[must_use]
    pub fn has_links(&self) -> bool {
        let is_linked = |transfer: &Arc<Transfer>| {
            transfer.batch.is_some() || transfer.parent.is_some() || transfer.expires_at.is_some()
        };
        self.transfers.iter().any(is_linked)
    }

    /// True if a hold begins or changes, or a caller's batch has outcomes to keep: both have tables of their own.
    #[must_use]
    pub fn has_holds_or_batches(&self) -> bool {
        !(self.begun_holds.is_empty() && self.changed_holds.is_empty() && self.batches.is_empty())
    }

    /// True if a wallet that changes has limits, or had some.
    #[must_use]
    pub fn has_limits(&self) -> bool {
        self.updated.iter().any(WalletUpdate::is_limited)
    }

    /// True if a transfer has texts, or was asked for by a user other than the source's owner or with an API key.
    #[must_use]
    pub fn has_notes(&self) -> bool {
        let has_notes = |transfer: &Arc<Transfer>| {
            transfer.created_by.is_some() || transfer.api_key.is_some() || transfer.texts.is_some()
        };
        self.transfers.iter().any(has_notes)
    }
}

/// A stored wallet that a batch changes.
pub struct WalletUpdate {
    /// As it was given to the book. The write fails if the stored wallet has changed since.
    pub read: Wallet,
    /// As it is written.
    pub now: Wallet,
}

impl WalletUpdate {
    /// True if the wallet has limits, or had some.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.read.limits.is_some() || self.now.limits.is_some()
    }
}

/// A stored hold that a batch changes.
pub struct HoldUpdate {
    /// As it was given to the book. The write fails if the stored hold has changed since.
    pub read: Hold,
    /// As it is written.
    pub now: Hold,
}

/// The outcomes of a caller's batch, for a repeated request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    /// The `batch_id` of its transfers.
    pub id: BatchId,
    /// See `BatchResults`.
    pub results: String,
}
