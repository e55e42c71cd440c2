//! Moves cold days out of the hot store: close, write, remove. Each step may be done again, by anybody, at any time.
//!
//! | crash or race | why no total changes |
//! |---|---|
//! | after closing, before writing | closed totals are read as before, and closed again by nobody |
//! | after writing, before removing | the generation is stored as archived: it counts in the database only |
//! | two archivers | a generation is stored as archived once, and its totals only with that; of two that read the same, one removes |
//! | the database loses what was written | its days are gone from both, so Redis names the last step that removed some: a database without it went back, and a new epoch begins |
//! | a late row | finds its day's generation closed and opens another one |

use chrono::TimeDelta;
use sea_orm::ConnectionTrait;

use super::error::AggregatesError;
use super::hot::{Epoch, Hot, Sealed};
use super::repo::{self, Recorded, Table};
use super::totals::Totals;
use super::{Aggregates, Day};
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::values::Timestamp;

/// Sums moved in one transaction within the database.
const MOVED_MAX: i64 = 1_000;
/// How long a generation, or a step, stays stored as archived after it is gone from Redis: longer than any reader takes from its
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
            } else {
                return self.purge(&sealed).await;
            }
        }
    }

    /// Deletes old names of archived generations, once nothing is closed, but for the step that Redis names. Another archiver
    /// that read something closed before this version could store it a second time; the version prevents that. The age is
    /// counted from the reading of Redis: a step that Redis has named since was written after that.
    pub async fn purge(&self, sealed: &Sealed) -> Result<(), AggregatesError> {
        let Some(epoch) = sealed.epoch.clone() else {
            return Ok(());
        };
        if let Some(hot) = self.store().await? {
            self.reset_epoch_on_fault(hot.forget_silent().await).await?;
        }
        let (version, removed, before) = (sealed.version, sealed.removed.clone(), sealed.at - ARCHIVED_KEPT);
        let work = self.0.db.transaction(move |tx| {
            Box::pin(async move {
                if repo::record(tx, &epoch.0, version).await? == Recorded::Stale {
                    return Err(AggregatesError::Rebuilding);
                }
                repo::note_purged(tx, version).await?;
                repo::purge_archived(tx, before, removed.as_deref()).await?;
                Ok(())
            })
        });
        self.reset_epoch_on_fault(work.await).await
    }

    /// The first third of a step with Redis: closes the generations of cold days and reads what is closed.
    pub async fn seal(&self) -> Result<Sealed, AggregatesError> {
        let hot = self.hot().await;
        let Some((hot, epoch)) = self.reset_epoch_on_fault(hot).await? else {
            return Ok(Sealed::default());
        };
        let sealed = seal_in(hot, epoch, self.0.clock.now()).await;
        let sealed = self.reset_epoch_on_fault(sealed).await?;
        if self.has_archived(sealed.removed.as_deref()).await? {
            Ok(sealed)
        } else {
            self.reset_epoch_on_fault(Err(AggregatesError::Rebuilding)).await
        }
    }

    /// False where the database does not have the last step that removed something: it went back.
    pub(super) async fn has_archived(&self, removed: Option<&str>) -> Result<bool, Fault> {
        has_archived(&self.0.db.read, removed).await
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
                // The database may have gone back since they were read; what this step removes must not hide that.
                if !has_archived(tx, sealed.removed.as_deref()).await? {
                    return Err(AggregatesError::Rebuilding);
                }
                let ids = sealed.generations.iter().map(|(one, _)| one.id.clone());
                let names: Vec<String> = ids.chain([sealed.step]).collect();
                let new = repo::archive(tx, &names, now).await?;
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
        self.reset_epoch_on_fault(work.await).await
    }

    /// The last third: removes what the database has, unless another step has removed something meanwhile.
    pub async fn drop_sealed(&self, sealed: &Sealed) -> Result<(), AggregatesError> {
        match (self.store().await?, &sealed.epoch) {
            (Some(hot), Some(epoch)) => self.reset_epoch_on_fault(hot.drop_sealed(epoch, sealed).await).await,
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

async fn has_archived(db: &impl ConnectionTrait, removed: Option<&str>) -> Result<bool, Fault> {
    match removed {
        Some(name) => repo::is_archived(db, name).await,
        None => Ok(true),
    }
}

async fn seal_in(hot: &Hot, epoch: Epoch, now: Timestamp) -> Result<Sealed, AggregatesError> {
    // The virtual clock only moves forward, so a boundary that is a moment old is one that was right then.
    let newest = hot.read(None).await?.at.newest;
    let sealed = hot.seal(&epoch, newest.map(Day::first_hot)).await?;
    let sealed = sealed.ok_or(AggregatesError::Rebuilding)?;
    Ok(Sealed {
        epoch: Some(epoch),
        at: now,
        // A name of its own: the generations may have been written by an older step, of an archiver that died.
        step: format!("step-{:032x}", u128::from_be_bytes(random_bytes())),
        ..sealed
    })
}
