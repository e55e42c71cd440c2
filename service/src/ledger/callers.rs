//! Those who wait for the batch that is being committed, and those who wait behind it.

use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::error::SubmitError;
use super::metrics::Metrics;
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

/// Commands that are being committed, each with its caller, by their places. Each caller is answered as soon as the outcome
/// is final.
pub(super) struct Batch<'a> {
    commands: Vec<Command>,
    callers: Vec<Option<Caller>>,
    size_max: usize,
    queue: &'a mut mpsc::Receiver<Waiting>,
    metrics: &'a Metrics,
}

impl<'a> Batch<'a> {
    pub fn new(
        waiting: Vec<Waiting>,
        size_max: usize,
        queue: &'a mut mpsc::Receiver<Waiting>,
        metrics: &'a Metrics,
    ) -> Self {
        let (commands, callers) = waiting.into_iter().map(|one| (one.command, Some(one.caller))).unzip();
        Self {
            commands,
            callers,
            size_max,
            queue,
            metrics,
        }
    }

    /// The places of all commands.
    pub fn places(&self) -> Vec<usize> {
        (0..self.commands.len()).collect()
    }

    /// The commands at these places.
    pub fn commands(&self, places: &[usize]) -> Vec<&Command> {
        places.iter().map(|place| &self.commands[*place]).collect()
    }

    pub fn command(&self, place: usize) -> &Command {
        &self.commands[place]
    }

    /// Takes those who have come meanwhile into the batch, as far as there is room; gives their places.
    pub fn take_waiting(&mut self) -> Range<usize> {
        let first = self.commands.len();
        while self.commands.len() < self.size_max
            && let Ok(waiting) = self.queue.try_recv()
        {
            self.metrics.note_wait(waiting.caller.waited());
            self.commands.push(waiting.command);
            self.callers.push(Some(waiting.caller));
        }
        first..self.commands.len()
    }

    /// Tells the callers at these places what has become of their commands.
    pub fn done(&mut self, places: &[usize], outcomes: Vec<Outcome>) {
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
    pub fn refuse_waiting(&mut self, fault: &Fault) {
        while let Ok(waiting) = self.queue.try_recv() {
            waiting.caller.answer(Err(fault.clone().into()));
        }
    }

    /// Those who are not answered, with their commands.
    pub fn unanswered(self) -> impl Iterator<Item = Waiting> {
        let waiting = self.commands.into_iter().zip(self.callers);
        waiting.filter_map(|(command, caller)| caller.map(|caller| Waiting { command, caller }))
    }
}
