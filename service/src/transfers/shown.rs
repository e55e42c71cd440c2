//! A transfer as callers see it: the stored row, which never changes, with what has become of it. Pure.

use std::sync::Arc;

use crate::ledger::{Hold, Transfer};
use crate::values::{HoldEnd, Money, Timestamp, TransferStatus};

/// A transfer with what has become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownTransfer {
    /// The stored transfer.
    pub transfer: Arc<Transfer>,
    /// What has become of a hold, at the time of reading; `None` on other kinds, and on a refused hold.
    pub hold: Option<Hold>,
    /// The sum of its completed reversals.
    pub reversed: Money,
}

impl ShownTransfer {
    /// The transfer as it was decided, before anything became of it: the answer to the request that made it, and to a
    /// repeated one.
    #[must_use]
    pub fn as_decided(transfer: Arc<Transfer>) -> Self {
        let hold = transfer.expires_at.map(|expires_at| Hold::begun(&transfer, expires_at));
        Self {
            transfer,
            hold,
            reversed: Money::ZERO,
        }
    }

    /// The status that callers see: of a hold, that of what has become of it.
    #[must_use]
    pub fn status(&self) -> TransferStatus {
        self.hold.map_or(self.transfer.status, |hold| hold.status())
    }

    /// Why it is FAILED: the refusal's code, or how a hold ended of which nothing was captured.
    #[must_use]
    pub fn failure_reason(&self) -> Option<&'static str> {
        if let Some(failure) = self.transfer.failure {
            return Some(failure.code());
        }
        if self.status() != TransferStatus::Failed {
            return None;
        }
        self.hold?.end.map(|(end, _): (HoldEnd, Timestamp)| end.as_str())
    }

    /// When it was completed: when its money moved, or when a hold ended of which something was captured. `None` unless
    /// it is COMPLETED.
    #[must_use]
    pub fn completed_at(&self) -> Option<Timestamp> {
        match self.hold {
            Some(hold) if hold.status() == TransferStatus::Completed => hold.end.map(|(_, at)| at),
            Some(_) => None,
            None => self.transfer.completed_at(),
        }
    }
}
