//! Those who wait for the batch that is being committed, and those who wait behind it.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::error::SubmitError;
use super::metrics::Metrics;
use super::outcomes::Outcomes;
use super::types::{Command, Outcome};
use crate::db::Fault;

/// How long after its arrival a command on a locked wallet is still tried.
const CONTENDED_AFTER: Duration = Duration::from_millis(2_500);

/// A command and the caller who waits for its outcome.
pub(super) struct Waiting {
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

    /// True when the caller is to be told that the wallets are contended.
    pub fn has_waited_enough(&self) -> bool {
        self.waited() >= CONTENDED_AFTER
    }

    /// A caller who hung up gets no answer; the outcome stands all the same.
    pub fn answer(self, answer: Result<Outcome, SubmitError>) {
        let _ = self.answer.send(answer);
    }
}

/// The callers of one batch, by the place of their command in it. Each is answered as soon as the outcome is final.
pub(super) struct Callers<'a> {
    callers: Vec<Option<Caller>>,
    queue: &'a mut mpsc::Receiver<Waiting>,
    outcomes: &'a Outcomes,
    metrics: &'a Metrics,
}

impl<'a> Callers<'a> {
    pub fn new(
        callers: Vec<Caller>,
        queue: &'a mut mpsc::Receiver<Waiting>,
        outcomes: &'a Outcomes,
        metrics: &'a Metrics,
    ) -> Self {
        Self {
            callers: callers.into_iter().map(Some).collect(),
            queue,
            outcomes,
            metrics,
        }
    }

    /// Tells the reports what was moved, and then the callers.
    pub fn done(&mut self, places: &[usize], outcomes: Vec<Outcome>) {
        self.outcomes.publish(&outcomes, self.metrics);
        for (place, outcome) in places.iter().zip(outcomes) {
            if let Some(caller) = self.callers[*place].take() {
                caller.answer(Ok(outcome));
            }
        }
    }

    /// Tells the callers at these places, where they are not answered yet, why there is no outcome.
    pub fn fail(&mut self, places: &[usize], error: &SubmitError) {
        for place in places {
            if let Some(caller) = self.callers[*place].take() {
                caller.answer(Err(error.clone()));
            }
        }
    }

    /// Turns those away who wait behind this batch: the database does not answer, and nothing of theirs was begun.
    pub fn turn_others_away(&mut self, fault: &Fault) {
        while let Ok(waiting) = self.queue.try_recv() {
            waiting.caller.answer(Err(fault.clone().into()));
        }
    }

    /// The callers that are not answered, by their places.
    pub fn unanswered(self) -> impl Iterator<Item = (usize, Caller)> {
        let callers = self.callers.into_iter().enumerate();
        callers.filter_map(|(place, caller)| Some((place, caller?)))
    }
}
