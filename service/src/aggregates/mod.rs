//! `GET /stats`: daily totals by payment method, of the bank's own payments and of imported files.
//!
//! | what | added by | to |
//! |---|---|---|
//! | a deposit or withdrawal | `relay`, from the journal | the hot totals: in Redis, or without it in `hot_totals` |
//! | a block of an imported file | `file_kind`, a queue in Redis, `consumer` | the hot totals and `imported_totals` |
//! | a cold day | `archiver` | `cold_totals` |
//!
//! `reader` answers from all of them; `rebuild` fills Redis again from the database. An **epoch** is one life of Redis'
//! totals: a new one begins when Redis has restarted, or does not agree with the database. A **generation** is one
//! day's hash in Redis, from its first row until it is sealed. The **mark** is the last row of the journal whose
//! payments are in the totals.
//!
//! Invariants: a deposit, a withdrawal or an imported row is counted once, whatever crashes; each generation of a day's
//! totals is in exactly one store's answer; the mark moves in the same step as the totals; everything in Redis can be
//! rebuilt from the database.

mod archiver;
mod consumer;
mod day;
mod error;
mod file_kind;
mod hot;
mod message;
mod reader;
mod rebuild;
mod relay;
mod repo;
mod row;
mod stores;
mod totals;
mod verify;

pub use archiver::Archiver;
pub use consumer::Consumer;
pub use day::{Day, DayRange, RangeError};
pub use error::AggregatesError;
pub use file_kind::TransactionFiles;
pub use hot::Sealed;
pub use message::{Message, decode_totals, encode_totals};
pub use relay::{PaymentBatch, Relay};
pub use row::{TransactionLayout, TransactionRow, parse, totals_of};
pub use totals::{Key, PaymentKind, Source, Sum, Totals};
pub use verify::{Comparison, Verdict};

pub(crate) use verify::compare;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::db::Db;
use crate::feed::{Completed, Handover};
use crate::redis::Redis;
use crate::values::Currency;
use crate::workers::Workers;
use hot::Reading;
use reader::TotalsReader;
use stores::AggregateStores;

/// The longest pause of a worker while something is out of reach.
const PAUSE_MAX: Duration = Duration::from_secs(15);
const CONSUMERS: [&str; 2] = ["consumer_1", "consumer_2"];

/// The pipeline of daily totals, and its answers. Cloning it clones a handle.
#[derive(Clone)]
pub struct Aggregates {
    stores: AggregateStores,
    reader: TotalsReader,
    /// From the committer of this process, if there is one.
    handover: Option<Handover<Completed>>,
    workers: Workers,
    is_serving: Arc<AtomicBool>,
}

impl Aggregates {
    /// On a migrated database, with the hot store in Redis if there is one. Opens no connection yet.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, redis: Option<Redis>) -> Self {
        let stores = AggregateStores::new(db, clock, redis);
        Self {
            reader: TotalsReader::new(stores.clone()),
            stores,
            handover: None,
            workers: Workers::new(),
            is_serving: Arc::default(),
        }
    }

    /// The same in the process of a committer, which hands over what it commits.
    #[must_use]
    pub fn beside_committer(
        db: Db,
        clock: Arc<dyn Clock>,
        redis: Option<Redis>,
        handover: Handover<Completed>,
        workers: Workers,
    ) -> Self {
        Self {
            handover: Some(handover),
            workers,
            ..Self::new(db, clock, redis)
        }
    }

    /// Starts the workers of a server; a second call changes nothing. Must be called inside a tokio runtime.
    pub fn serve(&self) {
        if self.is_serving.swap(true, Ordering::Relaxed) {
            return;
        }
        let (stores, handover) = (self.stores.clone(), self.handover.clone());
        self.workers.start("relay", move |worker| {
            Relay::run(stores.clone(), handover.clone(), worker)
        });
        let stores = self.stores.clone();
        self.workers
            .start("archiver", move |worker| Archiver::run(stores.clone(), worker));
        if self.stores.has_redis() {
            for name in CONSUMERS {
                let stores = self.stores.clone();
                self.workers
                    .start(name, move |worker| Consumer::run(stores.clone(), worker));
            }
        }
    }

    /// Stops the workers, each after its current step.
    pub(crate) async fn stop(&self) {
        self.workers.stop().await;
    }

    /// The totals of a currency's days.
    pub async fn daily(&self, days: DayRange, currency: Currency) -> Result<Totals, AggregatesError> {
        self.reader.daily(days, currency).await
    }

    /// The whole hot store at one moment; `None` without Redis.
    pub(crate) async fn read_hot(&self) -> Result<Option<Reading>, AggregatesError> {
        self.reader.read_hot(DayRange::all()).await
    }

    /// A relay that begins where the totals stand, for a test: a server's run in `serve`.
    #[must_use]
    pub fn relay(&self) -> Relay {
        Relay::new(self.stores.clone(), self.handover.clone())
    }

    /// A consumer with a name of its own.
    #[must_use]
    pub fn consumer(&self) -> Consumer {
        Consumer::new(self.stores.clone())
    }

    /// An archiver of these totals, for a test.
    #[must_use]
    pub fn archiver(&self) -> Archiver {
        Archiver::new(self.stores.clone())
    }
}
