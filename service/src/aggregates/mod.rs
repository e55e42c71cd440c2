//! Daily totals by payment method: what the bank itself moved, and what files of other systems tell.
//!
//! Invariants: a deposit, a withdrawal or an imported row is counted once, whatever crashes where; each generation of a
//! day's totals is in exactly one store's answer; the mark of what was applied moves with the totals; whatever Redis holds
//! can be made anew from the database.

mod archiver;
mod consumer;
mod day;
mod epochs;
mod error;
mod hot;
mod importer;
mod message;
mod relay;
mod repo;
mod row;
mod standpoint;
mod totals;
mod verify;
mod workers;

pub use consumer::Consumer;
pub use day::{Day, DayRange, RangeError};
pub use error::AggregatesError;
pub use hot::Sealed;
pub use importer::Transactions;
pub use message::{Message, decode_totals, encode_totals};
pub use relay::Beyond;
pub use row::{Row, TransactionLayout, parse, totals_of};
pub use totals::{Key, PaymentKind, Source, Sum, Totals};
pub use verify::{Comparison, Verdict};

pub(crate) use verify::compare;

use std::sync::{Arc, PoisonError};

use tokio::sync::{Mutex, OnceCell};

use crate::clock::Clock;
use crate::db::Db;
use crate::feed::Handover;
use crate::redis::Redis;
use crate::values::Currency;
use hot::{Epoch, Hot, Reading, Stage};
use workers::Workers;

/// The pipeline and its answer. Cloning it clones a handle.
#[derive(Clone)]
pub struct Aggregates(Arc<AggregateStores>);

struct AggregateStores {
    db: Db,
    clock: Arc<dyn Clock>,
    redis: Option<Arc<Redis>>,
    /// From the committer of this process, if there is one.
    handover: Option<Handover>,
    hot: OnceCell<Hot>,
    /// Set while Redis and the database are known to go together; taken back with every fault of Redis.
    epoch: Mutex<Option<Epoch>>,
    workers: std::sync::Mutex<Option<Workers>>,
}

impl Aggregates {
    /// On a migrated database, with the hot store in Redis if there is one. Opens no connection yet.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, redis: Option<Redis>) -> Self {
        Self::made(db, clock, redis, None)
    }

    /// The same in the process of a committer, which hands over what it commits.
    #[must_use]
    pub fn beside_committer(db: Db, clock: Arc<dyn Clock>, redis: Option<Redis>, handover: Handover) -> Self {
        Self::made(db, clock, redis, Some(handover))
    }

    fn made(db: Db, clock: Arc<dyn Clock>, redis: Option<Redis>, handover: Option<Handover>) -> Self {
        Self(Arc::new(AggregateStores {
            db,
            clock,
            redis: redis.map(Arc::new),
            handover,
            hot: OnceCell::new(),
            epoch: Mutex::new(None),
            workers: std::sync::Mutex::default(),
        }))
    }

    /// Starts the tasks of a server; a second call changes nothing. Must be called inside a tokio runtime.
    pub fn serve(&self) {
        let mut workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers.get_or_insert_with(|| Workers::start(self));
    }

    /// Ends them, each after the step that it is at.
    pub(crate) async fn stop(&self) {
        let workers = self.0.workers.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(workers) = workers {
            workers.stop().await;
        }
    }

    /// The totals of a currency's days: one round trip to Redis if there is one, then one to the database.
    ///
    /// Who finds that Redis has restarted, or that the database went back, begins the new epoch and looks once more.
    pub async fn daily(&self, days: DayRange, currency: Currency) -> Result<Totals, AggregatesError> {
        match self.daily_in_epoch(days, currency).await {
            Err(AggregatesError::Rebuilding) => {
                self.hot().await?;
                self.daily_in_epoch(days, currency).await
            }
            answered => answered,
        }
    }

    /// In this order: what the archiver moves in between is in the database's answer, which names the generations that it
    /// has, and those are left out of Redis'.
    async fn daily_in_epoch(&self, days: DayRange, currency: Currency) -> Result<Totals, AggregatesError> {
        let reading = self.read_days(days).await?;
        let generations = reading.as_ref().map(Reading::ids).unwrap_or_default();
        let daily = repo::daily(&self.0.db.read, days, currency, &generations).await?;
        let reading = self
            .reset_epoch_on_fault(same_epoch(reading, daily.epoch.as_deref()))
            .await?;
        let removed = reading.as_ref().and_then(|reading| reading.at.removed.as_ref());
        if removed.is_some_and(|id| !daily.archived.contains(id)) {
            // The database went back: what it had of this generation is in neither store.
            return self.reset_epoch_on_fault(Err(AggregatesError::Rebuilding)).await;
        }
        let mut totals = daily.totals;
        for (generation, _, hot) in reading.into_iter().flat_map(|reading| reading.generations) {
            if !daily.archived.contains(&generation.id) {
                totals.add_all(hot.filtered(|key| key.currency == currency));
            }
        }
        Ok(totals)
    }

    /// The whole hot store at one moment; `None` without Redis.
    pub(crate) async fn read_hot(&self) -> Result<Option<Reading>, AggregatesError> {
        self.read_days(DayRange::all()).await
    }

    async fn read_days(&self, days: DayRange) -> Result<Option<Reading>, AggregatesError> {
        match self.store().await? {
            Some(hot) => self.reset_epoch_on_fault(hot.read(Some(days)).await).await.map(Some),
            None => Ok(None),
        }
    }

    /// The bank's part of Redis, if there is a Redis; nothing is known of its state.
    async fn store(&self) -> Result<Option<&Hot>, AggregatesError> {
        let Some(redis) = &self.0.redis else { return Ok(None) };
        let made = self.0.hot.get_or_try_init(|| async {
            let state = repo::state(&self.0.db.read).await?;
            Ok::<_, AggregatesError>(Hot::new(redis.clone(), &state.bank))
        });
        made.await.map(Some)
    }
}

/// A reading of Redis is worth something beside the database only if both are of one epoch.
fn same_epoch(reading: Option<Reading>, epoch: Option<&str>) -> Result<Option<Reading>, AggregatesError> {
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
