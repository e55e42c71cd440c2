//! The background workers of a process: how one is started, started again after a panic, stopped, and known by its name.
//!
//! A worker that ends without being asked to is started again, so that none is ever missing without a word. What it is at,
//! `/readyz` and `/metrics` tell. The committer alone is not one of them: its end is the end of the process.

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;

/// The first and the longest pause before a worker that has ended is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(15);
/// A worker that ran for so long is not one that ends at once whenever it is started.
const STEADY_AFTER: Duration = Duration::from_secs(60);
/// A worker that has failed for less time is likely to come right by itself.
const STALLED_AFTER: Duration = Duration::from_secs(10);

/// Workers that are stopped together, at the latest when the last handle to them is dropped. Cloning it clones a handle.
#[derive(Clone, Default)]
pub struct Workers {
    stop: Arc<StopOnDrop>,
    tracker: TaskTracker,
    /// Of every group of the process.
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

/// What is known of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    pub name: &'static str,
    /// False between a panic and the next start, and once it was stopped.
    pub is_running: bool,
    /// Times that it was started again because it had ended.
    pub restarts: u64,
    /// Steps that failed.
    pub failures: u64,
    /// How long every step has failed; `None` when the latest succeeded.
    pub failing_for: Option<Duration>,
}

impl WorkerReport {
    /// True when it does not run, or when all of its steps have failed for 10 s.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        !self.is_running || self.failing_for.is_some_and(|time| time > STALLED_AFTER)
    }
}

/// Whether a step left more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    More,
    Idle,
}

/// What a running worker has in hand: when to end, and whom to tell how it goes.
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

    /// Workers of the same process that are stopped apart from these.
    #[must_use]
    pub fn group(&self) -> Self {
        Self {
            all: self.all.clone(),
            ..Self::default()
        }
    }

    /// Starts a worker. `work` is called again whenever what it gave has panicked, or has ended before it was asked to.
    /// Must be called inside a tokio runtime.
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

    /// Asks the workers to end, and returns when all of them have, each after the step that it is at.
    pub async fn stop(&self) {
        self.stop.0.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Every worker of the process, in the order that they were started in.
    #[must_use]
    pub fn reports(&self) -> Vec<WorkerReport> {
        self.list().iter().map(|state| state.report()).collect()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Arc<WorkerState>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WorkerState {
    fn health(&self) -> MutexGuard<'_, WorkerHealth> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// For work that has to end with the worker.
    #[must_use]
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Waits, or less when the worker has to end.
    pub async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.stopped() => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Notes how a step went. The first failure in a row is logged, and the first success after it: a database that is
    /// away for an hour must not fill the log.
    pub fn note<T, E: Error + 'static>(&self, stepped: &Result<T, E>) {
        let mut health = self.state.health();
        match stepped {
            Ok(_) => {
                if health.failing_since.take().is_some() {
                    tracing::info!(worker = self.state.name, "the worker goes on");
                }
            }
            Err(error) => {
                health.failures += 1;
                if health.failing_since.is_none() {
                    health.failing_since = Some(Instant::now());
                    let error = error as &dyn Error;
                    tracing::warn!(
                        worker = self.state.name,
                        error,
                        "the worker's step failed; it is tried again"
                    );
                }
            }
        }
    }

    /// Takes one step after the other until the worker has to end, with pauses where a step left nothing to do or failed.
    pub async fn repeat<F, E>(&self, mut backoff: Backoff, mut step: impl FnMut() -> F)
    where
        F: Future<Output = Result<Step, E>>,
        E: Error + 'static,
    {
        while !self.is_stopping() {
            let stepped = step().await;
            self.note(&stepped);
            let pause = backoff.after(&stepped);
            match stepped {
                Ok(Step::More) => {}
                Ok(Step::Idle) | Err(_) => self.pause(pause).await,
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
        // A task of its own, so that a panic ends no more than the worker.
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
