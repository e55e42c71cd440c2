//! Whether this process can do its work now: the committer lives, the database keeps what it reports, and takes a write.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::db::{Db, Fault, UnsafeSettings};
use crate::ledger::Queue;

/// How long a proof holds: however many ask, the database gets one write a second.
const HOLDS_FOR: Duration = Duration::from_secs(1);

/// What keeps the process from its work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotReady {
    #[error("the committer has ended")]
    NoCommitter,
    #[error("{0}")]
    Unsafe(UnsafeSettings),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Looks whether the process is ready, at most once a second.
pub(super) struct Readiness {
    db: Db,
    queue: Queue,
    allows_unsafe: bool,
    proved_at: Mutex<Option<Instant>>,
}

impl Readiness {
    pub fn new(db: Db, queue: Queue, allows_unsafe: bool) -> Self {
        Self {
            db,
            queue,
            allows_unsafe,
            proved_at: Mutex::default(),
        }
    }

    pub async fn look(&self) -> Result<(), NotReady> {
        if !self.queue.is_open() {
            return Err(NotReady::NoCommitter);
        }
        // Callers at the same time wait for one proof and share it.
        let mut proved_at = self.proved_at.lock().await;
        if proved_at.is_some_and(|at| at.elapsed() < HOLDS_FOR) {
            return Ok(());
        }
        *proved_at = None;
        self.prove().await?;
        *proved_at = Some(Instant::now());
        Ok(())
    }

    async fn prove(&self) -> Result<(), NotReady> {
        if !self.allows_unsafe
            && let Some(settings) = self.db.unsafe_settings().await?
        {
            return Err(NotReady::Unsafe(settings));
        }
        Ok(self.db.prove_writable().await?)
    }
}
