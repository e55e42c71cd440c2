//! The one task that moves money, opens wallets and changes them: it takes whatever is waiting, commits it as one
//! batch, and answers each caller.
//!
//! It starts a batch as soon as it can and never waits for more commands. A client that hangs up neither stops nor
//! repeats a transfer. The task has a thread of its own: among the tasks of a busy server it would run only every few
//! milliseconds, and the database would wait for it that long.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::arrivals::{Arrival, Arrivals, Place};
use super::batch::CommandBatch;
use super::batch_committer::BatchCommitter;
use super::error::SubmitError;
use super::handover::Handovers;
use super::metrics::Metrics;
use super::queued::{Caller, QueuedCommand};
use super::repo::Repo;
use super::shares::QueueShares;
use super::store::Store;
use super::types::{Command, Outcome};
use crate::clock::Clock;
use crate::db::Db;

/// A handle of the running committer.
pub struct Ledger {
    queue: Queue,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    ended: watch::Receiver<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How long a caller waits. The committer looks for a lost outcome for 30 s only, so a caller waits this long only for
/// a database that is silent and keeps its connections open.
const WAIT_MAX: Duration = Duration::from_secs(40);

/// The queue in which commands wait for the committer. Cloning it clones a handle.
#[derive(Clone)]
pub struct Queue {
    sender: mpsc::Sender<Place>,
    shares: Arc<QueueShares>,
    capacity: usize,
}

impl Ledger {
    /// Starts the committer's thread, with room for `queue_max` waiting rows, at least one. It publishes each
    /// commit through `handovers`.
    pub fn start(db: &Db, clock: Arc<dyn Clock>, queue_max: usize, handovers: Handovers) -> io::Result<Self> {
        let capacity = queue_max.max(1);
        let (sender, receiver) = mpsc::channel(capacity);
        let shares = Arc::new(QueueShares::of(capacity));
        let arrivals = Arrivals::new(receiver, shares.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let metrics = Arc::new(Metrics::default());
        let repo = Repo::new(db, metrics.clone());
        let batch_committer = BatchCommitter::new(repo, clock, metrics.clone(), handovers);
        let committer = Committer {
            batch_committer,
            metrics: metrics.clone(),
            set_aside: VecDeque::new(),
            try_again_at: Instant::now(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (running, ended) = watch::channel(());
        let thread = thread::Builder::new().name("committer".to_owned()).spawn(move || {
            // Dropped when the thread ends, after a panic too: `ended` waits for this.
            let _running = running;
            runtime.block_on(committer.run(arrivals, stopped));
            // A blocking thread that waits for the file's turn must not delay the end of the process.
            runtime.shutdown_background();
        })?;
        Ok(Self {
            queue: Queue {
                sender,
                shares,
                capacity,
            },
            metrics,
            stop,
            ended,
            thread: Mutex::new(Some(thread)),
        })
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

    /// Returns when the committer has ended: after `stop`, or because of a bug. From then on no money moves.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move {
            // Nothing is ever sent; the error means that the thread has ended.
            while ended.changed().await.is_ok() {}
        }
    }

    /// Takes no more commands, answers those that wait, and returns when the last one is durable.
    pub async fn stop(&self) {
        self.stop.cancel();
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        if let Ok(Err(panic)) = ended {
            tracing::error!(panic = message_of(&*panic), "the committer has died");
        }
    }
}

impl Queue {
    /// Submits one command and waits for its final outcome. `Overloaded` if the queue is full, or if its user has as much
    /// of it waiting as one user may.
    pub async fn submit(&self, command: Command) -> Result<Outcome, SubmitError> {
        let rows = command.action.rows().min(self.capacity);
        let user = command.actor.user;
        if !self.shares.try_take(user, rows) {
            return Err(SubmitError::Overloaded);
        }
        let (arrival, outcome) = arrival(command, rows);
        if let Err(error) = self.send(arrival, rows) {
            self.shares.give_back(user, rows);
            return Err(error);
        }
        outcome_of(outcome).await
    }

    fn send(&self, arrival: Arrival, rows: usize) -> Result<(), SubmitError> {
        if rows == 1 {
            return self.sender.try_send(Some(arrival)).map_err(|error| refused(&error));
        }
        let mut places = self.sender.try_reserve_many(rows).map_err(|error| refused(&error))?;
        if let Some(first) = places.next() {
            first.send(Some(arrival));
        }
        places.for_each(|place| place.send(None));
        Ok(())
    }

    /// Reserves a place in the queue for a command that comes later. It takes nothing of a user's share.
    pub fn reserve(&self) -> Result<QueuePlace, SubmitError> {
        let reserved = self.sender.clone().try_reserve_owned();
        reserved.map(QueuePlace).map_err(|error| refused(&error))
    }

    /// False once the committer has ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// How many rows may wait in the queue.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many rows are waiting in the queue.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.capacity - self.sender.capacity()
    }
}

/// A reserved place in the queue.
pub struct QueuePlace(mpsc::OwnedPermit<Place>);

impl QueuePlace {
    /// Submits a command and waits for its final outcome. The queue cannot be full.
    pub async fn submit(self, command: Command) -> Result<Outcome, SubmitError> {
        let (arrival, outcome) = arrival(command, 0);
        self.0.send(Some(arrival));
        outcome_of(outcome).await
    }
}

type Answer = oneshot::Receiver<Result<Outcome, SubmitError>>;

fn arrival(command: Command, rows_of_share: usize) -> (Arrival, Answer) {
    let (answer, outcome) = oneshot::channel();
    let queued = QueuedCommand {
        command,
        caller: Caller::new(answer),
    };
    (Arrival { queued, rows_of_share }, outcome)
}

fn refused<T>(error: &TrySendError<T>) -> SubmitError {
    match error {
        TrySendError::Full(_) => SubmitError::Overloaded,
        TrySendError::Closed(_) => SubmitError::Stopped,
    }
}

/// If the committer dies, the answers of its batch are lost, and the batch may be durable: the outcome is unknown.
async fn outcome_of(answer: Answer) -> Result<Outcome, SubmitError> {
    let answer = timeout(WAIT_MAX, answer).await;
    answer
        .map_err(|_| SubmitError::OutcomeUnknown)?
        .map_err(|_| SubmitError::OutcomeUnknown)?
}

/// The state of the committer's task.
struct Committer<S> {
    batch_committer: BatchCommitter<S>,
    metrics: Arc<Metrics>,
    /// Commands that need rows which another session has locked, or wallets with more expired holds than one commit
    /// releases. They are tried again, together with what has arrived meanwhile.
    set_aside: VecDeque<QueuedCommand>,
    try_again_at: Instant,
}

/// No further command is set aside while those that are have this many rows: it is answered `Contended` at once.
const SET_ASIDE_ROWS_MAX: usize = 2_000;
/// Pause before what was set aside is tried again.
const SET_ASIDE_PAUSE: Duration = Duration::from_millis(100);

/// When commands that arrive meanwhile may join a batch.
enum Joining {
    /// From its beginning on.
    AtOnce,
    /// Where it has to wait for the turn.
    Later,
}

impl<S: Store> Committer<S> {
    async fn run(mut self, mut arrivals: Arrivals, stopped: CancellationToken) {
        let rows_max = self.batch_committer.rows_max();
        let mut has_run_out = false;
        loop {
            tokio::select! {
                biased;
                () = stopped.cancelled(), if !arrivals.is_closed() => arrivals.close(),
                () = tokio::time::sleep_until(self.try_again_at), if !self.set_aside.is_empty() => {
                    let again = self.next_set_aside(rows_max);
                    self.commit(again, &mut arrivals, Joining::AtOnce).await;
                    self.try_again_at = Instant::now() + SET_ASIDE_PAUSE;
                }
                // A closed receiver still gives what it holds, and waits for places that are reserved. Then it gives nothing.
                taken = arrivals.batch(rows_max), if !has_run_out => {
                    has_run_out = taken.is_empty();
                    if !taken.is_empty() {
                        taken.iter().for_each(|one| self.metrics.note_wait(one.caller.waited()));
                        self.commit(taken, &mut arrivals, Joining::Later).await;
                    }
                }
                else => return self.batch_committer.close().await,
            }
        }
    }

