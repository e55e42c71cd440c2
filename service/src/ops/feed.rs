//! Carries what the ledger has committed into the statistics, so that neither knows the other.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::ledger::Completed;
use crate::statistics::{Moved, Statistics};
use crate::values::TransferKind;

/// Callers of `flush` that may wait at a time.
const FLUSHES_MAX: usize = 16;

/// The running task.
pub(crate) struct Feed {
    flushes: mpsc::Sender<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Feed {
    /// Starts the task; it ends with the ledger.
    pub fn start(completed: mpsc::Receiver<Vec<Completed>>, statistics: Arc<Statistics>) -> Self {
        let (flushes, asked) = mpsc::channel(FLUSHES_MAX);
        Self {
            flushes,
            task: tokio::spawn(run(completed, asked, statistics)),
        }
    }

    /// Returns when everything that was committed before the call is in the statistics.
    pub async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.flushes.send(done).await.is_ok() {
            // An ended task has carried everything.
            let _ = is_done.await;
        }
    }

    /// Waits for the end of a task whose ledger has stopped.
    pub async fn stop(self) {
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the statistics' feed ended badly");
        }
    }
}

async fn run(
    mut completed: mpsc::Receiver<Vec<Completed>>,
    mut asked: mpsc::Receiver<oneshot::Sender<()>>,
    statistics: Arc<Statistics>,
) {
    loop {
        tokio::select! {
            biased;
            batch = completed.recv() => match batch {
                Some(batch) => enter(&statistics, batch),
                None => return,
            },
            Some(done) = asked.recv() => {
                while let Ok(batch) = completed.try_recv() {
                    enter(&statistics, batch);
                }
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
    }
}

fn enter(statistics: &Statistics, batch: Vec<Completed>) {
    let moved = batch.into_iter().filter(|one| match one.kind {
        TransferKind::Transfer | TransferKind::Deposit | TransferKind::Withdrawal => true,
        // It undoes what was counted when it happened.
        TransferKind::Reversal => false,
    });
    statistics.enter(moved.map(|one| Moved {
        currency: one.currency,
        amount: one.amount.into(),
        at: one.at,
    }));
}
