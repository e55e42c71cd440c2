//! Takes blocks of imports from the queue in Redis and adds them to the hot totals. Any number of consumers may run;
//! the others take over what a dead one leaves unfinished.

use std::time::Duration;

use super::PAUSE_MAX;
use super::error::AggregatesError;
use super::hot::{Applied, Epoch, Hot};
use super::stores::AggregateStores;
use crate::backoff::Backoff;
use crate::clock::random_bytes;
use crate::workers::{Step, Worker};

/// The pause after a step that found nothing.
const PAUSE: Duration = Duration::from_millis(100);
/// Another consumer takes a message over that was taken this long ago and is not finished, in milliseconds. Both may
/// then try to add it; the number of the import's next block allows only one of them.
const CLAIM_AFTER_MS: u64 = 5_000;

/// Takes messages under a name of its own.
pub struct Consumer {
    stores: AggregateStores,
    name: String,
    claim_after_ms: u64,
}

impl Consumer {
    pub(super) fn new(stores: AggregateStores) -> Self {
        Self {
            stores,
            name: format!("{:016x}", u64::from_be_bytes(random_bytes())),
            claim_after_ms: CLAIM_AFTER_MS,
        }
    }

    /// The same, but it takes over messages that were taken so many milliseconds ago and are not finished.
    #[must_use]
    pub fn claiming_after(self, claim_after_ms: u64) -> Self {
        Self { claim_after_ms, ..self }
    }

    /// Steps until the worker has to end, then deletes the consumer's name.
    pub(super) async fn run(stores: AggregateStores, worker: Worker) {
        let consumer = Self::new(stores);
        let step = || async {
            Ok::<_, AggregatesError>(match consumer.step().await? {
                0 => Step::Idle,
                _ => Step::More,
            })
        };
        worker.repeat(Backoff::new(PAUSE, PAUSE_MAX), step).await;
        if let Err(error) = consumer.leave().await {
            tracing::debug!(%error, "a consumer's name stays in Redis until it is purged");
        }
    }

    /// Takes some messages, adds them to the totals, and answers how many it took. Without Redis there is no queue: the
    /// transaction that moves an import's checkpoint adds its rows.
    pub async fn step(&self) -> Result<usize, AggregatesError> {
        let stepped = self.try_step().await;
        self.stores.reset_epoch_on_fault(stepped).await
    }

    /// Deletes the consumer's name in Redis.
    pub async fn leave(&self) -> Result<(), AggregatesError> {
        // Not `ready`: no epoch is begun and filled to delete a name.
        match self.stores.hot_store().await? {
            Some(hot) => hot.leave(&self.name).await,
            None => Ok(()),
        }
    }

    async fn try_step(&self) -> Result<usize, AggregatesError> {
        match self.stores.ready().await? {
            Some((hot, epoch)) => consume(hot, &epoch, self).await,
            None => Ok(0),
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
            // The sender finds the same, and begins a new epoch.
            Applied::OutOfSequence => bury(hot, id, "does not follow what was applied").await?,
            Applied::EpochOver => return Err(AggregatesError::Rebuilding),
        }
    }
    Ok(count)
}

async fn bury(hot: &Hot, id: &str, why: &str) -> Result<(), AggregatesError> {
    tracing::warn!(id, "a message {why}; it is among the dead letters now");
    hot.bury(id).await
}
