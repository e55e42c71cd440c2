//! The background workers of a process, each with a name: starting them, restarting them after a panic, stopping them.
//!
//! A worker that ends without being asked to is started again. `/readyz` and `/metrics` report the state of each. The
//! committer is not a worker: when it ends, the process ends.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;

/// The first and the longest pause before a worker that has ended is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(15);
/// After a run of this length the restart pauses begin with the first one again.
const STEADY_AFTER: Duration = Duration::from_secs(60);
/// How long the end of the process waits for the steps of workers. The next start repeats a step that is cut off.
const STOP_MAX: Duration = Duration::from_secs(30);
/// A worker that has failed for less time is likely to recover by itself.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// A group of workers that are stopped together, at the latest when its last handle is dropped. Cloning clones a
/// handle.
#[derive(Clone, Default)]
pub struct Workers {
    stop: Arc<StopOnDrop>,
    tracker: TaskTracker,
    /// The workers of every group of the process.
    all: Arc<Mutex<Vec<Arc<WorkerState>>>>,
}

#[derive(Default)]
struct StopOnDrop(CancellationToken);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

struct WorkerState {
    name: &'static str,
    health: Mutex<WorkerHealth>,
}

#[derive(Clone, Copy, Debug, Default)]
struct WorkerHealth {
    is_running: bool,
    restarts: u64,
    failures: u64,
    failing_since: Option<Instant>,
}

/// The state of a worker, as `/readyz` and `/metrics` report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    /// The worker's name, such as `relay`.
    pub name: &'static str,
    /// False between its end and the next start, and once it was stopped.
    pub is_running: bool,
    /// How often it was started again because it had ended.
    pub restarts: u64,
    /// How many of its steps failed.
    pub failures: u64,
    /// For how long every step has failed; `None` when the latest step succeeded.
    pub failing_for: Option<Duration>,
}

impl WorkerReport {
    /// True when it does not run, or when all its steps have failed for more than 10 s.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        !self.is_running || self.failing_for.is_some_and(|time| time > STALLED_AFTER)
    }
}

/// Whether a step left more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do at once.
    More,
    /// Nothing is left to do for now.
    Idle,
}

/// The handle that a running worker gets: it says when to end, and takes the results of steps.
#[derive(Clone)]
pub struct Worker {
    state: Arc<WorkerState>,
    stop: CancellationToken,
}

impl Workers {
    /// No workers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new group in the same process, stopped separately from this one.
    #[must_use]
    pub fn group(&self) -> Self {
        Self {
            all: self.all.clone(),
            ..Self::default()
        }
    }

    /// Starts a worker. `work` is called again when its future has panicked, or has ended before it was asked to. Must
    /// be called inside a tokio runtime.
    pub fn start<W, F>(&self, name: &'static str, work: W)
    where
        W: FnMut(Worker) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let state = Arc::new(WorkerState {
            name,
            health: Mutex::new(WorkerHealth {
                is_running: true,
                ..WorkerHealth::default()
            }),
        });
        self.list().push(state.clone());
        let worker = Worker {
            state,
            stop: self.stop.0.clone(),
        };
        self.tracker.spawn(supervise(worker, work));
    }

    /// Asks the workers to end, and returns when all have ended, each after its current step.
    pub async fn stop(&self) {
        self.stop.0.cancel();
        self.tracker.close();
        if timeout(STOP_MAX, self.tracker.wait()).await.is_err() {
            tracing::warn!("a worker is still at its step; the process does not wait for it any longer");
        }
    }

    /// Every worker of the process, in the order of their starts.
    #[must_use]
    pub fn reports(&self) -> Vec<WorkerReport> {
        self.list().iter().map(|state| state.report()).collect()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Arc<WorkerState>>> {
        self.all.lock()
    }
}

impl WorkerState {
    fn health(&self) -> MutexGuard<'_, WorkerHealth> {
        self.health.lock()
    }

    /// True for the first failure in a row.
    fn note_failure(&self) -> bool {
        let mut health = self.health();
        health.failures += 1;
        let is_first = health.failing_since.is_none();
        health.failing_since.get_or_insert_with(Instant::now);
        is_first
    }

    fn report(&self) -> WorkerReport {
        let health = *self.health();
        WorkerReport {
            name: self.name,
            is_running: health.is_running,
            restarts: health.restarts,
            failures: health.failures,
            failing_for: health.failing_since.map(|since| since.elapsed()),
        }
    }
}

impl Worker {
    /// Returns once the worker has to end.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// True once the worker has to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Cancelled once the worker has to end; for work that has to end with it.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Waits for this time, or until the worker has to end.
    pub async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.stopped() => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Counts the result of a step. Logs the first failure in a row and the first success after it: a database that is
    /// out of reach for an hour must not fill the log.
    pub fn note<T, E: Error + 'static>(&self, stepped: &Result<T, E>) {
        let name = self.state.name;
        match stepped {
            Ok(_) => {
                let was_failing = self.state.health().failing_since.take().is_some();
                if was_failing {
                    tracing::info!(worker = name, "the worker goes on");
                }
            }
            Err(error) => {
                let is_first = self.state.note_failure();
                if is_first {
                    let error = error as &dyn Error;
                    tracing::warn!(worker = name, error, "the worker's step failed; it is tried again");
                }
            }
        }
    }

    /// Runs steps until the worker has to end, with a pause after a step that failed or left nothing to do.
    pub async fn repeat<F, E>(&self, mut backoff: Backoff, mut step: impl FnMut() -> F)
    where
        F: Future<Output = Result<Step, E>>,
        E: Error + 'static,
    {
        while !self.is_stopping() {
            let began = Instant::now();
            let stepped = step().await;
            self.note(&stepped);
            let pause = backoff.after(&stepped);
            match stepped {
                Ok(Step::More) => {}
                // The pause is counted from the step's beginning, so that steps keep their pace.
                Ok(Step::Idle) => self.pause(pause.saturating_sub(began.elapsed())).await,
                Err(_) => self.pause(pause).await,
            }
        }
    }
}

async fn supervise<W, F>(worker: Worker, mut work: W)
where
    W: FnMut(Worker) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut backoff = Backoff::new(RESTART_PAUSE, RESTART_PAUSE_MAX);
    loop {
        let began = Instant::now();
        // A separate task, so that a panic ends only the worker.
        let ended = tokio::spawn(work(worker.clone())).await;
        worker.state.health().is_running = false;
        if let Err(error) = &ended {
            let error = error as &dyn Error;
            tracing::error!(worker = worker.state.name, error, "a worker has died");
        }
        if worker.is_stopping() {
            return;
        }
        if ended.is_ok() {
            tracing::error!(worker = worker.state.name, "a worker has ended by itself");
        }
        if began.elapsed() > STEADY_AFTER {
            backoff = Backoff::new(RESTART_PAUSE, RESTART_PAUSE_MAX);
        }
        worker.pause(backoff.next_pause()).await;
        if worker.is_stopping() {
            return;
        }
        let mut health = worker.state.health();
        health.is_running = true;
        health.restarts += 1;
    }
}

#[cfg(test)]
mod tests;
