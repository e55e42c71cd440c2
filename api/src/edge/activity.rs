//! What a connection is doing, and the clock that ends it when one phase takes too long. hyper has a time-out for heads
//! only, and counts the wait for the next request in it.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use super::{framing::Framing, limits::ConnectionLimits};

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
    in_flight: AtomicBool,
    head_bytes: AtomicBool,
    write_blocked: AtomicBool,
    leftovers: AtomicBool,
    requests: AtomicU32,
    /// The request whose length is ambiguous, counted from 1; 0 while there is none.
    ambiguous: AtomicU32,
    framing_lost: AtomicBool,
}

impl ConnectionActivity {
    /// Call it when a request's head is read and its handler starts. True when it is certain where the request ends.
    pub fn begin(&self, has_body: bool) -> bool {
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
        if bytes > 0 && !self.in_flight.load(Relaxed) {
            self.head_bytes.store(true, Relaxed);
        }
    }

    pub fn note_write(&self, blocked: bool) {
        self.write_blocked.store(blocked, Relaxed);
        if !blocked {
            self.advance();
        }
    }

    /// The client may still be sending bytes that no handler will read.
    pub fn note_leftovers(&self) {
        self.leftovers.store(true, Relaxed);
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
        } else if self.has_head_bytes() || self.requests.load(Relaxed) == 0 {
            Phase::RequestHead
        } else {
            Phase::Idle
        }
    }
}

impl ConnectionLimits {
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
    limits: ConnectionLimits,
    seen: (Phase, u32),
}

impl ActivityClock {
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            timer: Box::pin(sleep(limits.header_timeout)),
            limits,
            seen: (Phase::RequestHead, 0),
        }
    }

    /// Call it after each poll of the connection. Ready when its phase has lasted too long.
    pub fn poll(&mut self, activity: &ConnectionActivity, context: &mut Context<'_>) -> Poll<Phase> {
        let phase = activity.phase();
        let Some(limit) = self.limits.of(phase) else {
            return Poll::Pending;
        };
        let seen = (phase, activity.progress.load(Relaxed));
        if self.seen != seen {
            self.seen = seen;
            // Takes no lock when the deadline moves away, as it does at each request.
            self.timer.as_mut().reset(Instant::now() + limit);
        }
        self.timer.as_mut().poll(context).map(|()| phase)
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
