//! Why the aggregates gave no answer or went no further. Whatever was under way may be done again.

use super::RangeError;
use crate::db::Fault;
use crate::feed::ReadError;
use crate::redis::RedisFault;

/// Refusals and faults of the aggregates.
#[derive(Debug, thiserror::Error)]
pub enum AggregatesError {
    /// The range of days is none.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The hot store and the database do not belong together; a worker is about to see to it.
    #[error("the hot store is being rebuilt")]
    Rebuilding,
    /// The database says that hot days are in Redis, and this process was started without it.
    #[error("hot days are in Redis, and this process has no address of it")]
    RedisNotConfigured,
    /// What Redis holds is nothing that we write.
    #[error("the hot store holds {0}, which is nothing of ours")]
    Damaged(String),
    /// An import's block is not applied although it was sent again and again.
    #[error("a block of an import is not applied in time")]
    NotApplied,
    /// The journal cannot be followed; it is tried again.
    #[error(transparent)]
    Journal(ReadError),
    /// Redis did not answer, or refused a command.
    #[error(transparent)]
    Redis(#[from] RedisFault),
    /// A fault of the database.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<ReadError> for AggregatesError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Fault(fault) => Self::Fault(fault),
            error => Self::Journal(error),
        }
    }
}

impl From<AggregatesError> for Fault {
    /// For the driver of imports, which tries a block again after a fault.
    fn from(error: AggregatesError) -> Self {
        match error {
            AggregatesError::Fault(fault) => fault,
            // Waiting brings no address of Redis.
            AggregatesError::Damaged(_)
            | AggregatesError::Range(_)
            | AggregatesError::Journal(_)
            | AggregatesError::RedisNotConfigured => Self::broken(error),
            AggregatesError::Rebuilding => Self::conflict(error),
            AggregatesError::NotApplied | AggregatesError::Redis(_) => Self::unreachable(error),
        }
    }
}
