//! The rows of the journal, and how one follows another.

use uuid::Uuid;

use super::digests::{Salt, digest_of_row, merkle_root};
use crate::values::{RecordId, Sha256Digest, Timestamp};

/// The identity of a ledger. Both values are made once, with its schema.
#[derive(Clone, Copy, Debug)]
pub struct LedgerIdentity {
    /// Random; hashed into the digest of every row after row 0.
    pub id: Uuid,
    /// The secret HMAC key for the private bytes of leaves.
    pub salt: Salt,
}

/// What a row of the journal says about its group commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRow {
    /// The place in the journal: one more than the row before.
    pub number: i64,
    /// The greatest id of the commit; for an empty commit, that of the row before.
    pub last_id: RecordId,
    /// How many transfers the commit has, recorded refusals included.
    pub transfers: u32,
    /// How many changes of wallets the commit has.
    pub changes: u32,
    /// The bank's time of the commit; never before that of the row before.
    pub at: Timestamp,
    /// Merkle root of its leaves, in the order of their ids.
    pub root: Sha256Digest,
}

/// The newest row of a journal, which the next commit stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The row's number.
    pub number: i64,
    /// The row's digest.
    pub digest: Sha256Digest,
    /// The greatest id in the journal.
    pub last_id: RecordId,
    /// The row's time.
    pub at: Timestamp,
}

/// The content of a group commit, from which its row is made.
#[derive(Clone, Copy, Debug)]
pub struct CommitContent<'a> {
    /// The leaves of its transfers and changes, in the order of their ids.
    pub leaves: &'a [Sha256Digest],
    /// How many of them are changes.
    pub changes: u32,
    /// The greatest id of these; `None` when the commit is empty.
    pub last_id: Option<RecordId>,
}

impl Head {
    /// The row of a commit on this head, dated no earlier than the head.
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
