//! Brings the bank's own deposits and withdrawals from the outbox, which the ledger fills in its own transactions, to the
//! hot totals: once each, in numbered batches, in order.

use super::Aggregates;
use super::error::AggregatesError;
use super::hot::{Applied, Epoch, Hot};
use super::repo::{self, Recorded, Table};

/// Deposits and withdrawals in a batch: few enough that SQLite's write lock is free again well within 100 ms.
pub(super) const BATCH_MAX: i64 = 1_000;
/// Batches read at once.
const BATCHES_MAX: i64 = 64;

impl Aggregates {
    /// One step: takes what is in the outbox, at most a batch, and brings it to the hot totals. How many were taken.
    pub async fn relay_once(&self) -> Result<u64, AggregatesError> {
        let hot = self.hot().await;
        let outcome = match self.noticing(hot).await? {
            None => return self.relay_into_database().await,
            Some((hot, epoch)) => {
                let taken = self.make_batch().await?;
                self.apply_batches(hot, &epoch).await.map(|()| taken)
            }
        };
        self.noticing(outcome).await
    }

    /// The first half of a step with Redis: moves what is in the outbox into a numbered batch.
    pub async fn make_batch(&self) -> Result<u64, AggregatesError> {
        if !repo::has_outbox(&self.0.db.read).await? {
            return Ok(0);
        }
        let now = self.0.clock.now();
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                // Numbers are given under this lock, so that batches are committed in their order.
                repo::lock_state(tx).await?;
                let totals = repo::take_outbox(tx, BATCH_MAX).await?;
                if !totals.is_empty() {
                    repo::next_batch(tx, &totals, now).await?;
                }
                Ok::<_, AggregatesError>(totals.iter().map(|(_, sum)| sum.count).sum())
            })
        });
        work.await
    }

    /// The second half: adds every batch that is not known to be in Redis, in order, and notes how far it came.
    async fn apply_batches(&self, hot: &Hot, epoch: &Epoch) -> Result<(), AggregatesError> {
        loop {
            let confirmed = repo::state(&self.0.db.read).await?.confirmed;
            let batches = repo::batches_after(&self.0.db.read, confirmed, BATCHES_MAX).await?;
            let Some(&(last, _)) = batches.last() else {
                return Ok(());
            };
            let mut version = 0;
            for (number, totals) in &batches {
                version = match hot.apply_batch(epoch, *number, totals).await? {
                    Applied::Now(version) | Applied::Before(version) => version,
                    Applied::Apart => return Err(self.distrust(hot, epoch).await),
                    Applied::Lost => return Err(AggregatesError::Rebuilding),
                };
            }
            self.confirm(epoch.clone(), last, version).await?;
        }
    }

    async fn confirm(&self, epoch: Epoch, number: u64, version: i64) -> Result<(), AggregatesError> {
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                if repo::record(tx, &epoch.0, version).await? == Recorded::Stale {
                    return Err(AggregatesError::Rebuilding);
                }
                repo::confirm(tx, number.cast_signed()).await?;
                Ok(())
            })
        });
        work.await
    }

    /// Without Redis one transaction does it all.
    async fn relay_into_database(&self) -> Result<u64, AggregatesError> {
        if !repo::has_outbox(&self.0.db.read).await? {
            return Ok(0);
        }
        let work = self.0.db.transaction(|tx| {
            Box::pin(async move {
                let totals = repo::take_outbox(tx, BATCH_MAX).await?;
                repo::add(tx, Table::Hot, &totals).await?;
                if let Some(day) = totals.newest_day() {
                    repo::advance_newest(tx, day).await?;
                }
                Ok::<_, AggregatesError>(totals.iter().map(|(_, sum)| sum.count).sum())
            })
        });
        work.await
    }
}
