//! A round of a runner: from what is stored until the endpoint has to begin anew, or the runner ends.
//!
//! Each thing that it waits for is a future that is kept between two turns of the loop, at most one of a kind. What it does
//! with what has happened is in `outcomes`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::redeliveries::RedeliveryState;
use super::steps::{
    self, Awaited, KnownWebhook, Outgoing, ReadStep, RedeliveryLook, Reloaded, SendPermit, sleep_until_some, waited,
};
use super::{FAULT_PAUSE, FAULT_PAUSE_MAX, HookRunner, RunnerParts};
use crate::backoff::Backoff;
use crate::db::Fault;
use crate::events::{Event, EventsError};
use crate::values::{DeliveryId, RecordId, Timestamp};
use crate::webhooks::outbound::HookTarget;
use crate::webhooks::progress::{AttemptResult, Progress, ProgressWrites};
use crate::webhooks::repo::{PendingAhead, StoredWebhook, WriteOutcome};
use crate::webhooks::sender::ATTEMPT_MAX;
use crate::webhooks::source::{LiveEvents, MemoryPermit};

/// How many outcomes that wait to be written make it happen at once.
const WRITE_MAX: usize = 100;
/// Beyond so many outcomes that are not written yet nothing more is sent.
const UNWRITTEN_MAX: usize = 200;
/// After so many pages without events the mark is written alone.
const PAGES_ALONE_MAX: u32 = 16;
/// How long it counts that the owner may have the events, and that the endpoint is as it was.
const CHECKED_FOR: Duration = Duration::from_secs(1);
/// The longest sleep before a time of the bank's clock, which may be moved.
const SLEEP_MAX: Duration = Duration::from_millis(500);

/// How a round has ended.
pub(super) enum RoundEnd {
    /// Another one follows.
    Again,
    /// The runner ends.
    Over,
}

/// See the module.
pub(super) struct Round {
    pub(super) parts: Arc<RunnerParts>,
    pub(super) stored: StoredWebhook,
    pub(super) hook: Arc<HookTarget>,
    pub(super) progress: Progress<Arc<Event>>,
    /// What rows say of events that come after the mark.
    pub(super) pending_ahead: HashMap<RecordId, PendingAhead>,
    pub(super) live: Option<Box<LiveEvents>>,
    /// The endpoint's permit to have events in memory.
    pub(super) memory: Option<MemoryPermit>,
    pub(super) sends: JoinSet<SentWebhook>,
    pub(super) redeliveries: RedeliveryState,
    pub(super) writing: Awaited<WriteOutcome>,
    /// What is being written, or has to be written once more.
    pub(super) unwritten: Option<ProgressWrites>,
    pub(super) write_at: Option<Instant>,
    pub(super) pages_alone: u32,
    /// The endpoint has changed since it was read.
    pub(super) must_reload: bool,
    pub(super) backoff: Backoff,
    /// The database is left alone until then.
    pub(super) database_paused_until: Option<Instant>,
    /// When it was last looked at whether what was read may be sent.
    pub(super) checked_at: Instant,
    /// The owner may have no events, which is looked at again then.
    pub(super) waits_until: Option<Instant>,
    pub(super) reading: Awaited<ReadStep, EventsError>,
    loading: Awaited<RedeliveryLook, EventsError>,
    reloading: Awaited<Option<Reloaded>>,
    /// The time at which everything that was due has begun.
    begun_at: Timestamp,
}

/// What came of a request.
pub(super) struct SentWebhook {
    pub what: SentEvent,
    /// When it was looked at whether it may be sent, if it was.
    pub checked_at: Option<Instant>,
    /// Why it was not sent, if it was not.
    pub result: Result<AttemptResult, SendPermit>,
}

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentEvent {
    /// An event that comes after the mark.
    Next(RecordId),
    /// A delivery that the mark has passed, or a test that was asked for again.
    Redelivery(DeliveryId),
}

/// What the loop waited for.
enum RunnerSignal {
    Stop,
    LeaseEnded,
    Changed,
    Sent(Option<Result<SentWebhook, JoinError>>),
    Read(Result<ReadStep, EventsError>),
    Loaded(Result<RedeliveryLook, EventsError>),
    Written(Result<WriteOutcome, Fault>),
    Reloaded(Box<Result<Option<Reloaded>, Fault>>),
    Due,
}

