//! Do Redis and the database belong together? Asked once, and again after every fault of Redis: it may have restarted
//! with less than it had. What is the bank's own is then made anew from the ledger; of the rest it is told that it is gone.

use super::error::AggregatesError;
use super::hot::{Epoch, Filling, Hot, Reading};
use super::{Aggregates, Day, DayRange, repo};
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::redis::RedisFault;

/// Others may be at it as well.
const TRIES_MAX: usize = 5;

impl Aggregates {
    /// The hot store in Redis and the epoch to write in; `None` when there is no Redis.
    pub(super) async fn hot(&self) -> Result<Option<(&Hot, Epoch)>, AggregatesError> {
        let Some(hot) = self.store().await? else {
            return Ok(None);
        };
        let mut known = self.0.epoch.lock().await;
        if let Some(epoch) = &*known {
            return Ok(Some((hot, epoch.clone())));
        }
        let epoch = self.attach(hot).await?;
        *known = Some(epoch.clone());
        Ok(Some((hot, epoch)))
    }

    /// Passes an outcome on; after a fault of Redis nothing is known of it any more.
    pub(super) async fn noticing<T>(&self, outcome: Result<T, AggregatesError>) -> Result<T, AggregatesError> {
        if let Err(AggregatesError::Redis(RedisFault::Unreachable(_)) | AggregatesError::Rebuilding) = &outcome {
            *self.0.epoch.lock().await = None;
        }
        outcome
    }

    /// Begins a new epoch, since Redis has forgotten something that the database rests on.
    pub(super) async fn distrust(&self, hot: &Hot, epoch: &Epoch) -> AggregatesError {
        match hot.found(&epoch.0, &new_epoch()).await {
            Ok(_) => AggregatesError::Rebuilding,
            Err(error) => error,
        }
    }

    /// The database is asked first: what it rests on by then, Redis must have a moment later.
    async fn attach(&self, hot: &Hot) -> Result<Epoch, AggregatesError> {
        for _ in 0..TRIES_MAX {
            let state = repo::state(&self.0.db.read).await?;
            let reading = hot.read(Some(DayRange::all())).await?;
            let at = &reading.at;
            if at.is_ready && state.epoch.as_ref() == Some(&at.epoch) && at.version >= state.version {
                return Ok(Epoch(at.epoch.clone()));
            }
            let is_begun = !at.epoch.is_empty() && !at.is_ready;
            let epoch = if is_begun {
                at.epoch.clone()
            } else {
                hot.found(&at.epoch, &new_epoch()).await?
            };
            self.rebuild(hot, Epoch(epoch), &reading).await?;
        }
        Err(AggregatesError::Rebuilding)
    }

    /// Tells the database of the epoch, so that nothing of an older one is archived any more; sums up what the ledger has
    /// and neither table nor the outbox; gives that to Redis. Done twice or by two at once it comes to the same.
    async fn rebuild(&self, hot: &Hot, epoch: Epoch, reading: &Reading) -> Result<(), AggregatesError> {
        self.begin(epoch.clone()).await?;
        let tx = self.0.db.snapshot().await?;
        let state = repo::state(&tx).await?;
        let ledger = repo::ledger_totals(&tx).await?;
        let elsewhere = repo::bank_totals(&tx).await?;
        let archived = repo::archived_among(&tx, &reading.ids()).await?;
        tx.rollback().await.map_err(Fault::from)?;
        let missing = ledger.without(&elsewhere);
        let archived: Vec<String> = archived.into_iter().collect();
        hot.fill(Filling {
            epoch: &epoch,
            newest: state.newest_day.map(Day::from),
            next_batch: state.batch.unsigned_abs() + 1,
            archived: &archived,
            totals: &missing,
        })
        .await
    }

    async fn begin(&self, epoch: Epoch) -> Result<(), AggregatesError> {
        let now = self.0.clock.now();
        let lost = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                let state = repo::lock_state(tx).await?;
                if state.epoch.as_ref() == Some(&epoch.0) {
                    return Ok::<_, Fault>(false);
                }
                let is_loss = state.epoch.is_some();
                repo::begin_epoch(tx, &epoch.0, is_loss.then_some(now)).await?;
                Ok(is_loss)
            })
        });
        if lost.await? {
            tracing::error!(
                "Redis has lost totals of recent days; the bank's own are made anew from its ledger, imported rows are not"
            );
        }
        Ok(())
    }
}

/// A name that no epoch had before.
fn new_epoch() -> Epoch {
    Epoch(format!("{:032x}", u128::from_be_bytes(random_bytes())))
}
