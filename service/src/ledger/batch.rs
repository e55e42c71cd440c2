//! The callers of the batch that is being committed, and of the commands that wait behind it.

use std::ops::Range;
use std::time::Instant;

use super::arrivals::Arrivals;
use super::error::SubmitError;
use super::metrics::Metrics;
use super::queued::{Caller, QueuedCommand};
use super::types::{Command, Outcome};
use crate::db::Fault;

/// Commands that are being committed, each with its caller. A place is an index into them. Each caller is answered as
/// soon as the outcome is final.
pub(super) struct CommandBatch<'a> {
    commands: Vec<Command>,
    callers: Vec<Option<Caller>>,
    rows_max: usize,
    queue: &'a mut Arrivals,
    metrics: &'a Metrics,
}

impl<'a> CommandBatch<'a> {
    pub fn new(waiting: Vec<QueuedCommand>, rows_max: usize, queue: &'a mut Arrivals, metrics: &'a Metrics) -> Self {
        let (commands, callers) = waiting.into_iter().map(|one| (one.command, Some(one.caller))).unzip();
        Self {
            commands,
            callers,
            rows_max,
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

    /// Moves commands that have arrived meanwhile from the queue into the batch, up to its limit of rows; gives their
    /// places.
    pub fn take_waiting(&mut self) -> Range<usize> {
        let first = self.commands.len();
        let rows = self.commands.iter().map(|command| command.action.rows()).sum();
        let mut arrived = Vec::new();
        self.queue.fill(&mut arrived, rows, self.rows_max);
        for waiting in arrived {
            self.metrics.note_wait(waiting.caller.waited());
            self.commands.push(waiting.command);
            self.callers.push(Some(waiting.caller));
        }
        first..self.commands.len()
    }

    /// Answers the callers at these places with the outcomes of their commands.
    pub fn done(&mut self, places: &[usize], outcomes: Vec<Outcome>) {
        let now = Instant::now();
        let callers = places.iter().filter_map(|place| self.callers[*place].as_ref());
        self.metrics
            .note_answers(callers.map(|caller| caller.waited_until(now)));
        for (place, outcome) in places.iter().zip(outcomes) {
            if let Some(caller) = self.callers[*place].take() {
                caller.answer(Ok(outcome));
            }
        }
    }

    /// Answers the callers at these places, unless they are answered already, with the error.
    pub fn fail(&mut self, places: &[usize], error: &SubmitError) {
        for place in places {
            if let Some(caller) = self.callers[*place].take() {
                caller.answer(Err(error.clone()));
            }
        }
    }

    /// Answers all commands that wait behind this batch with the fault: the database cannot serve them, and none was
    /// begun.
    pub fn refuse_waiting(&mut self, fault: &Fault) {
        while let Some(waiting) = self.queue.try_next() {
            waiting.caller.answer(Err(fault.clone().into()));
        }
    }

    /// The commands whose callers are not answered yet.
    pub fn unanswered(self) -> impl Iterator<Item = QueuedCommand> {
        let waiting = self.commands.into_iter().zip(self.callers);
        waiting.filter_map(|(command, caller)| caller.map(|caller| QueuedCommand { command, caller }))
    }
}
