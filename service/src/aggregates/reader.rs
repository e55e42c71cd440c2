//! Answers from both stores: what Redis holds, if there is one, and what `hot_totals` and `cold_totals` hold.

use super::DayRange;
use super::error::AggregatesError;
use super::hot::{Reading, Stage};
use super::repo;
use super::stores::AggregateStores;
use super::totals::Totals;
use crate::values::Currency;

#[derive(Clone)]
pub(super) struct TotalsReader {
    stores: AggregateStores,
}

impl TotalsReader {
    pub fn new(stores: AggregateStores) -> Self {
        Self { stores }
    }

    /// One round trip to Redis, if there is one, then one to the database. If Redis has restarted or the database went
    /// back, begins a new epoch and reads once more.
    pub async fn daily(&self, days: DayRange, currency: Currency) -> Result<Totals, AggregatesError> {
        match self.daily_in_epoch(days, currency).await {
            Err(AggregatesError::Rebuilding) => {
                self.stores.ready().await?;
                self.daily_in_epoch(days, currency).await
            }
            answered => answered,
        }
    }

    /// The hot store's totals of some days at one moment; `None` without Redis.
    pub async fn read_hot(&self, days: DayRange) -> Result<Option<Reading>, AggregatesError> {
        match self.stores.hot_store().await? {
            Some(hot) => self
                .stores
                .reset_epoch_on_fault(hot.read(Some(days)).await)
                .await
                .map(Some),
            None => Ok(None),
        }
    }

    async fn daily_in_epoch(&self, days: DayRange, currency: Currency) -> Result<Totals, AggregatesError> {
        let reading = self.read_hot(days).await?;
        let outcome = self.beside_the_database(reading, days, currency).await;
        self.stores.reset_epoch_on_fault(outcome).await
    }

    /// Redis was read first, so what the archiver moves in between may be in both answers. The database's answer names
    /// the generations that it has, and those are left out of Redis' answer.
    async fn beside_the_database(
        &self,
        reading: Option<Reading>,
        days: DayRange,
        currency: Currency,
    ) -> Result<Totals, AggregatesError> {
        let names = reading.as_ref().map(Reading::ids).unwrap_or_default();
        let daily = repo::daily(&self.stores.db.read, days, currency, &names).await?;
        let reading = same_epoch(reading, daily.epoch.as_deref())?;
        let removed = reading.as_ref().and_then(|reading| reading.at.removed.as_ref());
        if removed.is_some_and(|step| !daily.archived.contains(step)) {
            // The database went back: it lacks the archiver's last step, so what that removed from Redis is in neither
            // store.
            return Err(AggregatesError::Rebuilding);
        }
        let mut totals = daily.totals;
        for (generation, _, hot) in reading.into_iter().flat_map(|reading| reading.generations) {
            if !daily.archived.contains(&generation.id) {
                totals.add_all(hot.filtered(|key| key.currency == currency));
            }
        }
        Ok(totals)
    }
}

/// Accepts a reading of Redis only if it is ready and of the database's epoch. `None` if neither has an epoch.
pub(super) fn same_epoch(reading: Option<Reading>, epoch: Option<&str>) -> Result<Option<Reading>, AggregatesError> {
    match (reading, epoch) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(AggregatesError::RedisNotConfigured),
        (Some(reading), None) if reading.at.epoch.is_empty() => Ok(None),
        (Some(reading), Some(epoch)) if reading.at.stage == Stage::Ready && reading.at.epoch == epoch => {
            Ok(Some(reading))
        }
        (Some(_), _) => Err(AggregatesError::Rebuilding),
    }
}
