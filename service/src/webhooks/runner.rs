//! The loop of one endpoint: reads its events, sends them, and writes what came of them.
//!
//! What it decides is in `progress`; here is what has to be waited for. Nothing of it waits in place: a look at the database
//! that hangs must not keep the loop from ending with its lease. After a change of the endpoint the loop goes on with what is
//! stored, and keeps what it knows where that is still true.

mod outcomes;
mod redeliveries;
mod round;
mod steps;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::round::{Round, RoundEnd};
use super::counts::WebhookMetrics;
use super::leases::Leases;
use super::outbound::{HookTarget, Outbound};
use super::repo;
use super::runner_list::RunnerHandle;
use super::source::HookSource;
use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::db::{Db, Fault};
use crate::events::Event;
use crate::values::{WebhookId, WebhookStatus, WebhookWorkerId};

/// The first and the longest pause after a fault of the database.
const FAULT_PAUSE: Duration = Duration::from_millis(200);
const FAULT_PAUSE_MAX: Duration = Duration::from_secs(5);

/// What all runners of a process share.
pub(super) struct RunnerParts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub source: Arc<HookSource>,
    pub outbound: Arc<Outbound>,
    /// How an event looks in a request. The API says it.
    pub render: fn(&Event) -> String,
    pub leases: Arc<Leases>,
    pub metrics: Arc<WebhookMetrics>,
    /// A permit for each transaction that is under way.
    pub writes: Arc<Semaphore>,
}

/// Sends the events of one endpoint.
pub(super) struct HookRunner {
    pub parts: Arc<RunnerParts>,
    pub id: WebhookId,
    /// As which process it holds the endpoint.
    pub worker: WebhookWorkerId,
    pub handle: RunnerHandle,
    pub stop: CancellationToken,
}

impl HookRunner {
    /// Runs until the process has to end, the endpoint is not active any more, or its lease ends.
    pub async fn run(self) {
        let mut backoff = Backoff::new(FAULT_PAUSE, FAULT_PAUSE_MAX);
        while !self.stop.is_cancelled() {
            let ended = tokio::select! {
                biased;
                () = self.parts.leases.ended(self.worker) => return,
                ended = self.round() => ended,
            };
            let pause = backoff.after(&ended);
            match ended {
                Ok(RoundEnd::Again) => {}
                Ok(RoundEnd::Over) => return,
                Err(error) => {
                    // The worker's own looks report a database that is out of reach.
                    tracing::debug!(webhook = %self.id, %error, "a webhook is tried again later");
                    tokio::select! {
                        () = self.stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
    }

    /// From what is stored until the endpoint has to begin anew.
    async fn round(&self) -> Result<RoundEnd, Fault> {
        // On the heap, so that a runner that has just been started is small.
        match Box::pin(self.begin()).await? {
            Some(round) => Box::pin(round.run(self)).await,
            None => Ok(RoundEnd::Over),
        }
    }

    async fn begin(&self) -> Result<Option<Round>, Fault> {
        let _reading = self.parts.source.reading().await;
        let (db, parts) = (&self.parts.db.read, &self.parts);
        let found = repo::look_at(db, self.id, parts.source.ledger().await?).await?;
        let stored = match found {
            Some(stored) if stored.holder != Some(self.worker) => return Ok(None),
            Some(stored) if stored.webhook.status == WebhookStatus::Active => stored,
            Some(_) | None => {
                repo::release(&parts.db.write, self.id, self.worker).await?;
                return Ok(None);
            }
        };
        self.handle.revision.store(stored.revision, Ordering::Relaxed);
        let now = parts.clock.now();
        let secrets = repo::signing(db, (self.id, stored.webhook.scheme), now).await?;
        let pending_ahead = repo::pending_ahead(db, self.id, stored.mark).await?;
        let pending = repo::count_pending(db, self.id).await?;
        let hook = HookTarget::new(stored.webhook.clone(), secrets, parts.outbound.policy);
        Ok(Some(Round::new(
            parts.clone(),
            (stored, Arc::new(hook)),
            pending_ahead,
            pending,
        )))
    }
}
