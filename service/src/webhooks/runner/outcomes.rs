//! What a round does with what has happened: it records outcomes, takes what was read and written, and ends.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::HookRunner;
use super::round::{Round, RoundEnd, SentEvent, SentWebhook};
use super::steps::{self, ReadStep, RedeliveryLook, Reloaded, SendPermit};
use crate::clock::random_bytes;
use crate::db::Fault;
use crate::events::EventsError;
use crate::values::{DeliveryStatus, WebhookStatus};
use crate::webhooks::endpoint::Webhook;
use crate::webhooks::outbound::HookTarget;
use crate::webhooks::progress::IncomingEvent;
use crate::webhooks::repo::WriteOutcome;
use crate::webhooks::source::HookReading;

/// How long an outcome waits for others to be written with.
const WRITE_AFTER: Duration = Duration::from_millis(250);
/// How long a change waits for the requests in hand; they are sent again after it.
const CHANGE_MAX: Duration = Duration::from_secs(1);
/// How long until the runner looks again whether the owner may have events.
const OWNER_PAUSE: Duration = Duration::from_secs(3);

impl Round {
    pub(super) fn take_sent(&mut self, sent: SentWebhook) {
        let result = match sent.result {
            Ok(result) => result,
            Err(permit) => {
                let now = self.parts.clock.now();
                match sent.what {
                    SentEvent::Next(id) => self.progress.put_back(id, now),
                    SentEvent::Redelivery(id) => self.redeliveries.put_back(id, now),
                }
                return self.stop_sending(permit);
            }
        };
        self.checked_at = self.checked_at.max(sent.checked_at.unwrap_or(self.checked_at));
        self.write_at.get_or_insert(Instant::now() + WRITE_AFTER);
        let chance = u16::from_be_bytes(random_bytes());
        let recorded = match sent.what {
            SentEvent::Next(id) => self.progress.record_attempt(id, result, chance),
            SentEvent::Redelivery(id) => {
                let counts = self.redeliveries.attempted(id);
                counts.map(|counts| self.progress.record_redelivery(id, counts, result, chance))
            }
        };
        let Some((status, next)) = recorded else { return };
        self.parts.metrics.count_attempt(status);
        let is_first = matches!(sent.what, SentEvent::Next(_)) && self.stored.webhook.is_ordered;
        if let Some(next) = next {
            if is_first && status == DeliveryStatus::Pending {
                // Nothing more is read while this one fails, and nothing else is kept.
                (self.live, self.memory) = (None, None);
            } else {
                self.redeliveries.look_at_latest(next);
            }
        }
    }

    /// Sends nothing until it is known what to do.
    fn stop_sending(&mut self, permit: SendPermit) {
        match permit {
            SendPermit::Granted => {}
            SendPermit::OwnerInactive => self.waits_until = Some(Instant::now() + OWNER_PAUSE),
            SendPermit::WebhookChanged => self.must_reload = true,
        }
    }

    /// The error ends the round: the database went back, and with it the mark that is stored.
    pub(super) fn take_read(&mut self, read: Result<ReadStep, EventsError>) -> Result<(), Fault> {
        let read = match read {
            Ok(read) => read,
            Err(error @ (EventsError::WentBack | EventsError::UnknownCursor)) => {
                return Err(Fault::unreachable(error));
            }
            Err(error) => {
                self.pause_database(&error);
                return Ok(());
            }
        };
        // The events stay, and are sent if the endpoint still gets them.
        self.must_reload |= read.has_changed;
        match read.reading {
            HookReading::Events {
                events,
                through,
                live,
                memory,
            } => {
                self.backoff.after(&Ok::<_, Fault>(()));
                self.pages_alone = if events.is_empty() { self.pages_alone + 1 } else { 0 };
                let pending_ahead = &mut self.pending_ahead;
                let events = events.into_iter().map(|event| {
                    let known = pending_ahead.remove(&event.id.record());
                    IncomingEvent {
                        id: event.id.record(),
                        kind: event.kind.as_str(),
                        counts: known.as_ref().map(|known| known.counts).unwrap_or_default(),
                        due: known.and_then(|known| known.next_attempt_at),
                        event,
                    }
                });
                let events = events.collect();
                self.checked_at = Instant::now();
                self.progress.add(events, through);
                self.live = live;
                self.memory = memory.or(self.memory.take());
            }
            HookReading::Waits => self.stop_sending(SendPermit::OwnerInactive),
        }
        Ok(())
    }

    pub(super) fn take_redeliveries(&mut self, runner: &HookRunner, loaded: Result<RedeliveryLook, EventsError>) {
        let now = self.parts.clock.now();
        match loaded {
            Ok(RedeliveryLook::Not(permit)) => {
                self.redeliveries.look_at_latest(now);
                self.stop_sending(permit);
            }
            Ok(RedeliveryLook::Found { due, next_at }) => {
                if let Some(next_at) = next_at {
                    self.redeliveries.look_at_latest(next_at);
                }
                for (delivery, outgoing) in due {
                    self.redeliveries.take_in_hand(delivery.id, delivery.counts);
                    let what = SentEvent::Redelivery(delivery.id);
                    match outgoing {
                        Some(outgoing) => self.send(runner, what, outgoing, false),
                        None => self.take_sent(SentWebhook {
                            what,
                            checked_at: None,
                            result: Ok(steps::unseen(now)),
                        }),
                    }
                }
            }
            Err(error) => {
                self.redeliveries.look_at_latest(now);
                self.pause_database(&error);
            }
        }
    }

