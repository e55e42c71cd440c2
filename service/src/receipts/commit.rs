//! A group commit as the journal and the tables have it, and whether they agree. Pure.

use uuid::Uuid;

use super::error::ProofMismatch;
use crate::feed::Mark;
use crate::journal::{ChainRow, digest_of_row, merkle_root};
use crate::values::{RecordId, Sha256Digest};

/// A row of the journal, with what the row before says.
#[derive(Clone, Debug)]
pub(super) struct FoundCommit {
    pub row: ChainRow,
    pub digest: Sha256Digest,
    /// The digest of the row before.
    pub previous_digest: Sha256Digest,
    /// The greatest id of the row before; those of this commit are above it.
    pub previous_id: RecordId,
}

/// The leaves of what is stored between two rows of the journal, by its ids.
#[derive(Debug)]
pub(super) struct StoredLeaves {
    pub transfers: Vec<(RecordId, Sha256Digest)>,
    pub changes: Vec<(RecordId, Sha256Digest)>,
}

impl FoundCommit {
    /// The row's number and digest.
    pub fn mark(&self) -> Mark {
        Mark {
            number: self.row.number,
            digest: self.digest,
        }
    }

    /// Refuses a row whose digest is not that of its content and of the row before.
    pub fn check_digest(&self, ledger: Uuid) -> Result<(), ProofMismatch> {
        if digest_of_row(ledger, self.previous_digest, &self.row) == self.digest {
            return Ok(());
        }
        Err(ProofMismatch::Digest {
            number: self.row.number,
        })
    }

    /// The leaves in the order of their ids. Refuses other ones than those that the row was made of: first by their
    /// numbers, then by the root.
    pub fn prove(&self, stored: StoredLeaves) -> Result<Vec<Sha256Digest>, ProofMismatch> {
        let StoredLeaves { transfers, changes } = stored;
        self.check_count("transfers", self.row.transfers, transfers.len())?;
        self.check_count("changes", self.row.changes, changes.len())?;
        let mut records = transfers;
        records.extend(changes);
        records.sort_unstable_by_key(|(id, _)| *id);
        let leaves: Vec<Sha256Digest> = records.into_iter().map(|(_, leaf)| leaf).collect();
        if merkle_root(&leaves) == self.row.root {
            return Ok(leaves);
        }
        Err(ProofMismatch::Root {
            number: self.row.number,
        })
    }

    fn check_count(&self, table: &'static str, counted: u32, found: usize) -> Result<(), ProofMismatch> {
        if counted as usize == found {
            return Ok(());
        }
        Err(ProofMismatch::Count {
            number: self.row.number,
            table,
            counted,
            found,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::Timestamp;

    const LEDGER: Uuid = Uuid::from_u128(6);

    fn leaf(number: u8) -> (RecordId, Sha256Digest) {
        (RecordId(Uuid::from_u128(number.into())), Sha256Digest([number; 32]))
    }

    /// Two transfers, and a change between them.
    fn commit() -> FoundCommit {
        let row = ChainRow {
            number: 4,
            last_id: leaf(13).0,
            transfers: 2,
            changes: 1,
            at: Timestamp::default(),
            root: merkle_root(&[leaf(11).1, leaf(12).1, leaf(13).1]),
        };
        let previous_digest = Sha256Digest([1; 32]);
        FoundCommit {
            digest: digest_of_row(LEDGER, previous_digest, &row),
            row,
            previous_digest,
            previous_id: leaf(10).0,
        }
    }

    fn stored() -> StoredLeaves {
        StoredLeaves {
            transfers: vec![leaf(11), leaf(13)],
            changes: vec![leaf(12)],
        }
    }

    #[test]
    fn leaves_are_in_the_order_of_their_ids() {
        let leaves = commit().prove(stored());
        assert_eq!(leaves, Ok(vec![leaf(11).1, leaf(12).1, leaf(13).1]));
    }

    #[test]
    fn other_leaves_than_those_of_the_row_are_refused() {
        let mut missing = stored();
        missing.transfers.pop();
        let mismatch = |table, counted, found| {
            Err(ProofMismatch::Count {
                number: 4,
                table,
                counted,
                found,
            })
        };
        assert_eq!(commit().prove(missing), mismatch("transfers", 2, 1));
        let mut more = stored();
        more.changes.push(leaf(14));
        assert_eq!(commit().prove(more), mismatch("changes", 1, 2));
        let mut other = stored();
        other.transfers[0].1 = leaf(9).1;
        assert_eq!(commit().prove(other), Err(ProofMismatch::Root { number: 4 }));
    }

    #[test]
    fn a_row_is_refused_when_it_or_the_one_before_has_changed() {
        assert_eq!(commit().check_digest(LEDGER), Ok(()));
        let refused = Err(ProofMismatch::Digest { number: 4 });
        let mut other = commit();
        other.previous_digest = leaf(2).1;
        assert_eq!(other.check_digest(LEDGER), refused);
        let mut other = commit();
        other.row.transfers += 1;
        assert_eq!(other.check_digest(LEDGER), refused);
        assert_eq!(commit().check_digest(Uuid::from_u128(7)), refused);
    }
}
