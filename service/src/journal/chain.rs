//! The rows of the journal and how one follows another.

use uuid::Uuid;

use super::digests::{Salt, digest_of_row, merkle_root};
use crate::values::{Sha256Digest, Timestamp, TransferId};

/// What makes a ledger this one and no other: both are made once, at its birth.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    pub id: Uuid,
    pub salt: Salt,
}

/// What one group commit says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub number: i64,
    /// The greatest id of the commit; of an empty one, that of the row before.
    pub last_id: TransferId,
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
    pub last_id: TransferId,
    pub at: Timestamp,
}

impl Head {
    /// The row of a commit that stands on this head: its leaves in id order, with the last one's id and the time.
    #[must_use]
    pub fn next(&self, leaves: &[Sha256Digest], last_id: Option<TransferId>, at: Timestamp) -> Row {
        Row {
            number: self.number + 1,
            last_id: last_id.unwrap_or(self.last_id),
            transfers: leaves.len() as u32,
            changes: 0,
            at: at.max(self.at),
            root: merkle_root(leaves),
        }
    }

    /// The head after that row has been written.
    #[must_use]
    pub fn after(&self, ledger: &Identity, row: &Row) -> Self {
        Self {
            number: row.number,
            digest: digest_of_row(ledger.id, self.digest, row),
            last_id: row.last_id,
            at: row.at,
        }
    }
}
