//! Adds the bank's own deposits and withdrawals from the journal to the hot totals, each once and in order: the mark
//! moves in the same step as the totals, and only if it stands at the batch's beginning.

mod batch;
mod mark;

pub use batch::PaymentBatch;

use std::time::{Duration, Instant};

use self::mark::{PaymentBatchOutcome, Unconfirmed};
use super::PAUSE_MAX;
use super::error::AggregatesError;
use super::rebuild::Rebuild;
use super::stores::AggregateStores;
use crate::backoff::Backoff;
use crate::feed::{Completed, FeedFilter, Handover, ReadError, Reader};
use crate::workers::{Step, Worker};

/// The pause between two steps: a commit waits at most this long, and a busy bank writes its totals at most this often.
const PAUSE: Duration = Duration::from_millis(50);
/// Once this many deposits and withdrawals are read, they are applied before more of the journal is read.
const PAYMENTS_MAX: u64 = 1_000;
/// The most pieces of the journal that are read before something is applied.
const PIECES_MAX: usize = 100;
/// How often the mark is moved while only transfers come: a relay that begins again reads from the mark.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// How often Redis' mark is recorded in the database.
const CONFIRM_EVERY: Duration = Duration::from_secs(1);
/// Tries of `run_once` while other relays move the mark.
const TRIES_MAX: usize = 3;

/// Reads payments from the journal and adds them to the hot totals. Between two steps it keeps what it has read.
pub struct Relay {
    stores: AggregateStores,
    handover: Option<Handover<Completed>>,
    reader: Option<Reader<FeedFilter>>,
    /// Read and not yet applied.
    pending: Option<PaymentBatch>,
    /// When this relay last moved the mark, or read it.
    marked_at: Instant,
    unconfirmed: Option<Unconfirmed>,
    confirmed_at: Instant,
}

impl Relay {
    pub(super) fn new(stores: AggregateStores, handover: Option<Handover<Completed>>) -> Self {
        Self {
            stores,
            handover,
            reader: None,
            pending: None,
            marked_at: Instant::now(),
            unconfirmed: None,
            confirmed_at: Instant::now(),
        }
    }

    /// Steps until the worker has to end. Each commit of this process wakes it; it polls for commits of other
    /// processes.
    pub(super) async fn run(stores: AggregateStores, handover: Option<Handover<Completed>>, worker: Worker) {
        let mut relay = Self::new(stores, handover);
        let mut backoff = Backoff::new(PAUSE, PAUSE_MAX);
        while !worker.is_stopping() {
            tokio::select! {
                () = worker.stopped() => return,
                () = relay.woken() => {}
            }
            let stepped = relay.step().await;
            worker.note(&stepped);
            let pause = backoff.after(&stepped);
            match stepped {
                Ok(Step::More) => {}
                Ok(Step::Idle) | Err(_) => worker.pause(pause).await,
            }
        }
    }

    /// One whole step, for a test that takes the steps itself: reads the journal after the mark, until it has a thousand payments, a hundred pieces or all
    /// there is, applies that, and answers how many payments were added. A server's relay instead keeps its reader from
    /// one step to the next.
    pub async fn run_once(&mut self) -> Result<u64, AggregatesError> {
        let ran = self.try_once().await;
        self.stores.reset_epoch_on_fault(ran).await
    }

    /// The first half of `run_once`, for a test in which something happens in between.
    pub async fn read_once(&mut self) -> Result<PaymentBatch, AggregatesError> {
        self.restart();
        let read = self.read().await;
        self.stores.reset_epoch_on_fault(read).await?;
        // Without a batch the journal had lost the mark, and the totals were counted again without Redis.
        self.pending.take().ok_or(AggregatesError::Rebuilding)
    }