impl Round {
    pub fn new(
        parts: Arc<RunnerParts>,
        (stored, hook): (StoredWebhook, Arc<HookTarget>),
        pending_ahead: HashMap<RecordId, PendingAhead>,
        pending: u64,
    ) -> Self {
        let passed = pending.saturating_sub(pending_ahead.len() as u64);
        let now = parts.clock.now();
        Self {
            progress: Progress::new(
                stored.webhook.is_ordered,
                stored.mark,
                stored.webhook.failing_since,
                passed,
            ),
            redeliveries: RedeliveryState::looking_at(now),
            parts,
            stored,
            hook,
            pending_ahead,
            live: None,
            memory: None,
            sends: JoinSet::new(),
            writing: None,
            unwritten: None,
            write_at: None,
            pages_alone: 0,
            must_reload: false,
            backoff: Backoff::new(FAULT_PAUSE, FAULT_PAUSE_MAX),
            database_paused_until: None,
            checked_at: Instant::now(),
            waits_until: None,
            reading: None,
            loading: None,
            reloading: None,
            begun_at: now,
        }
    }

    /// Runs until the endpoint has to begin anew, after an error with a pause, or the runner has to end.
    pub async fn run(mut self, runner: &HookRunner) -> Result<RoundEnd, Fault> {
        loop {
            self.begin_steps(runner);
            match self.next_signal(runner).await {
                RunnerSignal::Stop => {
                    self.finish(runner, ATTEMPT_MAX).await;
                    return Ok(RoundEnd::Over);
                }
                RunnerSignal::LeaseEnded => return Ok(RoundEnd::Over),
                RunnerSignal::Changed => self.must_reload = true,
                RunnerSignal::Sent(Some(Ok(sent))) => self.take_sent(sent),
                // A request has panicked; what it was about is not known.
                RunnerSignal::Sent(Some(Err(error))) => {
                    self.finish(runner, ATTEMPT_MAX).await;
                    return Err(Fault::broken(error));
                }
                RunnerSignal::Sent(None) | RunnerSignal::Due => {}
                RunnerSignal::Read(read) => self.take_read(read)?,
                RunnerSignal::Loaded(loaded) => self.take_redeliveries(runner, loaded),
                RunnerSignal::Written(written) => {
                    if self.take_written(written) {
                        return Ok(RoundEnd::Over);
                    }
                }
                RunnerSignal::Reloaded(reloaded) => {
                    if let Some(end) = self.take_reloaded(runner, *reloaded).await {
                        return Ok(end);
                    }
                }
            }
        }
    }

    /// Whatever is not taken up by the loop goes on in its next turn.
    async fn next_signal(&mut self, runner: &HookRunner) -> RunnerSignal {
        let wakes_at = self.wakes_at();
        let Self {
            sends,
            reading,
            loading,
            writing,
            reloading,
            ..
        } = self;
        tokio::select! {
            biased;
            () = runner.parts.leases.ended(runner.worker) => RunnerSignal::LeaseEnded,
            () = runner.stop.cancelled() => RunnerSignal::Stop,
            () = runner.handle.changed.notified() => RunnerSignal::Changed,
            written = waited(writing) => RunnerSignal::Written(written),
            sent = sends.join_next(), if !sends.is_empty() => RunnerSignal::Sent(sent),
            reloaded = waited(reloading) => RunnerSignal::Reloaded(Box::new(reloaded)),
            loaded = waited(loading) => RunnerSignal::Loaded(loaded),
            read = waited(reading) => RunnerSignal::Read(read),
            () = sleep_until_some(wakes_at) => RunnerSignal::Due,
        }
    }

    /// Begins everything that can begin now.
    fn begin_steps(&mut self, runner: &HookRunner) {
        let instant = Instant::now();
        self.begun_at = self.parts.clock.now();
        self.database_paused_until = self.database_paused_until.filter(|until| *until > instant);
        self.waits_until = self.waits_until.filter(|until| *until > instant);
        self.give_memory_back();
        if self.database_paused_until.is_none() {
            self.begin_database_steps(runner, instant);
        }
        let cannot_write = self.unwritten.is_some() && self.writing.is_none();
        let is_changed = self.must_reload || self.reloading.is_some();
        // An ordered endpoint gets one request at a time.
        let has_redelivery = self.loading.is_some() || self.redeliveries.has_in_hand();
        let has_turn = !(self.stored.webhook.is_ordered && has_redelivery);
        let waits = cannot_write || is_changed || self.waits_until.is_some() || !has_turn;
        while !waits && self.progress.unwritten() < UNWRITTEN_MAX {
            let Some(next) = self.progress.take_next(self.begun_at) else {
                break;
            };
            let outgoing = Outgoing::of(&self.parts, &next.event);
            let looks_again = next.has_failed || self.checked_at.elapsed() > CHECKED_FOR;
            self.send(runner, SentEvent::Next(next.id), outgoing, looks_again);
        }
        self.begin_reading(runner);
    }

