//! Which endpoints this process sends to: the worker takes those that no process holds, and runs a runner for each.
//!
//! A process that stops lets the requests in hand end and gives its endpoints back. The endpoints of one that was killed are
//! free once its lease has expired, at most ten seconds later.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::repo::{self, HeldWebhook};
use super::runner::{HookRunner, RunnerParts};
use super::runner_list::RunnerList;
use crate::backoff::Backoff;
use crate::db::{Fault, FaultKind};
use crate::values::WebhookWorkerId;
use crate::workers::Worker;

/// How often the worker looks for endpoints to take, and for changes that other processes have made.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const LOOK_EVERY_MAX: Duration = Duration::from_secs(5);
/// How far a look for changes goes back: for commits that took long, and for clocks that differ.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);
/// Every so many looks goes through all endpoints that this process holds.
const FULL_EVERY: u32 = 60;
/// The most endpoints that are taken at once, so that processes that start together share them.
const TAKEN_AT_ONCE_MAX: usize = 500;
/// The most endpoints that a process holds. A runner without events takes some kilobytes; how many have events in memory has a
/// bound of its own.
const HELD_MAX: usize = 20_000;

/// Runs the runners of this process.
pub(super) struct RunnerSupervisor {
    pub parts: Arc<RunnerParts>,
    pub list: Arc<RunnerList>,
}

impl RunnerSupervisor {
    /// Takes endpoints and runs their runners until the worker has to end; then waits for all of them.
    pub async fn run(self: Arc<Self>, worker: Worker) {
        // They end with the worker: where it panics, they are dropped with their requests in hand.
        let mut runners = JoinSet::new();
        let (mut backoff, mut looks) = (Backoff::new(LOOK_EVERY, LOOK_EVERY_MAX), 0_u32);
        while !worker.is_stopping() {
            let looked = self.look(&worker, &mut runners, looks.is_multiple_of(FULL_EVERY)).await;
            looks = looks.wrapping_add(1);
            worker.note(&looked);
            let pause = backoff.after(&looked);
            tokio::select! {
                () = worker.pause(pause) => {}
                () = self.list.must_look.notified() => {}
            }
            while runners.try_join_next().is_some() {}
        }
        while runners.join_next().await.is_some() {}
    }

    async fn look(&self, worker: &Worker, runners: &mut JoinSet<()>, is_full: bool) -> Result<(), Fault> {
        let (parts, db) = (&self.parts, &self.parts.db);
        let current = parts.leases.current();
        let since = parts.clock.now() - OVERLAP;
        let look = repo::look(&db.read, current, since).await?;
        if let Some(current) = current {
            let held = if is_full {
                let all = repo::held(&db.read, current).await?;
                self.list.wake_all_but(&all);
                all
            } else {
                look.changed
            };
            for held in held {
                self.list.wake_outdated(held);
                self.start(worker, runners, current, held);
            }
        }
        if look.has_expired {
            repo::delete_expired(&db.write).await?;
        }
        let room = HELD_MAX.saturating_sub(self.list.len()).min(TAKEN_AT_ONCE_MAX);
        if room == 0 || !(look.has_free || look.has_expired) {
            return Ok(());
        }
        let holder = parts.leases.hold(parts.clock.now()).await?;
        let taken = match repo::take(&db.write, holder, room as u64).await {
            Err(fault) if fault.kind == FaultKind::ForeignKey => {
                parts.leases.lose(holder);
                return Ok(());
            }
            taken => taken?,
        };
        for held in taken {
            if !self.start(worker, runners, holder, held) {
                // Its runner has given it back and is about to end; the next look takes it again.
                repo::release(&db.write, held.id, holder).await?;
            }
        }
        Ok(())
    }

    /// Starts the runner of an endpoint. False if it has one.
    fn start(&self, worker: &Worker, runners: &mut JoinSet<()>, holder: WebhookWorkerId, held: HeldWebhook) -> bool {
        let Some((entry, handle)) = self.list.add(held) else {
            return false;
        };
        let runner = HookRunner {
            parts: self.parts.clone(),
            id: held.id,
            worker: holder,
            handle,
            stop: worker.stopping().clone(),
        };
        runners.spawn(async move {
            let _entry = entry;
            runner.run().await;
        });
        true
    }
}
