//! What the bank does. Knows nothing of HTTP.

#![warn(missing_docs)]

pub mod actor;
pub mod aggregates;
pub mod backoff;
pub mod clock;
pub mod config;
pub mod db;
pub mod feed;
pub mod identity;
pub mod imports;
pub mod journal;
pub mod ledger;
pub mod merchants;
pub mod ops;
pub mod page;
pub mod redis;
pub mod statistics;
pub mod transfers;
pub mod wallets;
pub mod workers;

/// Money, ids, statuses: the types that are the columns.
pub use entity::values;

use std::path::PathBuf;
use std::sync::Arc;

use clock::Clock;
use config::{Config, ReportAccess};
use db::{Db, Fault};
use workers::Workers;

/// The whole bank: what a handler or a command may call.
pub struct Services {
    pub identity: identity::Identity,
    pub wallets: wallets::Wallets,
    pub transfers: transfers::Transfers,
    pub imports: imports::Imports,
    pub merchants: merchants::Merchants,
    pub aggregates: aggregates::Aggregates,
    pub statistics: Arc<statistics::Statistics>,
    pub ops: ops::Ops,
    /// Who may read the reports.
    pub reports: ReportAccess,
    /// The currency of reports and first wallets when the caller names none.
    pub currency: values::Currency,
    ledger: ledger::Ledger,
}

/// Why the bank cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The key that signs access tokens is out of reach.
    #[error(transparent)]
    KeyFile(#[from] identity::KeyFileError),
    /// What was said to be Redis' address is none. A Redis that is away is no reason not to start.
    #[error(transparent)]
    Redis(#[from] redis::RedisFault),
    #[error("the committer's thread cannot be started")]
    Committer(#[from] std::io::Error),
}

/// What cannot be read before anything is served.
#[derive(Debug, thiserror::Error)]
pub enum WarmUpError {
    #[error("the last minute's transfers cannot be read")]
    Statistics(#[source] Fault),
    #[error("the merchants' reports cannot be read")]
    Merchants(#[source] Fault),
}

impl Services {
    /// Starts the bank on a migrated database: the committer, and the worker that keeps the merchants' reports at hand. What
    /// only a server does, `serve` starts. Must be called inside a tokio runtime.
    pub fn start(config: &Config, db: Db, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let keys = identity::SigningKey::open_or_create(&config.signing_key_file)?;
        let open = || config.redis_url.as_ref().map(redis::Redis::try_new).transpose();
        let (handover, workers) = (feed::Handover::new(), Workers::new());
        let statistics =
            statistics::Statistics::new(db.clone(), clock.clone(), open()?, handover.clone(), workers.group());
        let statistics = Arc::new(statistics);
        // A connection of their own: its faults are how the aggregates notice that Redis may have restarted.
        let aggregates = aggregates::Aggregates::beside_committer(
            db.clone(),
            clock.clone(),
            open()?,
            handover.clone(),
            workers.group(),
        );
        let ledger = ledger::Ledger::start(&db, clock.clone(), config.queue_max, handover)?;
        let wallets = wallets::Wallets::new(db.clone(), ledger.queue());
        Ok(Self {
            identity: identity::Identity::new(db.clone(), clock.clone(), &keys, wallets.clone(), config.currency),
            transfers: transfers::Transfers::new(db.clone(), ledger.queue(), wallets.clone()),
            imports: imports::Imports::new(
                config,
                db.clone(),
                clock.clone(),
                imports::FileKinds::new(
                    merchants::ActivityFiles::new(&db),
                    aggregates::TransactionFiles::new(&aggregates, config.currency),
                ),
                workers.group(),
            ),
            merchants: merchants::Merchants::start(&db, workers.group()),
            ops: ops::Ops::new(
                db,
                clock,
                &ledger,
                workers,
                statistics.clone(),
                aggregates.clone(),
                config.allows_unsafe_database,
            ),
            aggregates,
            statistics,
            wallets,
            reports: config.reports,
            currency: config.currency,
            ledger,
        })
    }

    /// Returns when the committer has died, which only a bug can do: from then on no money moves.
    pub fn committer_died(&self) -> impl Future<Output = ()> + Send + use<> {
        self.ledger.ended()
    }

    /// False once the committer has ended.
    #[must_use]
    pub fn moves_money(&self) -> bool {
        self.ledger.queue().is_open()
    }

    /// Reads what the reports rest on, before anything is served: the last minute's transfers, and the merchants' reports.
    pub async fn warm_up(&self) -> Result<(), WarmUpError> {
        self.statistics.warm_up().await.map_err(WarmUpError::Statistics)?;
        self.merchants.refresh().await.map_err(WarmUpError::Merchants)
    }

    /// Starts what a server does in the background: imports, among them these files of activities, the daily totals, and
    /// the sharing of statistics. Must be called inside a tokio runtime.
    pub fn serve(&self, files: Vec<PathBuf>) {
        self.imports.serve(files);
        self.aggregates.serve();
        self.statistics.serve();
    }

    /// Returns when everything that was committed before the call, by any process, is in the statistics.
    pub async fn flush_reports(&self) {
        self.statistics.flush().await;
    }

    /// Answers everything that was accepted, then stops the committer and closes the database; calls after that fail. A
    /// running import stops at the end of its block and is resumed by the next start.
    ///
    /// In this order: imports queue their totals for the aggregates' workers, and the statistics share last what was reported
    /// until then.
    pub async fn stop(&self) {
        self.imports.stop().await;
        self.aggregates.stop().await;
        self.ledger.stop().await;
        self.merchants.stop().await;
        self.statistics.stop().await;
        self.ops.close_database().await;
    }
}