    async fn commit(&mut self, waiting: Vec<QueuedCommand>, queue: &mut Arrivals, joining: Joining) {
        let rows_max = self.batch_committer.rows_max();
        let mut batch = CommandBatch::new(waiting, rows_max, queue, &self.metrics);
        match joining {
            // Commands that have just arrived need not wait for those that were set aside.
            Joining::AtOnce => _ = batch.take_waiting(),
            Joining::Later => {}
        }
        self.metrics.note_batch(Some(std::time::Instant::now()));
        self.batch_committer.commit(&mut batch).await;
        self.metrics.note_batch(None);
        let mut rows: usize = self.set_aside.iter().map(|one| one.command.action.rows()).sum();
        for waiting in batch.unanswered() {
            if waiting.caller.has_waited_enough() || rows >= SET_ASIDE_ROWS_MAX {
                waiting.caller.answer(Err(SubmitError::Contended));
            } else {
                if self.set_aside.is_empty() {
                    self.try_again_at = Instant::now() + SET_ASIDE_PAUSE;
                }
                rows += waiting.command.action.rows();
                self.set_aside.push_back(waiting);
            }
        }
    }

    /// The commands that were set aside first, as many as fit into a batch. One that is larger by itself comes alone.
    fn next_set_aside(&mut self, rows_max: usize) -> Vec<QueuedCommand> {
        let mut rows = 0;
        let fit = self.set_aside.iter().take_while(|one| {
            rows += one.command.action.rows();
            rows <= rows_max
        });
        let fit = fit.count().max(1).min(self.set_aside.len());
        self.set_aside.drain(..fit).collect()
    }
}

/// The message of a panic.
fn message_of(panic: &(dyn Any + Send)) -> &str {
    let owned = || panic.downcast_ref::<String>().map(String::as_str);
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(owned)
        .unwrap_or("no message")
}
