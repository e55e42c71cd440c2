//! Transaction files of other systems: a block of a file's rows becomes one message, and the checkpoint moves behind
//! the block once its totals are in the hot store.

use std::time::{Duration, Instant};

use csv::ByteRecord;

use super::error::AggregatesError;
use super::hot::{SendOptions, Sent, StoreVersion};
use super::message::Message;
use super::rebuild::Rebuild;
use super::repo::{self, Recorded, Table};
use super::row::{self, TransactionLayout, TransactionRow};
use super::stores::AggregateStores;
use super::totals::Totals;
use super::{Aggregates, Consumer};
use crate::backoff::Backoff;
use crate::db::Fault;
use crate::imports::{Checkpoint, FileKind, HeaderProblem, Parsed, Stored};
use crate::values::{Currency, ImportKind};

/// Rows of a block. Its totals are at most as many sums as rows, and usually a few hundred, so one message for a block
/// is much cheaper than one for each row. Even with a sum for each row SQLite's write lock is held for less than 100
/// ms.
const BLOCK_ROWS: usize = 4_096;

/// The first and the longest pause before a block that another consumer has taken is checked again.
const POLL_PAUSE: Duration = Duration::from_millis(1);
const POLL_PAUSE_MAX: Duration = Duration::from_millis(20);
/// After this long a block is queued once more, in case Redis or a consumer lost it; its number lets it count once.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// After this long without success the import's run ends with a fault; a later run continues.
const GIVE_UP_AFTER: Duration = Duration::from_secs(30);
/// How long a block waits for a Redis that is out of reach, which may be restarting, and the pause between two tries.
const REDIS_WAIT: Duration = Duration::from_secs(5);
const REDIS_WAIT_PAUSE: Duration = Duration::from_millis(100);

/// Reads and stores the rows of transaction files.
pub struct TransactionFiles {
    stores: AggregateStores,
    /// Imported rows name no currency; they are in the bank's.
    currency: Currency,
    consumer: Consumer,
}

impl TransactionFiles {
    /// Imported amounts are taken to be in `currency`.
    #[must_use]
    pub fn new(aggregates: &Aggregates, currency: Currency) -> Self {
        Self {
            stores: aggregates.stores.clone(),
            currency,
            consumer: aggregates.consumer(),
        }
    }

    /// Queues a block and works on the queue like a consumer, until the block is in the hot store.
    async fn deliver(&self, checkpoint: &Checkpoint, message: &Message) -> Result<TotalsDelivery, AggregatesError> {
        let Some((hot, epoch)) = self.stores.ready().await? else {
            return Ok(TotalsDelivery::NoRedis);
        };
        let (began, mut queued_at) = (Instant::now(), Instant::now());
        let mut backoff = Backoff::new(POLL_PAUSE, POLL_PAUSE_MAX);
        let mut options = SendOptions::default();
        while began.elapsed() < GIVE_UP_AFTER {
            options.requeue = queued_at.elapsed() > AGAIN_AFTER;
            if options.requeue {
                queued_at = Instant::now();
            }
            match hot.send(&epoch, message, options).await? {
                Sent::Applied(version) => return Ok(TotalsDelivery::Applied(epoch.0, version)),
                Sent::Queued | Sent::Waiting | Sent::Full => {}
                // The epoch was filled from the database, and even now the database does not have this block.
                Sent::Unknown if checkpoint.is_current(&self.stores.db).await? => {
                    options.is_next = true;
                    continue;
                }
                Sent::Unknown => return Ok(TotalsDelivery::Elsewhere),
                Sent::OutOfSequence => {
                    Rebuild::new(self.stores.clone()).begin_epoch(hot, &epoch).await?;
                    return Err(AggregatesError::Rebuilding);
                }
                Sent::EpochOver => return Err(AggregatesError::Rebuilding),
            }
            if self.consumer.step().await? == 0 {
                tokio::time::sleep(backoff.next_pause()).await;
            }
        }
        Err(AggregatesError::NotApplied)
    }

