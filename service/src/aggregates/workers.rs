//! The tasks of a server: one that relays the bank's own money, some that consume the queue, one that archives.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::relay::BATCH_MAX;
use super::{Aggregates, AggregatesError, Consumer};
use crate::redis::Pause;

const RELAY_EVERY: Duration = Duration::from_millis(200);
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
enum Step {
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
        workers.spawn("relay", aggregates, RELAY_EVERY, relay);
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
        F: Future<Output = Result<Step, AggregatesError>> + Send + 'static,
    {
        let (aggregates, stop) = (aggregates.clone(), self.stop.subscribe());
        let task = async move { run(name, every, stop, || step(aggregates.clone())).await };
        self.tasks.push(tokio::spawn(task));
    }

    fn spawn_consumer(&mut self, aggregates: &Aggregates) {
        let (aggregates, stop, consumer) = (aggregates.clone(), self.stop.subscribe(), Consumer::new());
        self.tasks.push(tokio::spawn(async move {
            let step = || async {
                let consumed = aggregates.consume_once(&consumer).await?;
                Ok(if consumed > 0 { Step::More } else { Step::Idle })
            };
            run("consumer", CONSUME_EVERY, stop, step).await;
            if let Err(error) = aggregates.leave(&consumer).await {
                tracing::debug!(%error, "a consumer left without a goodbye");
            }
        }));
    }
}

async fn relay(aggregates: Aggregates) -> Result<Step, AggregatesError> {
    let taken = aggregates.relay_once().await?;
    Ok(if taken >= BATCH_MAX.unsigned_abs() {
        Step::More
    } else {
        Step::Idle
    })
}

async fn archive(aggregates: Aggregates) -> Result<Step, AggregatesError> {
    aggregates.archive_once().await?;
    Ok(Step::Idle)
}

/// Steps until it is told to stop. The first of several faults in a row is told, the others are not news.
async fn run<F>(name: &str, every: Duration, mut stop: watch::Receiver<()>, step: impl Fn() -> F)
where
    F: Future<Output = Result<Step, AggregatesError>>,
{
    let mut pause = Pause::new(every, every.max(PAUSE_MAX));
    let mut is_failing = false;
    loop {
        let stepped = step().await;
        if let Err(error) = &stepped
            && !is_failing
        {
            let error = error as &dyn std::error::Error;
            tracing::warn!(worker = name, error, "the aggregates stand still; trying again");
        }
        is_failing = stepped.is_err();
        let wait = match &stepped {
            Ok(Step::More) => Duration::ZERO,
            Ok(Step::Idle) | Err(_) => pause.after(&stepped),
        };
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