    /// The second half of `run_once`: adds a batch if the totals still stand at its beginning, and answers how many
    /// payments were added.
    pub async fn apply_once(&self, batch: &PaymentBatch) -> Result<u64, AggregatesError> {
        if batch.is_empty() {
            return Ok(0);
        }
        let outcome = mark::apply(&self.stores, batch).await;
        Ok(match self.stores.reset_epoch_on_fault(outcome).await? {
            PaymentBatchOutcome::Added(_) => batch.payments(),
            PaymentBatchOutcome::MarkMoved => 0,
        })
    }

    /// Returns when there may be something to do.
    async fn woken(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.woken().await;
        }
    }

    /// Reads what the journal has, and applies it if it has a payment or the mark is due to move.
    async fn step(&mut self) -> Result<Step, AggregatesError> {
        let stepped = self.try_step().await;
        if stepped.is_err() {
            self.restart();
        }
        self.stores.reset_epoch_on_fault(stepped).await
    }

    async fn try_step(&mut self) -> Result<Step, AggregatesError> {
        self.read().await?;
        let is_due = |batch: &PaymentBatch| batch.payments() > 0 || self.marked_at.elapsed() > MARK_EVERY;
        let applied = match &self.pending {
            Some(batch) if is_due(batch) => self.apply_pending().await?,
            Some(_) | None => 0,
        };
        if self.confirmed_at.elapsed() > CONFIRM_EVERY {
            self.confirm().await?;
        }
        Ok(if applied >= PAYMENTS_MAX {
            Step::More
        } else {
            Step::Idle
        })
    }

    async fn try_once(&mut self) -> Result<u64, AggregatesError> {
        for _ in 0..TRIES_MAX {
            self.restart();
            self.read().await?;
            let applied = self.apply_pending().await?;
            // Without a reader nothing was applied: another relay has moved the mark, or the journal has lost it.
            if self.reader.is_some() {
                self.confirm().await?;
                return Ok(applied);
            }
        }
        Ok(0)
    }

    /// Makes the next step begin at the mark of the totals.
    fn restart(&mut self) {
        self.reader = None;
        self.pending = None;
        self.unconfirmed = None;
    }

    /// Reads after the mark until there are enough payments or nothing more.
    async fn read(&mut self) -> Result<(), AggregatesError> {
        if self.reader.is_none() {
            let at = mark::start(&self.stores).await?;
            let db = self.stores.db.clone();
            self.reader = Some(Reader::new(db, FeedFilter::Payments, at.mark, self.handover.as_ref()));
            (self.unconfirmed, self.marked_at) = (at.unconfirmed, Instant::now());
        }
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let pending = self.pending.get_or_insert_with(|| PaymentBatch::after(reader.mark()));
        for _ in 0..PIECES_MAX {
            if pending.payments() >= PAYMENTS_MAX {
                break;
            }
            match reader.next().await {
                Ok(Some(piece)) => pending.add(piece),
                Ok(None) => break,
                Err(ReadError::Lost(mark)) => {
                    // A later mark was read but not applied; the journal may still have the mark of the totals.
                    if mark == pending.from {
                        Rebuild::new(self.stores.clone()).after_lost_mark(mark).await?;
                    }
                    self.restart();
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Applies what was read. Where another relay has moved the mark, nothing is added and all is read again.
    async fn apply_pending(&mut self) -> Result<u64, AggregatesError> {
        let Some(batch) = self.pending.take().filter(|batch| !batch.is_empty()) else {
            self.marked_at = Instant::now();
            return Ok(0);
        };
        match mark::apply(&self.stores, &batch).await? {
            PaymentBatchOutcome::MarkMoved => {
                self.restart();
                Ok(0)
            }
            PaymentBatchOutcome::Added(unconfirmed) => {
                self.marked_at = Instant::now();
                self.unconfirmed = unconfirmed;
                Ok(batch.payments())
            }
        }
    }

    async fn confirm(&mut self) -> Result<(), AggregatesError> {
        if let Some(unconfirmed) = self.unconfirmed.take() {
            mark::confirm(&self.stores, unconfirmed).await?;
        }
        self.confirmed_at = Instant::now();
        Ok(())
    }
}
