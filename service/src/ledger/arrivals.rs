//! The commands that have arrived and are in no batch yet. Bounds are counted in rows: a request for a hundred transfers
//! takes as much room in the queue, and in a batch, as a hundred requests.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use super::queued::QueuedCommand;

/// A place in the queue. A command for several rows takes as many: the first has it, the others are `None`.
pub(super) type Place = Option<QueuedCommand>;

/// The receiving end of the queue.
pub(super) struct Arrivals {
    receiver: mpsc::Receiver<Place>,
    /// Taken from the queue, since they did not fit into the last batch.
    waiting: VecDeque<QueuedCommand>,
    places: Vec<Place>,
}

impl Arrivals {
    pub fn new(receiver: mpsc::Receiver<Place>) -> Self {
        Self {
            receiver,
            waiting: VecDeque::new(),
            places: Vec::new(),
        }
    }

    /// Takes no more commands than are in the queue, or have a reserved place there.
    pub fn close(&mut self) {
        self.receiver.close();
    }

    pub fn is_closed(&self) -> bool {
        self.receiver.is_closed()
    }

    /// Waits for a command, and takes those that have arrived, as many as fit into `rows_max`. Empty once the queue is
    /// closed and nothing is left.
    pub async fn batch(&mut self, rows_max: usize) -> Vec<QueuedCommand> {
        let mut commands = Vec::with_capacity(rows_max.min(CAPACITY_MAX));
        if self.waiting.is_empty() {
            while self.waiting.is_empty() && self.receiver.recv_many(&mut self.places, rows_max).await > 0 {
                self.waiting.extend(self.places.drain(..).flatten());
            }
        }
        self.fill(&mut commands, 0, rows_max);
        commands
    }

    /// Moves commands that have arrived into a batch that has `rows` rows, as long as they fit into `rows_max`. One that
    /// is larger by itself comes alone.
    pub fn fill(&mut self, commands: &mut Vec<QueuedCommand>, mut rows: usize, rows_max: usize) {
        while rows < rows_max {
            let Some(next) = self.waiting.pop_front().or_else(|| self.try_next()) else {
                return;
            };
            let added = next.command.action.rows();
            if rows > 0 && rows + added > rows_max {
                self.waiting.push_front(next);
                return;
            }
            rows += added;
            commands.push(next);
        }
    }

    /// A command that has arrived, if there is one.
    pub fn try_next(&mut self) -> Option<QueuedCommand> {
        if let Some(waiting) = self.waiting.pop_front() {
            return Some(waiting);
        }
        while let Ok(place) = self.receiver.try_recv() {
            if place.is_some() {
                return place;
            }
        }
        None
    }
}

const CAPACITY_MAX: usize = 1_000;
