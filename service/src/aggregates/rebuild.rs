//! Makes Redis' totals anew from the database, or the database's from its books, where one of them has lost something.
//!
//! When Redis has restarted its content is unknown, so a new epoch begins and is filled from the database. No setting of Redis'
//! persistence has to be trusted.

use super::Day;
use super::error::AggregatesError;
use super::hot::{Epoch, Filling, Hot, Position, Stage};
use super::repo::{self, Table};
use super::stores::AggregateStores;
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::feed::{self, Mark};

/// Other processes may begin an epoch at the same time.
const TRIES_MAX: usize = 5;

pub(super) struct Rebuild {
    stores: AggregateStores,
}

impl Rebuild {
    pub fn new(stores: AggregateStores) -> Self {
        Self { stores }
    }

    /// The epoch that Redis and the database are both in; begins and fills a new one where they are not, or where one of them has
    /// lost something.
    ///
    /// The database is asked first: what it rests on by then, Redis must have a moment later.
    pub async fn connect_store(&self, hot: &Hot) -> Result<Epoch, AggregatesError> {
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

    /// Begins a new epoch in Redis, since Redis and the database do not go on from the same place. The next step fills it.
    pub async fn begin_epoch(&self, hot: &Hot, epoch: &Epoch) -> Result<(), AggregatesError> {
        hot.begin(&epoch.0, &new_epoch()).await.map(drop)
    }

    /// The journal does not have the mark, so it is unknown which counted payments still exist: all are counted anew.
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

    /// A database that went back may not have the row that Redis has counted last, nor what was archived and is gone from Redis.
    /// Says what is lost; `None` where all of it is there.
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

    /// Tells the database of the epoch, so that nothing that rests on an older one is written any more; sums up what its
    /// books and its imports came to and none of its own stores has; gives that to Redis. Done twice or by two at once it
    /// comes to the same.
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
                    // What is in the tables was counted from rows that are gone.
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

    /// Without Redis. The sums are made in a snapshot: however long that takes, no write waits for it.
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
                // Else the database has gone back once more.
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
