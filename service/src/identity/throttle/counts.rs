//! One throttle: its counts in Redis where all replicas share them, else in this process.

use std::sync::Arc;

use super::memory::MemoryCounts;
use super::quota::{Counted, ThrottleQuota, ThrottleStep};
use super::shared::SharedCounts;
use super::{ThrottleKey, TooMany, seconds};
use crate::clock::Clock;

/// One throttle with its quotas, from the fastest to the slowest. A try passes when every quota lets it pass.
pub(super) struct Throttle {
    name: &'static str,
    quotas: Vec<ThrottleQuota>,
    memory: MemoryCounts,
    shared: Option<Arc<SharedCounts>>,
}

impl Throttle {
    pub fn new(
        name: &'static str,
        quotas: &[ThrottleQuota],
        clock: &Arc<dyn Clock>,
        shared: Option<Arc<SharedCounts>>,
    ) -> Self {
        Self {
            name,
            quotas: quotas.to_vec(),
            memory: MemoryCounts::new(quotas, clock),
            shared,
        }
    }

    /// Counts a try, or refuses it.
    pub async fn take(&self, key: ThrottleKey) -> Result<(), TooMany> {
        self.allowed(key, ThrottleStep::Take).await.map(drop)
    }

    /// Refuses a try that would be one too many, and counts nothing.
    pub async fn look(&self, key: ThrottleKey) -> Result<(), TooMany> {
        self.allowed(key, ThrottleStep::Look).await.map(drop)
    }

    /// True when the try is counted now, false when it is the first for long and may be counted afterwards.
    pub async fn take_if_used(&self, key: ThrottleKey) -> Result<bool, TooMany> {
        let counted = self.allowed(key, ThrottleStep::TakeIfUsed).await?;
        Ok(counted.is_taken)
    }

    /// Counts a failed try that was let pass without being counted.
    pub async fn count_failure(&self, key: ThrottleKey) {
        self.step(key, ThrottleStep::CountFailure).await;
    }

    /// Takes a counted try back.
    pub async fn give_back(&self, key: ThrottleKey) {
        self.step(key, ThrottleStep::GiveBack).await;
    }

    /// Counts a request, and says what is left.
    pub async fn count_request(&self, key: ThrottleKey) -> Counted {
        self.step(key, ThrottleStep::Take).await
    }

    async fn allowed(&self, key: ThrottleKey, step: ThrottleStep) -> Result<Counted, TooMany> {
        let counted = self.step(key, step).await;
        match counted.refused() {
            None => Ok(counted),
            Some(refused) => Err(refused),
        }
    }

    async fn step(&self, key: ThrottleKey, step: ThrottleStep) -> Counted {
        if let Some(shared) = &self.shared
            && let Some(counted) = shared.step(self.name, key, step, &self.quotas).await
        {
            return counted;
        }
        self.memory.step(key, step)
    }
}

impl Counted {
    /// `Some` when the try does not pass.
    pub fn refused(&self) -> Option<TooMany> {
        let retry_after_s = seconds(self.wait);
        (!self.wait.is_zero()).then_some(TooMany { retry_after_s })
    }
}
