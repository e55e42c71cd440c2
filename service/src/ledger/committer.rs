//! The one task that moves money: takes whatever is waiting, commits it as one batch, answers each caller.
//!
//! It never lingers for more when it could start, and a caller who hangs up neither stops nor doubles a transfer. It has a
//! thread of its own: among the tasks of a busy server it would look at the database's answers only every few milliseconds,
//! and the database would wait for it as long.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::batch::Batches;
use super::error::SubmitError;
use super::metrics::Metrics;
use super::outcomes::{Completed, Outcomes};
use super::types::{Command, Outcome};
use crate::clock::Clock;
use crate::db::{Db, Fault};

/// The running committer.
pub struct Ledger {
    queue: Queue,
    metrics: Arc<Metrics>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// Where transfers wait for the committer. Cloning it clones a handle.
#[derive(Clone)]
pub struct Queue {
    sender: mpsc::Sender<Waiting>,
    capacity: usize,
}

struct Waiting {
    command: Command,
    since: Instant,
    answer: oneshot::Sender<Result<Outcome, SubmitError>>,
}

impl Ledger {
    /// Starts the thread with room for `queue_max` waiting commands. Also gives what is committed, in batches.
    pub fn start(
        db: &Db,
        clock: Arc<dyn Clock>,
        queue_max: usize,
    ) -> io::Result<(Self, mpsc::Receiver<Vec<Completed>>)> {
        let (sender, receiver) = mpsc::channel(queue_max.max(1));
        let (stop, stopped) = oneshot::channel();
        let metrics = Arc::new(Metrics::default());
        let batches = Batches::new(db, clock, metrics.clone());
        let (outcomes, completed) = Outcomes::channel();
        let committer = Committer {
            batches,
            metrics: metrics.clone(),
            outcomes,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || runtime.block_on(committer.run(receiver, stopped)))?;
        let ledger = Self {
            queue: Queue {
                sender,
                capacity: queue_max.max(1),
            },
            metrics,
            stop,
            thread,
        };
        Ok((ledger, completed))
    }

    /// A handle to submit commands with.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// The counters of the commit path.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// Takes no more commands, answers those that wait, and returns when the last one is durable.
    pub async fn stop(self) {
        // The thread may have ended already; then there is nothing to stop.
        let _ = self.stop.send(());
        let ended = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("the committer ended badly");
        }
    }
}

impl Queue {
    /// Submits one command and waits for its final outcome.
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        let (answer, outcome) = oneshot::channel();
        self.sender
            .try_send(Waiting {
                command,
                since: Instant::now(),
                answer,
            })
            .map_err(|_| SubmitError::Overloaded)?;
        outcome.await.map_err(|lost| SubmitError::Fault(Fault::broken(lost)))?
    }

    /// How many commands are waiting.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.capacity - self.sender.capacity()
    }
}

/// What the task works with.
struct Committer {
    batches: Batches,
    metrics: Arc<Metrics>,
    outcomes: Outcomes,
}

impl Committer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Waiting>, mut stopped: oneshot::Receiver<()>) {
        let batch_max = self.batches.size_max();
        let mut waiting = Vec::with_capacity(batch_max);
        loop {
            tokio::select! {
                biased;
                // A closed receiver still gives out what it holds, and then an empty batch.
                _ = &mut stopped, if !receiver.is_closed() => receiver.close(),
                taken = receiver.recv_many(&mut waiting, batch_max) => {
                    if taken == 0 {
                        return self.batches.close().await;
                    }
                    note_arrival(&self.metrics, &waiting);
                    self.commit(&mut waiting).await;
                }
            }
        }
    }

    async fn commit(&mut self, waiting: &mut Vec<Waiting>) {
        let (commands, answers): (Vec<Command>, Vec<_>) =
            waiting.drain(..).map(|one| (one.command, one.answer)).unzip();
        let outcomes = self.batches.commit(&commands).await;
        self.outcomes.publish(&outcomes, &self.metrics);
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // A caller who hung up gets no answer; the outcome stands all the same.
            let _ = answer.send(outcome);
        }
    }
}

fn note_arrival(metrics: &Metrics, waiting: &[Waiting]) {
    let now = Instant::now();
    metrics.batch_size.record(waiting.len() as u64);
    for one in waiting {
        let waited = now.saturating_duration_since(one.since).as_micros();
        metrics.wait_us.record(u64::try_from(waited).unwrap_or(u64::MAX));
    }
}
