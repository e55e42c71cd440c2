//! Connects the hot store: checks that Redis and the database are of one epoch, once, and again whenever a script says that the
//! epoch is over. When Redis has restarted its content is unknown, so a new epoch begins and is filled from the database. No setting of Redis' persistence has to be trusted.

use super::error::AggregatesError;
use super::hot::{Epoch, Filling, Hot, Position, Stage};
use super::{Aggregates, Day, repo};
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::feed;
use crate::redis::RedisFault;

/// Other processes may begin an epoch at the same time.
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
        let epoch = self.connect_store(hot).await?;
        *known = Some(epoch.clone());
        Ok(Some((hot, epoch)))
    }

    /// Passes an outcome on; after a fault of Redis nothing is known of it any more. Whatever rests on an epoch goes through
    /// here.
    pub(super) async fn reset_epoch_on_fault<T>(
        &self,
        outcome: Result<T, AggregatesError>,
    ) -> Result<T, AggregatesError> {
        if let Err(AggregatesError::Redis(RedisFault::Unreachable(_)) | AggregatesError::Rebuilding) = &outcome {
            *self.0.epoch.lock().await = None;
        }
        outcome
    }

    /// Begins a new epoch, since Redis and the database do not go on from the same place.
    pub(super) async fn begin_epoch(&self, hot: &Hot, epoch: &Epoch) -> AggregatesError {
        match hot.begin(&epoch.0, &new_epoch()).await {
            Ok(_) => AggregatesError::Rebuilding,
            Err(error) => error,
        }
    }

    /// The database is asked first: what it rests on by then, Redis must have a moment later.
    async fn connect_store(&self, hot: &Hot) -> Result<Epoch, AggregatesError> {
        for _ in 0..TRIES_MAX {
            let state = repo::state(&self.0.db.read).await?;
            let at = hot.read(None).await?.at;
            let later = repo::state(&self.0.db.read).await?;
            if later.epoch != state.epoch {
                continue;
            }
            let is_expected = state.epoch.as_ref() == Some(&at.epoch) && at.version >= state.version;
            let why = match at.stage {
                Stage::Begun => {
                    self.rebuild(hot, Epoch(at.epoch), "a new epoch was begun").await?;
                    continue;
                }
                Stage::Over => "Redis has restarted or was emptied",
                Stage::Ready if !is_expected => "Redis has lost something, or Redis and the database are of two epochs",
                Stage::Ready => match self.lost_of_what_is_counted(&at).await? {
                    None => return Ok(Epoch(at.epoch)),
                    // The archiver went on in between, and the database may have forgotten the older name.
                    Some(_) if hot.read(None).await?.at.removed != at.removed => continue,
                    Some(why) => why,
                },
            };
            let epoch = hot.begin(&at.epoch, &new_epoch()).await?;
            self.rebuild(hot, Epoch(epoch), why).await?;
        }
        Err(AggregatesError::Rebuilding)
    }

    /// A database that went back may not have the row that Redis has counted last, nor what was archived and is gone from Redis.
    /// Says what is lost; `None` where all of it is there.
    async fn lost_of_what_is_counted(&self, at: &Position) -> Result<Option<&'static str>, Fault> {
        let Some(mark) = at.mark else {
            return Ok(Some("Redis has lost the row of the journal that it stands at"));
        };
        if feed::last_id_of(&self.0.db.read, mark).await?.is_none() {
            return Ok(Some(
                "the database went back: its journal does not have the row that Redis stands at",
            ));
        }
        let has_archived = self.has_archived(at.removed.as_deref()).await?;
        Ok((!has_archived).then_some("the database went back: it does not have what was archived last"))
    }

    /// Tells the database of the epoch, so that nothing that rests on an older one is written any more; sums up what its
    /// books and its imports came to and none of its own stores has; gives that to Redis. Done twice or by two at once it
    /// comes to the same.
    async fn rebuild(&self, hot: &Hot, epoch: Epoch, why: &'static str) -> Result<(), AggregatesError> {
        self.begin(epoch.clone(), why).await?;
        let tx = self.0.db.snapshot().await?;
        let state = repo::state(&tx).await?;
        let head = feed::newest(&tx).await?;
        let mut known = repo::ledger_totals(&tx, head.last_id).await?;
        known.add_all(repo::imported_totals(&tx).await?);
        let stored = repo::stored_totals(&tx).await?;
        tx.rollback().await.map_err(Fault::from)?;
        hot.fill(Filling {
            epoch: &epoch,
            newest: state.newest_day.map(Day::from),
            mark: head.mark,
            totals: &known.without(&stored),
        })
        .await
    }

    async fn begin(&self, epoch: Epoch, why: &'static str) -> Result<(), AggregatesError> {
        let now = self.0.clock.now();
        let again = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                let state = repo::lock_state(tx).await?;
                if state.epoch.as_ref() == Some(&epoch.0) {
                    return Ok::<_, Fault>(false);
                }
                if let Some(mark) = state.mark()
                    && feed::last_id_of(tx, mark).await?.is_none()
                {
                    // What is in the tables was counted from rows that are gone.
                    repo::forget_own(tx).await?;
                }
                repo::begin_epoch(tx, &epoch.0).await?;
                let again = state.epoch.is_some();
                if again {
                    repo::note_rebuilt(tx, now).await?;
                }
                Ok(again)
            })
        });
        if again.await? {
            tracing::warn!(why, "the hot totals are made anew from the database");
        }
        Ok(())
    }
}

/// A name that no epoch had before.
fn new_epoch() -> Epoch {
    Epoch(format!("{:032x}", u128::from_be_bytes(random_bytes())))
}
