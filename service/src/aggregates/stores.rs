//! The two stores of the totals, and whether they agree: the database, and the hot store in Redis if there is one.

use std::sync::Arc;

use tokio::sync::{Mutex, OnceCell};

use super::error::AggregatesError;
use super::hot::{Epoch, Hot};
use super::rebuild::Rebuild;
use super::repo;
use crate::clock::Clock;
use crate::db::Db;
use crate::redis::{Redis, RedisFault};

/// The stores and the clock of every part of the aggregates. Cloning it clones a handle.
#[derive(Clone)]
pub(super) struct AggregateStores {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    redis: Option<Arc<RedisStore>>,
}

struct RedisStore {
    redis: Arc<Redis>,
    /// Made once the bank's name is read from the database.
    hot: OnceCell<Hot>,
    /// The epoch to write in: `None` until both stores are known to agree, and after every fault of Redis.
    epoch: Mutex<Option<Epoch>>,
}

impl AggregateStores {
    /// Opens no connection yet.
    pub fn new(db: Db, clock: Arc<dyn Clock>, redis: Option<Redis>) -> Self {
        let redis = redis.map(|redis| {
            Arc::new(RedisStore {
                redis: Arc::new(redis),
                hot: OnceCell::new(),
                epoch: Mutex::new(None),
            })
        });
        Self { db, clock, redis }
    }

    pub fn has_redis(&self) -> bool {
        self.redis.is_some()
    }

    /// The hot store, whatever its state; `None` without Redis.
    pub async fn hot_store(&self) -> Result<Option<&Hot>, AggregatesError> {
        match &self.redis {
            Some(store) => self.hot_in(store).await.map(Some),
            None => Ok(None),
        }
    }

    /// The hot store and the epoch to write in; `None` without Redis. Where the two stores do not agree, a new epoch
    /// begins and is filled first, which adds up all payments of the books.
    pub async fn ready(&self) -> Result<Option<(&Hot, Epoch)>, AggregatesError> {
        let Some(store) = &self.redis else { return Ok(None) };
        let hot = self.hot_in(store).await?;
        let mut known = store.epoch.lock().await;
        if let Some(epoch) = &*known {
            return Ok(Some((hot, epoch.clone())));
        }
        let epoch = Rebuild::new(self.clone()).common_epoch(hot).await?;
        *known = Some(epoch.clone());
        Ok(Some((hot, epoch)))
    }

    /// Passes an outcome on. After a fault of Redis, and when an epoch is over, forgets the epoch, so that the next
    /// step agrees on one again. Every step of a part ends here.
    pub async fn reset_epoch_on_fault<T>(&self, outcome: Result<T, AggregatesError>) -> Result<T, AggregatesError> {
        if let Err(AggregatesError::Redis(RedisFault::Unreachable(_)) | AggregatesError::Rebuilding) = &outcome
            && let Some(store) = &self.redis
        {
            *store.epoch.lock().await = None;
        }
        outcome
    }

    async fn hot_in<'a>(&self, store: &'a RedisStore) -> Result<&'a Hot, AggregatesError> {
        let made = store.hot.get_or_try_init(|| async {
            let state = repo::state(&self.db.read).await?;
            Ok::<_, AggregatesError>(Hot::new(store.redis.clone(), &state.bank))
        });
        made.await
    }
}
