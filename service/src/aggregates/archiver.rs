//! Moves cold days out of the hot store: seal, write, remove. Each step may be repeated, by any process, at any time.
//!
//! | crash or race | why no total changes |
//! |---|---|
//! | after sealing, before writing | sealed totals are read as before, and are not sealed a second time |
//! | after writing, before removing | the generation is stored as archived: it counts in the database only |
//! | two archivers | a generation is stored as archived once, together with its totals; only one of the two removes |
//! | the database loses what was written | Redis names the last step that removed some; without it a new epoch begins |
//! | a late row | opens another generation, since its day's one is sealed |

use std::time::Duration;

use chrono::TimeDelta;

use super::error::AggregatesError;
use super::hot::{Epoch, Hot, Sealed};
use super::repo::{self, Recorded, Table};
use super::stores::AggregateStores;
use super::totals::Totals;
use super::{Day, PAUSE_MAX};
use crate::backoff::Backoff;
use crate::clock::random_bytes;
use crate::values::Timestamp;
use crate::workers::{Step, Worker};

/// The most sums that one transaction moves within the database.
const MOVED_MAX: i64 = 1_000;
/// How long the names of archived generations and steps are kept: longer than any reader takes from its question to
/// Redis to the one to the database.
const ARCHIVED_KEPT: TimeDelta = TimeDelta::days(1);

/// The pause between two steps.
const PAUSE: Duration = Duration::from_secs(10);

/// Moves cold days from the hot totals to the cold ones.
pub struct Archiver {
    stores: AggregateStores,
}

impl Archiver {
    pub(super) fn new(stores: AggregateStores) -> Self {
        Self { stores }
    }

    /// Steps until the worker has to end.
    pub(super) async fn run(stores: AggregateStores, worker: Worker) {
        let archiver = Self::new(stores);
        let step = || async { archiver.step().await.map(|()| Step::Idle) };
        worker.repeat(Backoff::new(PAUSE, PAUSE_MAX), step).await;
    }

    /// Moves every day before the boundary to the cold totals.
    pub async fn step(&self) -> Result<(), AggregatesError> {
        self.move_cold().await?;
        loop {
            let sealed = self.seal().await?;
            if !sealed.generations.is_empty() {
                self.write_sealed(&sealed).await?;
                self.remove_sealed(&sealed).await?;
            } else {
                return self.purge(&sealed).await;
            }
        }
    }

    /// Deletes old names of archived generations and steps, once nothing is sealed, except the step that Redis names.
    /// Without the names, an archiver that read something sealed before this version could store it a second time; the
    /// recorded version prevents that. The age is counted from the reading of Redis: a step that Redis has named since
    /// was written after that.
    pub async fn purge(&self, sealed: &Sealed) -> Result<(), AggregatesError> {
        let Some(epoch) = sealed.epoch.clone() else {
            return Ok(());
        };
        if let Some(hot) = self.stores.hot_store().await? {
            self.stores.reset_epoch_on_fault(hot.purge_consumers().await).await?;
        }
        let (version, removed, before) = (sealed.version, sealed.removed.clone(), sealed.at - ARCHIVED_KEPT);
        let work = self.stores.db.transaction(move |tx| {
            Box::pin(async move {
                if repo::record(tx, &epoch.0, version).await? == Recorded::Stale {
                    return Err(AggregatesError::Rebuilding);
                }
                repo::note_purged(tx, version).await?;
                repo::purge_archived(tx, before, removed.as_deref()).await?;
                Ok(())
            })
        });
        self.stores.reset_epoch_on_fault(work.await).await
    }

    /// The first third of a step with Redis: seals the generations of cold days and reads what is sealed.
    pub async fn seal(&self) -> Result<Sealed, AggregatesError> {
        let sealed = self.try_seal().await;
        self.stores.reset_epoch_on_fault(sealed).await
    }

    async fn try_seal(&self) -> Result<Sealed, AggregatesError> {
        let Some((hot, epoch)) = self.stores.ready().await? else {
            return Ok(Sealed::default());
        };
        let sealed = seal_in(hot, epoch, self.stores.clock.now()).await?;
        if repo::has_step(&self.stores.db.read, sealed.removed.as_deref()).await? {
            Ok(sealed)
        } else {
            Err(AggregatesError::Rebuilding)
        }
    }

    /// The second third: adds to the cold totals what is not there.
    pub async fn write_sealed(&self, sealed: &Sealed) -> Result<(), AggregatesError> {
        let Some(epoch) = sealed.epoch.clone() else {
            return Ok(());
        };
        let (sealed, now) = (sealed.clone(), self.stores.clock.now());
        let work = self.stores.db.transaction(move |tx| {
            Box::pin(async move {
                // The new epoch was filled from the database: sums of an older one would count twice.
                if repo::record(tx, &epoch.0, sealed.version).await? == Recorded::Stale {
                    return Err(AggregatesError::Rebuilding);
                }
                // All of it is archived already; its names may be purged, so the insert below could not show it.
                if sealed.version <= repo::purged_version(tx).await? {
                    return Ok(());
                }
                // The database may have gone back since they were read; this step's removal must not hide that.
                if !repo::has_step(tx, sealed.removed.as_deref()).await? {
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
        self.stores.reset_epoch_on_fault(work.await).await
    }

    /// The last third: removes what the database has, unless another step has removed something meanwhile.
    pub async fn remove_sealed(&self, sealed: &Sealed) -> Result<(), AggregatesError> {
        match (self.stores.hot_store().await?, &sealed.epoch) {
            (Some(hot), Some(epoch)) => {
                self.stores
                    .reset_epoch_on_fault(hot.remove_sealed(epoch, sealed).await)
                    .await
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Moves the hot totals of cold days in the database to the cold ones; one transaction moves some.
    async fn move_cold(&self) -> Result<(), AggregatesError> {
        let Some(newest) = repo::state(&self.stores.db.read).await?.newest_day else {
            return Ok(());
        };
        let first_hot = Day::from(newest).first_hot();
        while repo::has_cold(&self.stores.db.read, first_hot).await? {
            let work = self
                .stores
                .db
                .transaction(move |tx| Box::pin(repo::move_cold(tx, first_hot, MOVED_MAX)));
            work.await?;
        }
        Ok(())
    }
}

async fn seal_in(hot: &Hot, epoch: Epoch, now: Timestamp) -> Result<Sealed, AggregatesError> {
    // The virtual clock only moves forward, so a boundary of a moment ago seals no day that is still hot.
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
