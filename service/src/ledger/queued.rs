//! A command that waits in the queue, and the caller who waits for its outcome.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::error::SubmitError;
use super::types::{Command, Outcome};

/// How long after its arrival a command that was set aside is still tried.
const CONTENDED_AFTER: Duration = Duration::from_millis(2_500);

/// A command and the caller who waits for its outcome.
pub(super) struct QueuedCommand {
    pub command: Command,
    pub caller: Caller,
}

/// One caller.
pub(super) struct Caller {
    since: Instant,
    answer: oneshot::Sender<Result<Outcome, SubmitError>>,
}

impl Caller {
    pub fn new(answer: oneshot::Sender<Result<Outcome, SubmitError>>) -> Self {
        Self {
            since: Instant::now(),
            answer,
        }
    }

    /// How long the caller has waited.
    pub fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// How long the caller has waited at a time.
    pub fn waited_until(&self, now: Instant) -> Duration {
        now.duration_since(self.since)
    }

    /// True once the caller is to be answered `Contended`.
    pub fn has_waited_enough(&self) -> bool {
        self.waited() >= CONTENDED_AFTER
    }

    /// Answers the caller. One who has hung up gets no answer; the outcome is final all the same.
    pub fn answer(self, answer: Result<Outcome, SubmitError>) {
        let _ = self.answer.send(answer);
    }
}
