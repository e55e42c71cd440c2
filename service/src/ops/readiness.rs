//! Whether this process can do its work now: the committer runs, the database is set to keep what it reports as durable
//! and takes a write, and its clock agrees with this machine's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::db::{Db, Fault, UnsafeSettings};
use crate::ledger::{Ledger, Metrics, Queue, clock_skew_ms};

/// How long a result is used, good or bad: whatever the number of callers, the database gets at most one write a
/// second.
const HOLDS_FOR: Duration = Duration::from_secs(1);
/// How long a caller waits for a proof.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How long a proof may take. The server's own limits end it earlier, unless the connection has become silent.
const PROOF_MAX: Duration = Duration::from_secs(10);

/// A batch that takes longer is waiting for a database that does not answer, or for a standby that does not confirm.
const BATCH_MAX: Duration = Duration::from_secs(5);

/// Why the process cannot do its work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotReady {
    /// Answered once the committer has ended.
    #[error("the committer has ended")]
    NoCommitter,
    /// Answered when no proof came to an end in time: 2 s for a caller, 10 s for the proof.
    #[error("the database did not take a write in time")]
    Late,
    /// Answered when the committer's batch has taken more than 5 s.
    #[error("the committer has waited for the database for more than 5 s")]
    Stuck,
    /// Answered when settings of the database let a crash lose commits, unless the bank is allowed to run on it.
    #[error("{0}")]
    Unsafe(UnsafeSettings),
    /// Answered when this machine's clock and the database's are more than 2 s apart.
    #[error(
        "this machine's clock and the database's are {ahead_ms} ms apart (negative: behind): nothing is committed until they agree"
    )]
    ClockSkew {
        /// How far this machine's clock is ahead of the database's, in milliseconds; negative when it is behind.
        ahead_ms: i64,
    },
    /// Answered when the database fails.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Checks whether the process is ready; proves the database at most once a second.
pub(super) struct Readiness {
    db: Db,
    clock: Arc<dyn Clock>,
    queue: Queue,
    metrics: Arc<Metrics>,
    allows_unsafe: bool,
    latest: Arc<Mutex<Option<Proved>>>,
}

/// The result of a proof.
struct Proved {
    at: Instant,
    result: Result<(), NotReady>,
}

impl Readiness {
    pub fn new(db: Db, clock: Arc<dyn Clock>, ledger: &Ledger, allows_unsafe: bool) -> Self {
        Self {
            db,
            clock,
            queue: ledger.queue(),
            metrics: ledger.metrics(),
            allows_unsafe,
            latest: Arc::default(),
        }
    }

    pub async fn look(&self) -> Result<(), NotReady> {
        if !self.queue.is_open() {
            return Err(NotReady::NoCommitter);
        }
        if self.metrics.batch_age().is_some_and(|age| age > BATCH_MAX) {
            return Err(NotReady::Stuck);
        }
        timeout(WAIT_MAX, self.result()).await.unwrap_or(Err(NotReady::Late))
    }

    /// Callers at the same time share one proof and its result.
    async fn result(&self) -> Result<(), NotReady> {
        let latest = self.latest.clone().lock_owned().await;
        if let Some(proved) = latest.as_ref()
            && proved.at.elapsed() < HOLDS_FOR
        {
            return proved.result.clone();
        }
        // A separate task, so that the proof goes on for the next callers when this one stops waiting.
        let proof = tokio::spawn(prove_and_keep(
            latest,
            self.db.clone(),
            self.clock.clone(),
            self.allows_unsafe,
        ));
        proof.await.map_err(Fault::broken)?
    }
}

/// Holds the lock until there is a result, so that no second proof begins in the meantime.
async fn prove_and_keep(
    mut latest: OwnedMutexGuard<Option<Proved>>,
    db: Db,
    clock: Arc<dyn Clock>,
    allows_unsafe: bool,
) -> Result<(), NotReady> {
    let proof = timeout(PROOF_MAX, prove(&db, &*clock, allows_unsafe)).await;
    let result = proof.unwrap_or(Err(NotReady::Late));
    *latest = Some(Proved {
        at: Instant::now(),
        result: result.clone(),
    });
    result
}

async fn prove(db: &Db, clock: &dyn Clock, allows_unsafe: bool) -> Result<(), NotReady> {
    if !allows_unsafe && let Some(settings) = db.unsafe_settings().await? {
        return Err(NotReady::Unsafe(settings));
    }
    if let Some(ahead_ms) = clock_skew_ms(db, clock).await? {
        return Err(NotReady::ClockSkew { ahead_ms });
    }
    Ok(db.prove_writable().await?)
}
