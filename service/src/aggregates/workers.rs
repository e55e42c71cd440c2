//! The tasks of a server: one that relays the bank's own money, some that consume the queue, one that archives.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::relay::{PAYMENTS_MAX, Relay};
use super::{Aggregates, AggregatesError, Consumer};
use crate::redis::RedisPause;

/// The pause between two steps of the relay: a commit waits no longer, and a busy bank's totals are written as often.
const RELAY_PAUSE: Duration = Duration::from_millis(50);
const CONSUME_EVERY: Duration = Duration::from_millis(100);
const ARCHIVE_EVERY: Duration = Duration::from_secs(10);
/// The longest pause while something is out of reach.
const PAUSE_MAX: Duration = Duration::from_secs(15);
const CONSUMERS: usize = 2;

/// The running tasks.
pub struct Workers {
    stop: watch::Sender<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// Whether a step left more to do.
enum WorkerStep {
    More,
    Idle,
}

impl Workers {
    /// Starts them. Must be called inside a tokio runtime.
    #[must_use]
    pub fn start(aggregates: &Aggregates) -> Self {
        let (stop, _) = watch::channel(());
        let mut workers = Self {
            stop,
            tasks: Vec::new(),
        };
        workers.spawn_relay(aggregates);
        workers.spawn("archiver", aggregates, ARCHIVE_EVERY, archive);
        if aggregates.0.redis.is_some() {
            for _ in 0..CONSUMERS {
                workers.spawn_consumer(aggregates);
            }
        }
        workers
    }

    /// Ends them, each after the step that it is at.
    pub async fn stop(self) {
        // Without tasks nobody listens.
        let _ = self.stop.send(());
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a worker of the aggregates ended badly");
            }
        }
    }

    fn spawn<F>(
        &mut self,
        name: &'static str,
        aggregates: &Aggregates,
        every: Duration,
        step: impl Fn(Aggregates) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<WorkerStep, AggregatesError>> + Send + 'static,
    {
        let (aggregates, stop) = (aggregates.clone(), self.stop.subscribe());
        let task = async move { run(name, every, stop, || step(aggregates.clone())).await };
        self.tasks.push(tokio::spawn(task));
    }

    /// The relay is woken by each commit of this process, and looks for those of others.
    fn spawn_relay(&mut self, aggregates: &Aggregates) {
        let (aggregates, mut stop) = (aggregates.clone(), self.stop.subscribe());
        self.tasks.push(tokio::spawn(async move {
            let mut relay = Relay::new(aggregates.0.handover.clone());
            let mut steps = Steps::new("relay", RELAY_PAUSE);
            loop {
                tokio::select! {
                    _ = stop.changed() => return,
                    () = relay.woken() => {}
                }
                let stepped = relay.step(&aggregates).await;
                let pause = steps.pause_after(&stepped);
                let wait = match stepped {
                    Ok(brought) if brought >= PAYMENTS_MAX => Duration::ZERO,
                    Ok(_) | Err(_) => pause,
                };
                tokio::select! {
                    _ = stop.changed() => return,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }));
    }

    fn spawn_consumer(&mut self, aggregates: &Aggregates) {
        let (aggregates, stop, consumer) = (aggregates.clone(), self.stop.subscribe(), Consumer::new());
        self.tasks.push(tokio::spawn(async move {
            let step = || async {
                let consumed = aggregates.consume_once(&consumer).await?;
                Ok(if consumed > 0 {
                    WorkerStep::More
                } else {
                    WorkerStep::Idle
                })
            };
            run("consumer", CONSUME_EVERY, stop, step).await;
            if let Err(error) = aggregates.leave(&consumer).await {
                tracing::debug!(%error, "a consumer left without a goodbye");
            }
        }));
    }
}

async fn archive(aggregates: Aggregates) -> Result<WorkerStep, AggregatesError> {
    aggregates.archive_once().await?;
    Ok(WorkerStep::Idle)
}

/// Steps until it is told to stop.
async fn run<F>(name: &'static str, every: Duration, mut stop: watch::Receiver<()>, step: impl Fn() -> F)
where
    F: Future<Output = Result<WorkerStep, AggregatesError>>,
{
    let mut steps = Steps::new(name, every);
    loop {
        let stepped = step().await;
        let pause = steps.pause_after(&stepped);
        let wait = match stepped {
            Ok(WorkerStep::More) => Duration::ZERO,
            Ok(WorkerStep::Idle) | Err(_) => pause,
        };
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// The pauses of a worker. The first of several faults in a row is told, the others are not news.
struct Steps {
    name: &'static str,
    pause: RedisPause,
    is_failing: bool,
}

impl Steps {
    fn new(name: &'static str, every: Duration) -> Self {
        Self {
            name,
            pause: RedisPause::new(every, every.max(PAUSE_MAX)),
            is_failing: false,
        }
    }

    fn pause_after<T>(&mut self, stepped: &Result<T, AggregatesError>) -> Duration {
        if let Err(error) = stepped
            && !self.is_failing
        {
            let error = error as &dyn std::error::Error;
            tracing::warn!(worker = self.name, error, "the aggregates stand still; trying again");
        }
        self.is_failing = stepped.is_err();
        self.pause.after(stepped)
    }
}
