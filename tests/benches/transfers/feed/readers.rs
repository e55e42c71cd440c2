//! What the readers of events share: a thread, and a count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::sleep;

/// How long a reader may get nothing while events are missing.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL_EVERY: Duration = Duration::from_millis(2);

/// A reader's own thread, so that its work does not delay the client that sends transfers. Ends when it is dropped.
pub struct ReaderThread {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl ReaderThread {
    pub fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs something on the thread and waits for it. Its sockets stay on the thread.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.handle.spawn(work).await?
    }

    /// Starts something on the thread, and prints why it ends.
    pub fn begin(&self, work: impl Future<Output = Result<()>> + Send + 'static) {
        self.handle.spawn(async move {
            if let Err(fault) = work.await {
                eprintln!("  a reader has ended: {fault:#}");
            }
        });
    }
}

impl Drop for ReaderThread {
    fn drop(&mut self) {
        // A runtime must not wait for its threads inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// How many events a reader has got.
#[derive(Clone, Default)]
pub struct EventCount(Arc<AtomicU64>);

impl EventCount {
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Release);
    }

    /// Waits for so many events. Fails when none has come for a minute.
    pub async fn until(&self, expected: u64) -> Result<()> {
        let (mut before, mut changed_at) = (self.count(), Instant::now());
        loop {
            let count = self.count();
            if count >= expected {
                return Ok(());
            }
            if count != before {
                (before, changed_at) = (count, Instant::now());
            }
            ensure!(
                changed_at.elapsed() < PATIENCE,
                "only {count} of {expected} events came"
            );
            sleep(POLL_EVERY).await;
        }
    }
}
