//! Takes blocks of imports from the queue in Redis and adds them to the hot totals. Any number of consumers may run; what
//! a dead one leaves unfinished is taken over.

use super::Aggregates;
use super::error::AggregatesError;
use super::hot::{Applied, Epoch, Hot};
use crate::clock::random_bytes;

/// How long a message may be in a consumer's hands before another one takes it over, in milliseconds. Both may then add
/// it; the mark lets one.
const CLAIM_AFTER_MS: u64 = 5_000;

/// One that takes messages, by a name of its own.
#[derive(Clone, Debug)]
pub struct Consumer {
    name: String,
    claim_after_ms: u64,
}

impl Consumer {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self::claiming_after(CLAIM_AFTER_MS)
    }

    /// One that takes over what is in other hands for so many milliseconds.
    #[must_use]
    pub fn claiming_after(claim_after_ms: u64) -> Self {
        Self {
            name: format!("{:016x}", u64::from_be_bytes(random_bytes())),
            claim_after_ms,
        }
    }
}

impl Default for Consumer {
    fn default() -> Self {
        Self::new()
    }
}

impl Aggregates {
    /// One step: takes some messages and adds them to the totals; how many. Without Redis there is no queue: the
    /// transaction that moves an import's checkpoint adds its rows.
    pub async fn consume_once(&self, consumer: &Consumer) -> Result<usize, AggregatesError> {
        let hot = self.hot().await;
        let Some((hot, epoch)) = self.reset_epoch_on_fault(hot).await? else {
            return Ok(0);
        };
        let outcome = consume(hot, &epoch, consumer).await;
        self.reset_epoch_on_fault(outcome).await
    }

    /// Says goodbye to a consumer that has finished.
    pub async fn leave(&self, consumer: &Consumer) -> Result<(), AggregatesError> {
        match self.hot().await? {
            Some((hot, _)) => hot.leave(&consumer.name).await,
            None => Ok(()),
        }
    }
}

async fn consume(hot: &Hot, epoch: &Epoch, consumer: &Consumer) -> Result<usize, AggregatesError> {
    let taken = hot.take(epoch, &consumer.name, consumer.claim_after_ms).await?;
    let taken = taken.ok_or(AggregatesError::Rebuilding)?;
    let count = taken.len();
    let mut readable = Vec::with_capacity(count);
    for one in taken {
        match one.message {
            Some(message) => readable.push((one.id, message)),
            None => bury(hot, &one.id, "cannot be read").await?,
        }
    }
    if readable.is_empty() {
        return Ok(count);
    }
    let applied = hot.apply(epoch, &readable).await?;
    for ((id, _), applied) in readable.iter().zip(applied) {
        match applied {
            Applied::Now(_) | Applied::Before(_) => {}
            // Its sender finds out too, and begins a new epoch.
            Applied::OutOfSequence => bury(hot, id, "does not follow what was applied").await?,
            Applied::Lost => return Err(AggregatesError::Rebuilding),
        }
    }
    Ok(count)
}

async fn bury(hot: &Hot, id: &str, why: &str) -> Result<(), AggregatesError> {
    tracing::warn!(id, "a message {why}; it is among the dead letters now");
    hot.bury(id).await
}
