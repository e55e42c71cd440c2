//! The rows of the journal and how one follows another.

use uuid::Uuid;

use super::digests::{Salt, digest_of_row, merkle_root};
use crate::values::{RecordId, Sha256Digest, Timestamp};

/// What makes a ledger this one and no other: both are made once, at its birth.
#[derive(Clone, Copy, Debug)]
pub struct LedgerIdentity {
    pub id: Uuid,
    pub salt: Salt,
}

/// What one group commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRow {
    pub number: i64,
    /// The greatest id of the commit; of an empty one, that of the row before.
    pub last_id: RecordId,
    pub transfers: u32,
    pub changes: u32,
    /// The bank's time: never before that of the row before.
    pub at: Timestamp,
    pub root: Sha256Digest,
}

/// The newest row of a journal: what the next commit stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub number: i64,
    pub digest: Sha256Digest,
    pub last_id: RecordId,
    pub at: Timestamp,
}

/// What a group commit holds, as its row counts it.
#[derive(Clone, Copy, Debug)]
pub struct CommitContent<'a> {
    /// Of its transfers and its changes, in the order of their ids.
    pub leaves: &'a [Sha256Digest],
    /// How many of them are changes.
    pub changes: u32,
    /// The greatest id; `None` when it is empty.
    pub last_id: Option<RecordId>,
}

impl Head {
    /// The row of a commit that stands on this head.
    #[must_use]
    pub fn next(&self, commit: &CommitContent<'_>, at: Timestamp) -> ChainRow {
        ChainRow {
            number: self.number + 1,
            last_id: commit.last_id.unwrap_or(self.last_id),
            transfers: commit.leaves.len() as u32 - commit.changes,
            changes: commit.changes,
            at: at.max(self.at),
            root: merkle_root(commit.leaves),
        }
    }

    /// The head after that row has been written.
    #[must_use]
    pub fn after(&self, ledger: &LedgerIdentity, row: &ChainRow) -> Self {
        Self {
            number: row.number,
            digest: digest_of_row(ledger.id, self.digest, row),
            last_id: row.last_id,
            at: row.at,
        }
    }
}
