//! Whether this process can do its work now: the committer lives, the database keeps what it reports and takes a write, and its
//! clock agrees with this machine's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use crate::clock::Clock;
use crate::db::{Db, Fault, UnsafeSettings};
use crate::ledger::{Ledger, Metrics, Queue, clock_skew_ms};

/// How long a proof's result holds, good or bad: however many ask, the database gets one write a second.
const HOLDS_FOR: Duration = Duration::from_secs(1);
/// How long a caller waits for a proof.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How long a proof may take. The server's own limits end it earlier, unless the connection has gone silent.
const PROOF_MAX: Duration = Duration::from_secs(10);

/// A batch that is in hand for longer waits for a database that does not answer, or for a standby that does not confirm.
const BATCH_MAX: Duration = Duration::from_secs(5);

/// What keeps the process from its work.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotReady {
    #[error("the committer has ended")]
    NoCommitter,
    #[error("the database did not take a write in time")]
    Late,
    #[error("the committer has waited for the database for more than 5 s")]
    Stuck,
    #[error("{0}")]
    Unsafe(UnsafeSettings),
    #[error(
        "this machine's clock and the database's are {ahead_ms} ms apart (negative: behind): nothing is committed until they agree"
    )]
    ClockSkew { ahead_ms: i64 },
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Looks whether the process is ready, at most once a second.
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

    /// Callers at the same time wait for one proof and share its result.
    async fn result(&self) -> Result<(), NotReady> {
        let latest = self.latest.clone().lock_owned().await;
        if let Some(proved) = latest.as_ref()
            && proved.at.elapsed() < HOLDS_FOR
        {
            return proved.result.clone();
        }
        // A task of its own: the proof goes on for the next callers when this one stops waiting.
        let proof = tokio::spawn(prove_and_keep(
            latest,
            self.db.clone(),
            self.clock.clone(),
            self.allows_unsafe,
        ));
        proof.await.map_err(Fault::broken)?
    }
}

/// Keeps the lock until there is a result, so that no second proof begins meanwhile.
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
