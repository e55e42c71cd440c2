//! Why the aggregates gave no answer, or why a step failed. Every step may be repeated.

use super::RangeError;
use crate::db::Fault;
use crate::feed::ReadError;
use crate::redis::RedisFault;

/// Refusals and faults of the aggregates.
#[derive(Debug, thiserror::Error)]
pub enum AggregatesError {
    /// The range of days is not valid.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The epoch is over, or the hot store and the database do not agree; the next step begins and fills a new epoch.
    #[error("the hot store is being rebuilt")]
    Rebuilding,
    /// The database says that hot days are in Redis, but this process was started without its address.
    #[error("hot days are in Redis, and this process has no address of it")]
    RedisNotConfigured,
    /// Redis holds or answers something that the bank does not write.
    #[error("the hot store holds {0}, which is nothing of ours")]
    Damaged(String),
    /// A block of an import was not applied in time, although it was queued again and again.
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
    /// For the driver of imports, which tries a block again after a conflict, and continues in a later run after any
    /// other fault.
    fn from(error: AggregatesError) -> Self {
        match error {
            AggregatesError::Fault(fault) => fault,
            // Trying again would not change these.
            AggregatesError::Damaged(_)
            | AggregatesError::Range(_)
            | AggregatesError::Journal(_)
            | AggregatesError::RedisNotConfigured => Self::broken(error),
            AggregatesError::Rebuilding => Self::conflict(error),
            AggregatesError::NotApplied | AggregatesError::Redis(_) => Self::unreachable(error),
        }
    }
}
