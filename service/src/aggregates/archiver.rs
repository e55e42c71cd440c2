//! Moves cold days out of the hot store: close, write, remove. Each step may be done again, by anybody, at any time.
//!
//! | crash or race | why no total changes |
//! |---|---|
//! | after closing, before writing | closed totals are read as before, and closed again by nobody |
//! | after writing, before removing | the generation is stored as archived: it counts in the database only |
//! | two archivers | a generation is stored as archived once, and its totals only with that |
//! | the database loses what was written | its days are gone from both, so Redis names the last generation that was removed: a database without it went back, and a new epoch begins |
//! | a late row | finds its day's generation closed and opens another one |

use chrono::TimeDelta;

use super::error::AggregatesError;
use super::hot::{Epoch, Hot, Sealed};
use super::repo::{self, Recorded, Table};
use super::totals::Totals;
use super::{Aggregates, Day};
use crate::db::Fault;

/// Sums moved in one transaction within the database.
const MOVED_MAX: i64 = 1_000;
/// How long a generation stays stored as archived after it is gone from Redis: longer than any reader takes from its
/// question to Redis to the one to the database.
const ARCHIVED_KEPT: TimeDelta = TimeDelta::days(1);

impl Aggregates {
    /// One step: moves every day before the boundary to the cold totals.
    pub async fn archive_once(&self) -> Result<(), AggregatesError> {
        self.archive_in_database().await?;
        loop {
            let sealed = self.seal().await?;
            if !sealed.generations.is_empty() {
                self.write_sealed(&sealed).await?;
                self.drop_sealed(&sealed).await?;
            } else if let Some(epoch) = &sealed.epoch {
                return self.purge(epoch, &sealed).await;
            } else {
                return Ok(());
            }
        }
    }

    /// Forgets the names of what is long gone, now that nothing is closed, but for the last that was removed. Whoever still
    /// holds something closed before this version could store it a second time; the version keeps them from it.
    async fn purge(&self, epoch: &Epoch, sealed: &Sealed) -> Result<(), AggregatesError> {
        if let Some(hot) = self.store().await? {
            self.noticing(hot.forget_silent().await).await?;
        }
        let (epoch, now) = (epoch.clone(), self.0.clock.now());
        let (version, removed) = (sealed.version, sealed.removed.clone());
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                if repo::record(tx, &epoch.0, version).await? == Recorded::Stale {
                    return Err(AggregatesError::Rebuilding);
                }
                repo::note_purged(tx, version).await?;
                repo::purge_archived(tx, now - ARCHIVED_KEPT, removed.as_deref()).await?;
                Ok(())
            })
        });
        self.noticing(work.await).await
    }

    /// The first third of a step with Redis: closes the generations of cold days and reads what is closed.
    pub async fn seal(&self) -> Result<Sealed, AggregatesError> {
        let hot = self.hot().await;
        let Some((hot, epoch)) = self.noticing(hot).await? else {
            return Ok(Sealed::default());
        };
        let sealed = seal_in(hot, epoch).await;
        let sealed = self.noticing(sealed).await?;
        if self.has_archived(sealed.removed.as_deref()).await? {
            Ok(sealed)
        } else {
            self.noticing(Err(AggregatesError::Rebuilding)).await
        }
    }

    /// False where the database does not have the last generation that was archived and removed: it went back.
    pub(super) async fn has_archived(&self, removed: Option<&str>) -> Result<bool, Fault> {
        match removed {
            Some(id) => repo::is_archived(&self.0.db.read, id).await,
            None => Ok(true),
        }
    }

    /// The second third: adds to the cold totals what is not there.
    pub async fn write_sealed(&self, sealed: &Sealed) -> Result<(), AggregatesError> {
        let Some(epoch) = sealed.epoch.clone() else {
            return Ok(());
        };
        let (sealed, now) = (sealed.clone(), self.0.clock.now());
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                // What an older epoch held is told otherwise by now.
                if repo::record(tx, &epoch.0, sealed.version).await? == Recorded::Stale {
                    return Err(AggregatesError::Rebuilding);
                }
                // All of it was archived, and the names that tell may be forgotten.
                if sealed.version <= repo::purged_version(tx).await? {
                    return Ok(());
                }
                let ids: Vec<String> = sealed.generations.iter().map(|(one, _)| one.id.clone()).collect();
                let new = repo::archive(tx, &ids, now).await?;
                let mut totals = Totals::default();
                for (generation, sums) in sealed.generations {
                    if new.contains(&generation.id) {
                        totals.add_all(sums);
                    }
                }
                repo::add(tx, Table::Cold, &totals).await?;
                Ok(())
            })
        });
        self.noticing(work.await).await
    }

    /// The last third: removes what the database has.
    pub async fn drop_sealed(&self, sealed: &Sealed) -> Result<(), AggregatesError> {
        match (self.store().await?, &sealed.epoch) {
            (Some(hot), Some(epoch)) => self.noticing(hot.drop_sealed(epoch, sealed.names()).await).await,
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// The totals that were kept hot in the database, where one transaction moves them.
    async fn archive_in_database(&self) -> Result<(), AggregatesError> {
        let Some(newest) = repo::state(&self.0.db.read).await?.newest_day else {
            return Ok(());
        };
        let first_hot = Day::from(newest).first_hot();
        while repo::has_cold(&self.0.db.read, first_hot).await? {
            let work = self
                .0
                .db
                .transaction(move |tx| Box::pin(repo::move_cold(tx, first_hot, MOVED_MAX)));
            work.await?;
        }
        Ok(())
    }
}

async fn seal_in(hot: &Hot, epoch: Epoch) -> Result<Sealed, AggregatesError> {
    // The clock only moves forward, so a boundary that is a moment old is one that was right then.
    let at = hot.read(None).await?.at;
    let sealed = hot.seal(&epoch, at.newest.map(Day::first_hot)).await?;
    let sealed = sealed.ok_or(AggregatesError::Rebuilding)?;
    Ok(Sealed {
        epoch: Some(epoch),
        removed: at.removed,
        ..sealed
    })
}