    async fn apply(&self, checkpoint: &Checkpoint, totals: &Totals) -> Result<Stored, AggregatesError> {
        let message = Message {
            import: checkpoint.import(),
            block: checkpoint.block_number(),
            totals: totals.clone(),
        };
        let began = Instant::now();
        loop {
            let applied = self.deliver(checkpoint, &message).await;
            match self.stores.reset_epoch_on_fault(applied).await {
                Err(AggregatesError::Redis(_)) if began.elapsed() < REDIS_WAIT => {
                    tokio::time::sleep(REDIS_WAIT_PAUSE).await
                }
                applied => {
                    let stored = self.commit_block(checkpoint, totals, applied?).await;
                    return self.stores.reset_epoch_on_fault(stored).await;
                }
            }
        }
    }

    /// Moves the checkpoint behind a block whose totals are in Redis. Without Redis, adds the totals to the hot table
    /// in the same transaction. Either way the table of imported totals gets them, so that Redis can be filled again.
    async fn commit_block(
        &self,
        checkpoint: &Checkpoint,
        totals: &Totals,
        applied: TotalsDelivery,
    ) -> Result<Stored, AggregatesError> {
        let (checkpoint, totals) = (checkpoint.clone(), totals.clone());
        let work = self.stores.db.transaction(move |tx| {
            Box::pin(async move {
                match &applied {
                    TotalsDelivery::Elsewhere => return Err(Aborted::Stale),
                    TotalsDelivery::Applied(epoch, version) => {
                        if repo::record(tx, epoch, *version).await? == Recorded::Stale {
                            return Err(Aborted::Failed(AggregatesError::Rebuilding));
                        }
                    }
                    TotalsDelivery::NoRedis => {
                        // A process with Redis may have added this block there; only the import's next block in Redis
                        // would show it.
                        if repo::lock_state(tx).await?.epoch.is_some() {
                            return Err(Aborted::Failed(AggregatesError::RedisNotConfigured));
                        }
                        repo::add(tx, Table::Hot, &totals).await?;
                    }
                }
                repo::add(tx, Table::Imported, &totals).await?;
                if let Some(day) = totals.newest_day() {
                    repo::advance_newest(tx, day).await?;
                }
                match checkpoint.advance(tx, checkpoint.rows()).await? {
                    stored @ Stored::Applied(_) => Ok(stored),
                    Stored::Stale => Err(Aborted::Stale),
                }
            })
        });
        match work.await {
            Ok(stored) => Ok(stored),
            Err(Aborted::Stale) => Ok(Stored::Stale),
            Err(Aborted::Failed(error)) => Err(error),
        }
    }
}

/// Where a block's totals are when its delivery ends.
enum TotalsDelivery {
    /// There is no Redis: they are stored in the checkpoint's transaction.
    NoRedis,
    /// In the hot store, in this epoch and version.
    Applied(String, StoreVersion),
    /// The import does not stand at this block any more: another importer has applied it, or the import has ended.
    Elsewhere,
}

/// Why a transaction is rolled back.
enum Aborted {
    Stale,
    Failed(AggregatesError),
}

impl From<Fault> for Aborted {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.into())
    }
}

impl FileKind for TransactionFiles {
    const KIND: ImportKind = ImportKind::Transactions;
    const ONCE_PER_CONTENT: bool = true;
    type Layout = TransactionLayout;
    type Row = TransactionRow;
    type Batch = Totals;

    fn block_rows(&self) -> usize {
        BLOCK_ROWS
    }

    fn layout(header: &ByteRecord) -> Result<TransactionLayout, HeaderProblem> {
        TransactionLayout::of(header)
    }

    fn parse(&self, layout: &TransactionLayout, record: &ByteRecord) -> Parsed<TransactionRow> {
        match row::parse(layout, record, self.stores.clock.now()) {
            Ok(row) => Parsed::Row { row, coerced: false },
            Err(reason) => Parsed::Skipped(reason),
        }
    }

    fn batch(&self, rows: Vec<TransactionRow>) -> Totals {
        row::totals_of(&rows, self.currency)
    }

    fn wait_ms(row: &TransactionRow) -> u64 {
        row.sleep_ms.into()
    }

    async fn store(&self, checkpoint: &Checkpoint, totals: &Totals) -> Result<Stored, Fault> {
        Ok(self.apply(checkpoint, totals).await?)
    }
}
