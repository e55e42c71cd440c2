//! What a connection is doing, and the clock that ends it when one phase takes too long. hyper has a time-out for heads
//! only. A connection has one timer; between its expirations it is reset only when the deadline comes nearer.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use super::{framing::Framing, server::Limits};

/// What a connection waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// For the rest of a request's head, or for the first request.
    RequestHead,
    /// For the next request.
    Idle,
    /// For a handler, or for the request's body, which has its own limit.
    Busy,
    /// For the client to take more of an answer.
    Writing,
}

/// Flags that the socket, the service and the response body set. All of them run in the connection's one task, so the
/// atomics are only there to make it `Send`.
#[derive(Debug, Default)]
pub struct ConnectionActivity {
    /// Grows when a request begins or ends, and with each successful write. A new value restarts the clock.
    progress: AtomicU32,
    has_served: AtomicBool,
    in_flight: AtomicBool,
    head_bytes: AtomicBool,
    write_blocked: AtomicBool,
    leftovers: AtomicBool,
    gone: AtomicBool,
    requests: AtomicU32,
    /// The request whose length is ambiguous, counted from 1; 0 while there is none.
    ambiguous: AtomicU32,
    framing_lost: AtomicBool,
}

impl ConnectionActivity {
    /// Call it when a request's head is read and its handler starts. True when it is certain where the request ends.
    pub fn begin(&self, has_body: bool) -> bool {
        self.has_served.store(true, Relaxed);
        self.in_flight.store(true, Relaxed);
        self.head_bytes.store(false, Relaxed);
        self.leftovers.store(has_body, Relaxed);
        self.advance();
        let number = self.requests.fetch_add(1, Relaxed) + 1;
        let is_ambiguous = self.ambiguous.load(Relaxed) == number;
        !(is_ambiguous || has_body && self.framing_lost.load(Relaxed))
    }

    /// Notes what is known from the bytes so far about the ends of the requests.
    pub fn note_framing(&self, framing: &Framing) {
        if let Some(number) = framing.ambiguous() {
            self.ambiguous.store(number, Relaxed);
        }
        if framing.is_lost() {
            self.framing_lost.store(true, Relaxed);
        }
    }

    /// Call it when hyper has taken the whole answer, or has dropped it.
    pub fn end(&self) {
        self.in_flight.store(false, Relaxed);
        self.advance();
    }

    pub fn note_read(&self, bytes: usize) {
        if bytes == 0 {
            self.note_gone();
        } else if !self.in_flight.load(Relaxed) {
            self.head_bytes.store(true, Relaxed);
        }
    }

    pub fn note_write(&self, blocked: bool) {
        self.write_blocked.store(blocked, Relaxed);
        if !blocked {
            self.advance();
        }
    }

    /// The client ended or broke the connection.
    pub fn note_gone(&self) {
        self.gone.store(true, Relaxed);
    }

    /// The client may still be sending bytes that no handler will read.
    pub fn note_leftovers(&self) {
        self.leftovers.store(true, Relaxed);
    }

    pub fn is_gone(&self) -> bool {
        self.gone.load(Relaxed)
    }

    pub fn has_head_bytes(&self) -> bool {
        self.head_bytes.load(Relaxed)
    }

    pub fn may_have_leftovers(&self) -> bool {
        self.leftovers.load(Relaxed) || self.has_head_bytes()
    }

    fn advance(&self) {
        self.progress.fetch_add(1, Relaxed);
    }

    fn phase(&self) -> Phase {
        if self.write_blocked.load(Relaxed) {
            Phase::Writing
        } else if self.in_flight.load(Relaxed) {
            Phase::Busy
        } else if self.has_head_bytes() || !self.has_served.load(Relaxed) {
            Phase::RequestHead
        } else {
            Phase::Idle
        }
    }
}

impl Limits {
    fn of(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::RequestHead => Some(self.header_timeout),
            Phase::Idle => Some(self.keep_alive_timeout),
            Phase::Busy => None,
            Phase::Writing => Some(self.write_timeout),
        }
    }
}

/// Ends a connection that stays too long in one phase.
pub struct ActivityClock {
    timer: Pin<Box<Sleep>>,
    limits: Limits,
    seen: (Phase, u32),
    since: Instant,
}

impl ActivityClock {
    pub fn new(limits: Limits) -> Self {
        let since = Instant::now();
        Self {
            timer: Box::pin(sleep(limits.header_timeout)),
            limits,
            seen: (Phase::RequestHead, 0),
            since,
        }
    }

    /// Call it after each poll of the connection. Ready when its phase has lasted too long.
    pub fn poll(&mut self, activity: &ConnectionActivity, context: &mut Context<'_>) -> Poll<Phase> {
        let phase = activity.phase();
        let limit = self.limits.of(phase);
        self.note(phase, activity.progress.load(Relaxed), limit);
        loop {
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            let next = match limit {
                Some(limit) if self.since + limit <= now => return Poll::Ready(phase),
                Some(limit) => self.since + limit,
                None => now + self.limits.keep_alive_timeout,
            };
            self.timer.as_mut().reset(next);
        }
    }

    fn note(&mut self, phase: Phase, progress: u32, limit: Option<Duration>) {
        if self.seen == (phase, progress) {
            return;
        }
        self.seen = (phase, progress);
        let Some(limit) = limit else { return };
        self.since = Instant::now();
        let deadline = self.since + limit;
        // A timer that expires too early is set again by `poll`; resetting it at each request would cost more.
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_the_marks() {
        let activity = ConnectionActivity::default();
        assert_eq!(activity.phase(), Phase::RequestHead);
        activity.note_read(10);
        assert!(activity.begin(true));
        assert_eq!(activity.phase(), Phase::Busy);
        activity.note_read(10);
        activity.end();
        assert_eq!(activity.phase(), Phase::Idle);
        activity.note_write(true);
        assert_eq!(activity.phase(), Phase::Writing);
        activity.note_write(false);
        activity.note_read(1);
        assert_eq!(activity.phase(), Phase::RequestHead);
    }
}
