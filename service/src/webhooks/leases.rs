//! The lease of this process: while it lasts, the endpoints that it holds are its own, and no other process sends to them.
//!
//! Other processes free the endpoints when the lease has ended by the database's clock. This process measures with its
//! monotonic clock from before its request, so it always sees the end first; it stops sending half a second earlier.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::repo::{self, Renewal};
use super::runner_list::RunnerList;
use crate::clock::id_at;
use crate::db::{Db, Fault};
use crate::values::{Timestamp, WebhookWorkerId};
use crate::workers::Worker;

/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(3);
/// How long a lease lasts.
const LEASE: Duration = Duration::from_secs(10);
/// How long before its end it counts for no more.
const MARGIN: Duration = Duration::from_millis(500);

/// The lease of a process.
pub(super) struct Leases {
    db: Db,
    held: watch::Sender<Option<HeldLease>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct HeldLease {
    worker: WebhookWorkerId,
    until: Instant,
}

impl Leases {
    pub fn new(db: Db) -> Self {
        Self {
            db,
            held: watch::Sender::new(None),
        }
    }

    /// As which process this one holds endpoints; `None` while it holds none.
    pub fn current(&self) -> Option<WebhookWorkerId> {
        let held = *self.held.borrow();
        held.filter(|held| Instant::now() < held.until - MARGIN)
            .map(|held| held.worker)
    }

    /// The same, with a new lease where there is none. Each new one has a name of its own: what was held under an older name
    /// may be another process' by now.
    pub async fn hold(&self, now: Timestamp) -> Result<WebhookWorkerId, Fault> {
        if let Some(worker) = self.current() {
            return Ok(worker);
        }
        let (worker, asked_at) = (WebhookWorkerId(id_at(now)), Instant::now());
        repo::register(&self.db.write, worker, lease_ms()).await?;
        let until = asked_at + LEASE;
        self.held.send_replace(Some(HeldLease { worker, until }));
        Ok(worker)
    }

    /// Renews the lease until the worker has to end and every runner has ended, and gives it back.
    pub async fn keep(self: Arc<Self>, runners: Arc<RunnerList>, worker: Worker) {
        let mut renews_at = Instant::now();
        while !(worker.is_stopping() && runners.is_empty()) {
            if Instant::now() >= renews_at {
                renews_at = Instant::now() + RENEW_EVERY;
                worker.note(&self.renew().await);
            }
            tokio::select! {
                () = worker.stopped(), if !worker.is_stopping() => {}
                () = runners.has_ended.notified(), if worker.is_stopping() => {}
                () = sleep_until(renews_at) => {}
            }
        }
        worker.note(&self.give_back().await);
    }

    /// Makes the lease last longer, if there is one.
    async fn renew(&self) -> Result<(), Fault> {
        let Some(HeldLease { worker, .. }) = *self.held.borrow() else {
            return Ok(());
        };
        let asked_at = Instant::now();
        match repo::renew(&self.db.write, worker, lease_ms()).await? {
            Renewal::Renewed => {
                let until = asked_at + LEASE;
                self.change(worker, Some(HeldLease { worker, until }));
            }
            Renewal::Lost => self.lose(worker),
        }
        Ok(())
    }

    /// The lease was ended by another process.
    pub fn lose(&self, worker: WebhookWorkerId) {
        tracing::warn!("the lease of this process has ended, and other processes send its webhooks; it begins anew");
        self.change(worker, None);
    }

    /// Ends the lease: other processes may take the endpoints at once.
    async fn give_back(&self) -> Result<(), Fault> {
        let held = self.held.send_replace(None);
        if let Some(HeldLease { worker, .. }) = held {
            repo::end_worker(&self.db.write, worker).await?;
        }
        Ok(())
    }

    /// Returns when a lease is about to end, or has ended.
    pub async fn ended(&self, worker: WebhookWorkerId) {
        let mut changes = self.held.subscribe();
        loop {
            let held = *changes.borrow_and_update();
            let Some(held) = held.filter(|held| held.worker == worker) else {
                return;
            };
            tokio::select! {
                // Fails when the sender is gone, which `self` keeps.
                _ = changes.changed() => {}
                () = sleep_until(held.until - MARGIN) => return,
            }
        }
    }

    fn change(&self, worker: WebhookWorkerId, next: Option<HeldLease>) {
        self.held.send_if_modified(|held| {
            let is_same = held.is_some_and(|held| held.worker == worker);
            if is_same {
                *held = next;
            }
            is_same
        });
    }
}

fn lease_ms() -> i64 {
    i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX)
}
