//! The worker `erasures`: finishes erasures that a crash has stopped, and looks again at users who were erased lately.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::db::Fault;
use crate::identity::Identity;
use crate::workers::{Step, Worker};

/// How often it looks, also after a failure.
const EVERY: Duration = Duration::from_secs(60);

impl Identity {
    /// Starts the worker. Must be called inside a tokio runtime.
    pub(in crate::identity) fn serve_erasures(&self) {
        let identity = self.clone();
        self.workers.start("erasures", move |worker| {
            let identity = identity.clone();
            async move { identity.keep_erasing(worker).await }
        });
    }

    async fn keep_erasing(&self, worker: Worker) {
        let step = || async {
            tokio::select! {
                // Each page is a task of its own, so that the end of the process waits for one page at most.
                () = worker.stopped() => {}
                looked = self.finish_erasures() => {
                    looked?;
                }
            }
            Ok::<_, Fault>(Step::Idle)
        };
        worker.repeat(Backoff::new(EVERY, EVERY), step).await;
    }
}
