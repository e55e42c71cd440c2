//! What the bank does, independent of HTTP.

#![warn(missing_docs)]

pub mod actor;
pub mod aggregates;
pub mod audit;
pub mod backoff;
pub mod characters;
pub mod clock;
pub mod config;
pub mod db;
pub mod feed;
pub mod identity;
pub mod imports;
pub mod journal;
pub mod ledger;
pub mod mail;
pub mod merchants;
pub mod ops;
pub mod page;
pub mod redis;
pub mod statistics;
pub mod transfers;
pub mod wallets;
pub mod workers;

/// Money, ids, statuses: the types of the columns.
pub use entity::values;

use std::path::PathBuf;
use std::sync::Arc;

use clock::Clock;
use config::{Config, ReportAccess};
use db::{Db, Fault};
use workers::Workers;

/// The whole bank: what a handler or a command may call.
pub struct Services {
    /// Users, sign-ins and access tokens.
    pub identity: identity::Identity,
    /// Reads the audit log.
    pub audit: audit::Audit,
    /// Opens, lists, freezes and closes wallets.
    pub wallets: wallets::Wallets,
    /// Moves money, and lists transfers.
    pub transfers: transfers::Transfers,
    /// Imports files.
    pub imports: imports::Imports,
    /// Reports on merchants' activities.
    pub merchants: merchants::Merchants,
    /// Daily totals by payment method.
    pub aggregates: aggregates::Aggregates,
    /// The statistics of the last 60 seconds.
    pub statistics: Arc<statistics::Statistics>,
    /// Health, counters, and the proof of the books.
    pub ops: ops::Ops,
    /// Which callers may read the reports.
    pub reports: ReportAccess,
    /// The currency of reports and first wallets when the caller names none.
    pub currency: values::Currency,
    ledger: ledger::Ledger,
}

/// Why the bank cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Answered when the keys that sign access tokens cannot be read or made.
    #[error(transparent)]
    KeyFile(#[from] identity::KeyFileError),
    /// Answered when the address of Redis cannot be parsed. A Redis that is out of reach does not keep the bank from
    /// starting.
    #[error(transparent)]
    Redis(#[from] redis::RedisFault),
    /// Answered when the settings of mails cannot be read. A mail server that is out of reach does not keep the bank from
    /// starting.
    #[error(transparent)]
    Mail(#[from] mail::MailSettingError),
    /// Answered when the operating system refuses the threads that hash passwords.
    #[error("the threads that hash passwords cannot be started")]
    Passwords(#[source] std::io::Error),
    /// Answered when the operating system refuses the committer's thread.
    #[error("the committer's thread cannot be started")]
    Committer(#[from] std::io::Error),
}

/// Why the reports cannot be read before anything is served.
#[derive(Debug, thiserror::Error)]
pub enum WarmUpError {
    /// Answered when the database does not say which sessions ended lately.
    #[error("the sessions that ended lately cannot be read")]
    Sessions(#[source] Fault),
    /// Answered when the database does not give the last minute's transfers.
    #[error("the last minute's transfers cannot be read")]
    Statistics(#[source] Fault),
    /// Answered when the database does not give the merchants' reports.
    #[error("the merchants' reports cannot be read")]
    Merchants(#[source] Fault),
}

impl Services {
    /// Starts the bank on a migrated database: the committer, the worker that keeps the merchants' reports in memory,
    /// and the one that sends mails. `serve` starts the workers that only a server needs. Must be called inside a tokio
    /// runtime.
    pub fn start(config: &Config, db: Db, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        let keys = identity::KeySet::open_or_create(&config.signing_key_file, config.token_algorithm, clock.now())?;
        let open = || config.redis_url.as_ref().map(redis::Redis::try_new).transpose();
        let (handover, workers) = (feed::Handover::new(), Workers::new());
        let statistics =
            statistics::Statistics::new(db.clone(), clock.clone(), open()?, handover.clone(), workers.group());
        let statistics = Arc::new(statistics);
        // The aggregates get their own connection: a fault on it shows them that Redis may have restarted.
        let aggregates = aggregates::Aggregates::beside_committer(
            db.clone(),
            clock.clone(),
            open()?,
            handover.clone(),
            workers.group(),
        );
        let ledger = ledger::Ledger::start(&db, clock.clone(), config.queue_max, handover)?;
        let wallets = wallets::Wallets::new(db.clone(), clock.clone(), ledger.queue());
        let throttles = identity::Throttles::new(config.rate_limit_per_minute, &clock, open()?);
        let mailer = config.mail.as_ref();
        let mailer = mailer.map(|mail| mail::Mailer::start(mail, clock.clone(), workers.group()));
        let counters = ledger.metrics();
        let parts = identity::IdentityParts {
            keys: Arc::new(keys),
            throttles: Arc::new(throttles),
            wallets: wallets.clone(),
            currency: config.currency,
            payments: Arc::new(move || counters.commands()),
            mailer: mailer.transpose()?,
            workers: workers.group(),
        };
        let identity = identity::Identity::try_new(db.clone(), clock.clone(), parts).map_err(StartError::Passwords)?;
        Ok(Self {
            identity,
            audit: audit::Audit::new(db.clone()),
            transfers: transfers::Transfers::new(
                db.clone(),
                clock.clone(),
                ledger.queue(),
                wallets.clone(),
                workers.group(),
            ),
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

    /// Returns when the committer has ended. Unless the bank was stopped this is a bug: from then on no money moves.
    pub fn committer_died(&self) -> impl Future<Output = ()> + Send + use<> {
        self.ledger.ended()
    }

    /// False once the committer has ended: no more commands are accepted.
    #[must_use]
    pub fn moves_money(&self) -> bool {
        self.ledger.queue().is_open()
    }

    /// Reads what must be known before anything is served: the sessions that ended lately, the last minute's transfers, from
    /// which on a worker follows the journal, and the merchants' reports.
    pub async fn warm_up(&self) -> Result<(), WarmUpError> {
        self.identity.warm_up().await.map_err(WarmUpError::Sessions)?;
        self.statistics.warm_up().await.map_err(WarmUpError::Statistics)?;
        self.merchants.refresh().await.map_err(WarmUpError::Merchants)
    }

    /// Starts the background workers of a server: what other replicas change of sessions and keys, the end of one-time
    /// tokens, erasures that a crash has stopped, imports (these files of activities among them), the release of expired
    /// holds, the daily totals, and the sharing of statistics. Must be called inside a tokio runtime.
    pub fn serve(&self, files: Vec<PathBuf>) {
        self.identity.serve();
        self.imports.serve(files);
        self.transfers.serve();
        self.aggregates.serve();
        self.statistics.serve();
    }

    /// Returns when everything that any process committed before the call is in the statistics, or when the journal
    /// cannot be read. No handler calls it: it is for a test that reads what it has just moved.
    pub async fn flush_reports(&self) {
        self.statistics.flush().await;
    }

    /// Answers all accepted commands, then stops the committer and closes the database; later calls fail. A running
    /// import stops at the end of its block, and the next start resumes it.
    ///
    /// The order matters. Imports stop before the aggregates, whose workers apply the totals that imports queue. The
    /// statistics stop last, so that they share everything that was reported until then.
    pub async fn stop(&self) {
        self.imports.stop().await;
        self.aggregates.stop().await;
        self.transfers.stop().await;
        self.ledger.stop().await;
        self.merchants.stop().await;
        self.statistics.stop().await;
        self.identity.stop().await;
        self.ops.close_database().await;
    }
}
