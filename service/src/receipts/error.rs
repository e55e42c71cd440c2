//! Why there is no receipt.

use crate::db::Fault;
use crate::values::TransferId;

/// Refusals and faults of receipts.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// Answered when there is no transfer with the id, or the actor may not see it.
    #[error("there is no such transfer")]
    NotFound,
    /// Answered when the journal does not prove the transfer: a person has changed rows that are written once.
    #[error("the journal does not prove the transfer")]
    NotProved(#[from] ProofMismatch),
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What keeps the journal from proving a transfer. For the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofMismatch {
    /// No row of the journal has the transfer, or the rows around it are missing or out of order.
    #[error("no row of the journal has the transfer {transfer}")]
    NoRow {
        /// The transfer.
        transfer: TransferId,
    },
    /// The row's digest is not that of its content and of the row before.
    #[error("row {number} of the journal: its digest is not that of its content and of the row before")]
    Digest {
        /// The row's number.
        number: i64,
    },
    /// The row counts other transfers or changes than there are.
    #[error("row {number} of the journal: counts {counted} {table}, and {found} were found")]
    Count {
        /// The row's number.
        number: i64,
        /// `transfers` or `changes`.
        table: &'static str,
        /// How many the row counts.
        counted: u32,
        /// How many were found; one more than `counted` where there are more.
        found: usize,
    },
    /// The row's root is not that of the transfers and changes that are stored.
    #[error("row {number} of the journal: its transfers and changes are not those that were committed")]
    Root {
        /// The row's number.
        number: i64,
    },
    /// The transfer is not among the leaves that the row was made of.
    #[error("row {number} of the journal: the transfer {transfer} is not the one that was committed")]
    OtherLeaf {
        /// The row's number.
        number: i64,
        /// The transfer.
        transfer: TransferId,
    },
}
