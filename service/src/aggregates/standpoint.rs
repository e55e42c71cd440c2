//! Where the totals stand in the journal: the mark is kept with them, in Redis or in the row of state, and moves with them only.

use super::Aggregates;
use super::error::AggregatesError;
use super::hot::{Brought, Epoch, StoreVersion};
use super::relay::Beyond;
use super::repo::{self, Recorded, Table};
use crate::db::Fault;
use crate::feed::{self, Mark};

/// What Redis has counted and the database has not noted yet.
pub struct Unconfirmed {
    epoch: Epoch,
    version: StoreVersion,
    mark: Mark,
}

/// Where the totals stand.
pub struct Standpoint {
    pub mark: Mark,
    pub unconfirmed: Option<Unconfirmed>,
}

/// What became of a piece that was to be added to the totals.
pub enum Addition {
    Added(Option<Unconfirmed>),
    /// The totals do not stand at its beginning.
    Elsewhere,
}

impl Aggregates {
    /// Adds what was read to the totals, where they stand at its beginning, and moves the mark.
    pub(super) async fn bring_once(&self, beyond: &Beyond) -> Result<Addition, AggregatesError> {
        let Some((hot, epoch)) = self.hot().await? else {
            return self.bring_into_database(beyond.clone()).await;
        };
        let mark = beyond.to;
        match hot.bring(&epoch, (beyond.from, mark), &beyond.totals).await? {
            Brought::Now(version) => Ok(Addition::Added(Some(Unconfirmed { epoch, version, mark }))),
            Brought::Elsewhere => Ok(Addition::Elsewhere),
            Brought::Lost => Err(AggregatesError::Rebuilding),
        }
    }

    /// Without Redis one transaction does it all.
    async fn bring_into_database(&self, beyond: Beyond) -> Result<Addition, AggregatesError> {
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                let state = repo::lock_state(tx).await?;
                if state.epoch.is_some() {
                    return Err(AggregatesError::RedisNotConfigured);
                }
                if !state.stands_at(beyond.from) {
                    return Ok(Addition::Elsewhere);
                }
                repo::add(tx, Table::Hot, &beyond.totals).await?;
                if let Some(day) = beyond.totals.newest_day() {
                    repo::advance_newest(tx, day).await?;
                }
                repo::set_mark(tx, beyond.to).await?;
                Ok(Addition::Added(None))
            })
        });
        work.await
    }

    /// Where the totals stand now.
    pub(super) async fn standpoint(&self) -> Result<Standpoint, AggregatesError> {
        let store = self.hot().await?;
        let state = repo::state(&self.0.db.read).await?;
        let Some((hot, epoch)) = store else {
            if state.epoch.is_some() {
                return Err(AggregatesError::RedisNotConfigured);
            }
            let mark = match state.mark() {
                Some(mark) => Some(mark),
                None => feed::birth(&self.0.db.read).await?,
            };
            return Ok(Standpoint {
                mark: mark.ok_or(AggregatesError::Rebuilding)?,
                unconfirmed: None,
            });
        };
        let at = hot.read(None).await?.at;
        let mark = at.mark.filter(|_| at.epoch == epoch.0);
        let mark = mark.ok_or(AggregatesError::Rebuilding)?;
        let unconfirmed = Unconfirmed {
            epoch,
            version: at.version,
            mark,
        };
        Ok(Standpoint {
            mark,
            unconfirmed: Some(unconfirmed).filter(|_| state.mark() != Some(mark)),
        })
    }

    /// Tells the database how far Redis is.
    pub(super) async fn confirm(&self, unconfirmed: Unconfirmed) -> Result<(), AggregatesError> {
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                if repo::record(tx, &unconfirmed.epoch.0, unconfirmed.version).await? == Recorded::Stale {
                    return Err(AggregatesError::Rebuilding);
                }
                repo::set_mark(tx, unconfirmed.mark).await?;
                Ok(())
            })
        });
        work.await
    }

    /// The journal does not have the mark, so it is unknown which counted payments still exist: all are counted anew.
    pub(super) async fn make_anew(&self, lost: Mark) -> Result<(), AggregatesError> {
        tracing::error!(
            row = lost.number,
            "the database went back: the journal does not have the row that the daily totals stand at; they are made anew"
        );
        match self.hot().await? {
            Some((hot, epoch)) => Err(self.begin_epoch(hot, &epoch).await),
            None => self.make_anew_in_database().await,
        }
    }

    /// The sums are made in a snapshot: however long that takes, no write waits for it.
    async fn make_anew_in_database(&self) -> Result<(), AggregatesError> {
        let now = self.0.clock.now();
        let snapshot = self.0.db.snapshot().await?;
        let head = feed::newest(&snapshot).await?;
        let totals = repo::ledger_totals(&snapshot, head.last_id).await?;
        snapshot.rollback().await.map_err(Fault::from)?;
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                let state = repo::lock_state(tx).await?;
                // Another process may have done it.
                let is_lost = match state.mark() {
                    Some(mark) => feed::last_id_of(tx, mark).await?.is_none(),
                    None => false,
                };
                // Else the database has gone back once more.
                let is_there = feed::last_id_of(tx, head.mark).await?.is_some();
                if is_lost && is_there && state.epoch.is_none() {
                    repo::forget_own(tx).await?;
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
