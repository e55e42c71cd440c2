//! The worker `sessions` looks for sessions that other processes have ended, and `sessions_cleanup` deletes those that are
//! over for a day. They are two, since the looks must not wait for a lock or a full disk as a deletion may.
//!
//! Every process asks the database, with or without Redis: one way that always works instead of two that may disagree.

use std::time::Duration;

use chrono::TimeDelta;

use super::Sessions;
use super::ended::{ENDED_MAX, KEPT};
use super::repo;
use crate::backoff::Backoff;
use crate::db::Fault;
use crate::values::Timestamp;
use crate::workers::{Step, Worker};

/// How often the database is asked, also after a failure: a token is refused everywhere within a second after its session
/// has ended.
const EVERY: Duration = Duration::from_millis(300);
/// How far a look goes back behind the one before it: for commits that took long, and for clocks that differ.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);
/// Every so many looks goes back over the whole life of an access token, for a commit that took even longer.
const FULL_EVERY: u32 = 30;
/// How often rows are deleted.
const CLEAN_EVERY: Duration = Duration::from_secs(60);
/// The pause before the next rows are deleted, where one transaction has left some: other writers go on meanwhile.
const CLEAN_PAUSE: Duration = Duration::from_millis(300);
/// For how long a session is kept after its end, so that it can be looked up why it ended.
const KEPT_AFTER_END: TimeDelta = TimeDelta::days(1);
/// The most rows of a kind that one transaction deletes.
const DELETED_MAX: u64 = 500;

/// How far the looks are.
#[derive(Default)]
pub(super) struct WatchState {
    /// The time of the last look, by the bank's clock; `None` before the first one.
    looked_at: Option<Timestamp>,
    /// How many looks have followed the last full one.
    since_full: u32,
}

impl Sessions {
    /// Starts the workers. Must be called inside a tokio runtime.
    pub fn serve(&self) {
        self.ended.begin_watch();
        let sessions = self.clone();
        self.workers.start("sessions", move |worker| {
            let sessions = sessions.clone();
            async move { sessions.keep_watching(worker).await }
        });
        let sessions = self.clone();
        self.workers.start("sessions_cleanup", move |worker| {
            let sessions = sessions.clone();
            async move { sessions.keep_clean(worker).await }
        });
    }

    async fn keep_watching(&self, worker: Worker) {
        let step = || async {
            self.look().await?;
            Ok::<_, Fault>(Step::Idle)
        };
        worker.repeat(Backoff::new(EVERY, EVERY), step).await;
    }

    async fn keep_clean(&self, worker: Worker) {
        let step = || async {
            if self.clean_up().await? < DELETED_MAX {
                return Ok::<_, Fault>(Step::Idle);
            }
            worker.pause(CLEAN_PAUSE).await;
            Ok(Step::More)
        };
        worker.repeat(Backoff::new(CLEAN_EVERY, CLEAN_EVERY), step).await;
    }

    /// Reads which sessions any process has ended since the last look. The first look, and every thirtieth, reads all whose
    /// tokens may still be valid.
    pub async fn look(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        let narrow = self.narrow_look();
        let since = narrow.unwrap_or(now - KEPT);
        let limit = ENDED_MAX as u64;
        let ended = repo::ended_after(&self.db.watch, since, limit).await?;
        if ended.len() >= ENDED_MAX
            && let Some((_, oldest)) = ended.last()
        {
            // Sessions that ended earlier were not read.
            self.ended.refuse_issued_through(*oldest);
        }
        self.forget(ended);
        if narrow.is_none() {
            self.ended.forget_old(now);
        }
        let mut state = self.watch.lock();
        state.since_full = if narrow.is_some() { state.since_full + 1 } else { 0 };
        state.looked_at = Some(now);
        drop(state);
        self.ended.note_look();
        Ok(())
    }

    /// Where a look that is not a full one begins.
    fn narrow_look(&self) -> Option<Timestamp> {
        let state = self.watch.lock();
        let looked_at = state.looked_at.filter(|_| state.since_full < FULL_EVERY);
        looked_at.map(|time| time - OVERLAP)
    }

    /// Deletes some of the sessions that ended or expired more than a day ago, and gives how many.
    pub async fn clean_up(&self) -> Result<u64, Fault> {
        let time = self.clock.now() - KEPT_AFTER_END;
        let work = self
            .db
            .transaction(move |tx| Box::pin(async move { repo::delete_over_before(tx, time, DELETED_MAX).await }));
        work.await
    }
}