    /// True if the endpoint is disabled now.
    pub(super) fn take_written(&mut self, written: Result<WriteOutcome, Fault>) -> bool {
        match written {
            Ok(WriteOutcome::Written) => {
                self.backoff.after(&Ok::<_, Fault>(()));
                self.redeliveries.written();
                if let Some(writes) = self.unwritten.take() {
                    self.stored.mark = writes.mark;
                    if let Some(next) = writes.next_redelivery() {
                        self.redeliveries.look_at_latest(next);
                    }
                    if let Some(reason) = writes.disabled {
                        self.parts.metrics.count_disabled();
                        tracing::info!(webhook = %self.stored.webhook.id, %reason, "a webhook is disabled");
                        return true;
                    }
                }
            }
            // What was to be written is kept until it is known what has changed.
            Ok(WriteOutcome::Stale) => {
                self.must_reload = true;
                // It may have another receiver now.
                self.progress.forget_disabling();
                if let Some(writes) = &mut self.unwritten {
                    writes.disabled = None;
                }
            }
            Err(fault) => self.pause_database(&fault),
        }
        false
    }

    /// Goes on with what is stored. What is known stays true where the mark is the one that this runner has left and the
    /// endpoint gets the same events; then its outcomes are written under the new revision.
    pub(super) async fn take_reloaded(
        &mut self,
        runner: &HookRunner,
        reloaded: Result<Option<Reloaded>, Fault>,
    ) -> Option<RoundEnd> {
        let reloaded = match reloaded {
            Ok(Some(reloaded)) => reloaded,
            // The next round gives it back.
            Ok(None) => return Some(RoundEnd::Again),
            Err(fault) => {
                self.must_reload = true;
                self.pause_database(&fault);
                return None;
            }
        };
        let Reloaded {
            stored,
            secrets,
            pending_ahead,
        } = reloaded;
        if stored.holder != Some(runner.worker) {
            return Some(RoundEnd::Over);
        }
        // A replay may begin at the mark that was stored last.
        let has_mark = (stored.mark, stored.replays) == (self.stored.mark, self.stored.replays);
        let is_active = stored.webhook.status == WebhookStatus::Active;
        let goes_on = has_mark && is_active && gets_the_same(&self.stored.webhook, &stored.webhook);
        if self.stored.webhook.url != stored.webhook.url {
            self.progress.forget_failures();
            if let Some(writes) = &mut self.unwritten {
                writes.failing_since = None;
            }
        }
        runner.handle.revision.store(stored.revision, Ordering::Relaxed);
        let hook = HookTarget::new(stored.webhook.clone(), secrets, self.parts.outbound.policy);
        (self.hook, self.stored) = (Arc::new(hook), stored);
        if !goes_on {
            if has_mark {
                self.finish(runner, CHANGE_MAX).await;
            }
            return Some(RoundEnd::Again);
        }
        for (id, row) in &pending_ahead {
            self.progress.revise(*id, row.counts, row.next_attempt_at);
        }
        self.redeliveries.look_at_latest(self.parts.clock.now());
        None
    }

    /// Waits for the requests in hand, at most so long, and writes what is known. The round ends after it.
    pub(super) async fn finish(&mut self, runner: &HookRunner, patience: Duration) {
        tokio::select! {
            biased;
            () = runner.parts.leases.ended(runner.worker) => {}
            () = self.finish_in_lease(runner, Instant::now() + patience) => {}
        }
    }

    async fn finish_in_lease(&mut self, runner: &HookRunner, deadline: Instant) {
        while !self.sends.is_empty() {
            tokio::select! {
                sent = self.sends.join_next() => {
                    if let Some(Ok(sent)) = sent {
                        self.take_sent(sent);
                    }
                }
                () = sleep_until(deadline) => break,
            }
        }
        self.sends.abort_all();
        if let Some(writing) = self.writing.take()
            && self.take_written(writing.await)
        {
            return;
        }
        let left = [self.unwritten.take(), self.progress.take_writes(true)];
        for mut writes in left.into_iter().flatten() {
            // The endpoint may have changed. The next round disables it if the receiver still answers so.
            writes.disabled = None;
            let write = steps::write(&self.parts, runner.worker, &self.stored, writes);
            if let Err(fault) = write.await {
                let error = &fault as &dyn Error;
                tracing::debug!(
                    error,
                    "the last outcomes of a webhook are not written, and are sent again"
                );
            }
        }
    }

    /// An endpoint with enough deliveries to attempt again, or that has kept others waiting, reads the rest again later.
    pub(super) fn give_memory_back(&mut self) {
        let memory = self.memory.as_ref();
        let gives_back =
            self.progress.is_full() || memory.is_some_and(|memory| self.parts.source.must_give_back(memory));
        // While more are being read, nothing waits to be sent.
        if gives_back && self.reading.is_none() && self.progress.cut_waiting() {
            self.live = None;
        }
        if self.progress.is_at_rest() {
            self.memory = None;
        }
    }

    /// Begins no step at the database for a while.
    fn pause_database(&mut self, error: &(dyn Error + 'static)) {
        // The worker's own looks report a database that is out of reach.
        tracing::debug!(webhook = %self.stored.webhook.id, error, "a step of a webhook is tried again");
        self.database_paused_until = Some(Instant::now() + self.backoff.next_pause());
    }
}

/// Whether an endpoint gets the same events in the same way after a change.
fn gets_the_same(before: &Webhook, after: &Webhook) -> bool {
    let same_events = (before.types, &before.wallet_ids) == (after.types, &after.wallet_ids);
    same_events && (before.is_ordered, &before.url) == (after.is_ordered, &after.url)
}
