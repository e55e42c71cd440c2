//! The commands that have arrived and are in no batch yet. Bounds are counted in rows: a request for a hundred transfers
//! takes as much room in the queue, and in a batch, as a hundred requests.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::queued::QueuedCommand;
use super::shares::QueueShares;

/// A place in the queue. A command for several rows takes as many: the first has it, the others are `None`.
pub(super) type Place = Option<Arrival>;

/// A command in the queue.
pub(super) struct Arrival {
    pub queued: QueuedCommand,
    /// How many rows of its user's share it takes; 0 for a command that had a reserved place.
    pub rows_of_share: usize,
}

/// The receiving end of the queue.
pub(super) struct Arrivals {
    receiver: mpsc::Receiver<Place>,
    shares: Arc<QueueShares>,
    /// Taken from the queue, since they did not fit into the last batch.
    waiting: VecDeque<Arrival>,
    places: Vec<Place>,
}

impl Arrivals {
    pub fn new(receiver: mpsc::Receiver<Place>, shares: Arc<QueueShares>) -> Self {
        Self {
            receiver,
            shares,
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
        let mut commands = Vec::with_capacity(rows_max);
        while self.waiting.is_empty() && self.receiver.recv_many(&mut self.places, rows_max).await > 0 {
            self.waiting.extend(self.places.drain(..).flatten());
        }
        self.fill(&mut commands, 0, rows_max);
        commands
    }

    /// Moves commands that have arrived into a batch that has `rows` rows, as long as they fit into `rows_max`. One that
    /// is larger by itself comes alone.
    pub fn fill(&mut self, commands: &mut Vec<QueuedCommand>, mut rows: usize, rows_max: usize) {
        while rows < rows_max {
            let Some(next) = self.pop() else {
                return;
            };
            let added = next.queued.command.action.rows();
            if rows > 0 && rows + added > rows_max {
                self.waiting.push_front(next);
                return;
            }
            rows += added;
            commands.push(self.taken(next));
        }
    }

    /// A command that has arrived, if there is one.
    pub fn try_next(&mut self) -> Option<QueuedCommand> {
        let next = self.pop()?;
        Some(self.taken(next))
    }

    fn pop(&mut self) -> Option<Arrival> {
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

    /// A command that waits no longer.
    fn taken(&self, arrival: Arrival) -> QueuedCommand {
        if arrival.rows_of_share > 0 {
            let user = arrival.queued.command.actor.user;
            self.shares.give_back(user, arrival.rows_of_share);
        }
        arrival.queued
    }
}