    fn begin_database_steps(&mut self, runner: &HookRunner, instant: Instant) {
        if self.must_reload {
            if self.reloading.is_none() && self.writing.is_none() {
                self.must_reload = false;
                self.reloading = Some(Box::pin(steps::reload(self.parts.clone(), runner.id)));
            }
            return;
        }
        if self.writing.is_none() && self.reloading.is_none() {
            self.begin_write(runner, instant);
        }
        if self.waits_until.is_some() {
            return;
        }
        let has_turn = !(self.stored.webhook.is_ordered && self.progress.has_in_hand());
        if has_turn && self.loading.is_none() && self.redeliveries.begin_look(self.begun_at) {
            // The rows of events that were settled since the last write are not written yet.
            let look = steps::look_for_redeliveries(self.parts.clone(), self.known(runner), self.stored.mark);
            self.loading = Some(Box::pin(look));
        }
    }

    /// After the requests have begun: while an event that was read waits, no more are read.
    fn begin_reading(&mut self, runner: &HookRunner) {
        let waits = self.must_reload || self.database_paused_until.is_some() || self.waits_until.is_some();
        if !waits && self.reading.is_none() && self.progress.wants_events() {
            let (after, live) = (self.progress.read_through(), self.live.take());
            let read = steps::read(self.parts.clone(), self.known(runner), after, live);
            self.reading = Some(Box::pin(read));
        }
    }

    fn begin_write(&mut self, runner: &HookRunner, instant: Instant) {
        let is_alone = self.pages_alone >= PAGES_ALONE_MAX;
        let is_due = is_alone
            || self.write_at.is_some_and(|at| at <= instant)
            || self.progress.unwritten() >= WRITE_MAX
            || self.progress.disabled().is_some();
        if self.unwritten.is_none() && is_due {
            self.unwritten = self.progress.take_writes(is_alone);
            (self.write_at, self.pages_alone) = (None, 0);
            self.redeliveries.begin_write();
        }
        if let Some(writes) = &self.unwritten {
            let write = steps::write(&self.parts, runner.worker, &self.stored, writes.clone());
            self.writing = Some(Box::pin(write));
        }
    }

    pub(super) fn send(&mut self, runner: &HookRunner, what: SentEvent, outgoing: Outgoing, looks_again: bool) {
        let (parts, known) = (self.parts.clone(), self.known(runner));
        self.sends.spawn(async move {
            let checked_at = looks_again.then(Instant::now);
            let attempted = async {
                if looks_again {
                    // Some time may have passed since the event was read. A fault leaves it for later too.
                    let permit = known.send_permit(&parts).await.unwrap_or(SendPermit::OwnerInactive);
                    if permit != SendPermit::Granted {
                        return Err(permit);
                    }
                }
                let permit = parts.outbound.permit(&known.hook).await;
                let what = (outgoing.id.as_str(), outgoing.body.as_str());
                Ok(parts.outbound.attempt(&known.hook, what, permit).await)
            };
            let result = tokio::select! {
                biased;
                () = parts.leases.ended(known.holder) => Err(SendPermit::WebhookChanged),
                result = attempted => result,
            };
            SentWebhook {
                what,
                checked_at,
                result,
            }
        });
    }

    fn known(&self, runner: &HookRunner) -> KnownWebhook {
        KnownWebhook {
            hook: self.hook.clone(),
            holder: runner.worker,
            revision: self.stored.revision,
        }
    }

    /// When something begins by itself; `None` while nothing does.
    fn wakes_at(&self) -> Option<Instant> {
        let at_times = [self.progress.due(), self.redeliveries.look_at()].into_iter().flatten();
        // What was due then has begun, or waits for something else.
        let at_times = at_times.filter(|at| *at > self.begun_at);
        let now = self.parts.clock.now();
        let instants = at_times.map(|at| {
            let pause = (at - now).to_std().unwrap_or_default();
            Instant::now() + pause.min(SLEEP_MAX)
        });
        let write_at = self.write_at.filter(|_| self.unwritten.is_none());
        let others = [self.database_paused_until, self.waits_until, write_at];
        instants.chain(others.into_iter().flatten()).min()
    }
}
