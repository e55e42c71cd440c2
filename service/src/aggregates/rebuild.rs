//! Rebuilds Redis' totals from the database, or the database's totals from its books, where one of them has lost
//! something.
//!
//! After a restart the content of Redis is unknown, so a new epoch begins and is filled from the database. Redis'
//! persistence need not be trusted.

use super::Day;
use super::error::AggregatesError;
use super::hot::{Epoch, Filling, Hot, Position, Stage};
use super::repo::{self, Table};
use super::stores::AggregateStores;
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::feed::{self, Mark};

/// The most tries to agree on an epoch: other processes may begin one at the same time.
const TRIES_MAX: usize = 5;

pub(super) struct Rebuild {
    stores: AggregateStores,
}

impl Rebuild {
    pub fn new(stores: AggregateStores) -> Self {
        Self { stores }
    }

    /// The epoch that Redis and the database are both in. Where they are not, or where one of them has lost something,
    /// begins a new one and fills it.
    ///
    /// Reads the database first: the version that it has then, Redis must have a moment later.
    pub async fn common_epoch(&self, hot: &Hot) -> Result<Epoch, AggregatesError> {
        let db = &self.stores.db.read;
        for _ in 0..TRIES_MAX {
            let state = repo::state(db).await?;
            let at = hot.read(None).await?.at;
            let later = repo::state(db).await?;
            if later.epoch != state.epoch {
                continue;
            }
            let is_expected = state.epoch.as_ref() == Some(&at.epoch) && at.version >= state.version;
            let why = match at.stage {
                Stage::Begun => {
                    self.fill_redis(hot, Epoch(at.epoch), "a new epoch was begun").await?;
                    continue;
                }
                Stage::Over => "Redis has restarted or was emptied",
                Stage::Ready if !is_expected => "Redis has lost something, or Redis and the database are of two epochs",
                Stage::Ready => match self.what_the_database_lost(&at).await? {
                    None => return Ok(Epoch(at.epoch)),
                    // The archiver went on in between, and the database may have purged the older name.
                    Some(_) if hot.read(None).await?.at.removed != at.removed => continue,
                    Some(why) => why,
                },
            };
            let epoch = hot.begin(&at.epoch, &new_epoch()).await?;
            self.fill_redis(hot, Epoch(epoch), why).await?;
        }
        Err(AggregatesError::Rebuilding)
    }

    /// Begins a new epoch in Redis, for a caller that found that Redis and the database do not agree. The next step
    /// fills it.
    pub async fn begin_epoch(&self, hot: &Hot, epoch: &Epoch) -> Result<(), AggregatesError> {
        hot.begin(&epoch.0, &new_epoch()).await.map(drop)
    }

    /// The journal does not have the mark, so it is unknown which counted payments still exist: all are counted again.
    pub async fn after_lost_mark(&self, lost: Mark) -> Result<(), AggregatesError> {
        tracing::error!(
            row = lost.number,
            "the database went back: the journal does not have the row that the daily totals stand at; they are made anew"
        );
        match self.stores.ready().await? {
            Some((hot, epoch)) => {
                self.begin_epoch(hot, &epoch).await?;
                Err(AggregatesError::Rebuilding)
            }
            None => self.count_books_anew().await,
        }
    }

    /// What is lost; `None` if nothing is. A database that went back may not have the row that Redis has counted last,
    /// nor the totals that were archived and removed from Redis.
    async fn what_the_database_lost(&self, at: &Position) -> Result<Option<&'static str>, Fault> {
        let db = &self.stores.db.read;
        let Some(mark) = at.mark else {
            return Ok(Some("Redis has lost the row of the journal that it stands at"));
        };
        if !feed::has_row(db, mark).await? {
            return Ok(Some(
                "the database went back: its journal does not have the row that Redis stands at",
            ));
        }
        let has_step = repo::has_step(db, at.removed.as_deref()).await?;
        Ok((!has_step).then_some("the database went back: it does not have what was archived last"))
    }

    /// Records the epoch in the database, so that no step of an older epoch is written any more. Then fills Redis with
    /// the totals of the books and the imports, less those in the database's own tables. Running it twice, or in two
    /// processes at once, gives the same result.
    async fn fill_redis(&self, hot: &Hot, epoch: Epoch, why: &'static str) -> Result<(), AggregatesError> {
        self.record_epoch(epoch.clone(), why).await?;
        let tx = self.stores.db.snapshot().await?;
        let state = repo::state(&tx).await?;
        let head = feed::head(&tx).await?;
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

    async fn record_epoch(&self, epoch: Epoch, why: &'static str) -> Result<(), AggregatesError> {
        let now = self.stores.clock.now();
        let again = self.stores.db.transaction(move |tx| {
            Box::pin(async move {
                let state = repo::lock_state(tx).await?;
                if state.epoch.as_ref() == Some(&epoch.0) {
                    return Ok::<_, Fault>(false);
                }
                if let Some(mark) = state.mark()
                    && !feed::has_row(tx, mark).await?
                {
                    // The tables were counted from rows of the journal that are gone.
                    repo::delete_bank_totals(tx).await?;
                }
                repo::record_epoch(tx, &epoch.0).await?;
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

    /// Without Redis. Sums up in a snapshot, so that no write waits, however long it takes.
    async fn count_books_anew(&self) -> Result<(), AggregatesError> {
        let now = self.stores.clock.now();
        let snapshot = self.stores.db.snapshot().await?;
        let head = feed::head(&snapshot).await?;
        let totals = repo::ledger_totals(&snapshot, head.last_id).await?;
        snapshot.rollback().await.map_err(Fault::from)?;
        let work = self.stores.db.transaction(move |tx| {
            Box::pin(async move {
                let state = repo::lock_state(tx).await?;
                // Another process may have done it.
                let is_lost = match state.mark() {
                    Some(mark) => !feed::has_row(tx, mark).await?,
                    None => false,
                };
                // False if the database has gone back once more.
                let is_there = feed::has_row(tx, head.mark).await?;
                if is_lost && is_there && state.epoch.is_none() {
                    repo::delete_bank_totals(tx).await?;
                    repo::add(tx, Table::Hot, &totals).await?;
                    repo::set_mark(tx, head.mark).await?;
                    repo::note_rebuilt(tx, now).await?;
                }
                Ok::<_, Fault>(())
            })
        });
        Ok(work.await?)
    }
}

/// A name that no epoch had before.
fn new_epoch() -> Epoch {
    Epoch(format!("{:032x}", u128::from_be_bytes(random_bytes())))
}
