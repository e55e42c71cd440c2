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
pub mod events;
pub mod feed;
pub mod identity;
pub mod imports;
pub mod journal;
pub mod keys;
pub mod ledger;
pub mod mail;
pub mod merchants;
pub mod ops;
pub mod page;
pub mod receipts;
pub mod redis;
pub mod shell;
pub mod statistics;
pub mod tls;
pub mod transfers;
pub mod wallets;
pub mod webhooks;
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
    /// Proves transfers to strangers, and signs the journal's heads.
    pub receipts: receipts::Receipts,
    /// What happened, in the journal's order.
    pub events: events::Events,
    /// Imports files.
    pub imports: imports::Imports,
    /// Sends events to endpoints of users.
    pub webhooks: webhooks::Webhooks,
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
    /// Answered when the keys that sign access tokens, or those of the journal, cannot be read or made.
    #[error(transparent)]
    KeyFile(#[from] keys::KeyFileError),
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
        let journal_keys = receipts::JournalKeys::open_or_create(&config.journal_key_file, clock.now())?;
        let open = || config.redis_url.as_ref().map(redis::Redis::try_new).transpose();
        let (handovers, workers) = (ledger::Handovers::default(), Workers::new());
        let statistics = statistics::Statistics::new(
            db.clone(),
            clock.clone(),
            open()?,
            handovers.completed.clone(),
            workers.group(),
        );
        let statistics = Arc::new(statistics);
        // The aggregates get their own connection: a fault on it shows them that Redis may have restarted.
        let aggregates = aggregates::Aggregates::beside_committer(
            db.clone(),
            clock.clone(),
            open()?,
            handovers.completed.clone(),
            workers.group(),
        );
        let ledger = ledger::Ledger::start(&db, clock.clone(), config.queue_max, handovers.clone())?;
        let wallets = wallets::Wallets::new(db.clone(), clock.clone(), ledger.queue());
        let mailer = config
            .mail
            .as_ref()
            .map(|mail| mail::Mailer::start(mail, clock.clone(), workers.group()));
        let counters = ledger.metrics();
        let parts = identity::IdentityParts {
            keys: Arc::new(keys),
            throttles: Arc::new(identity::Throttles::new(config.rate_limit_per_minute, &clock, open()?)),
            wallets: wallets.clone(),
            currency: config.currency,
            payments: Arc::new(move || counters.commands()),
            mailer: mailer.transpose()?,
            erased_beside: Arc::new(webhooks::WebhookErasure::new(db.clone())),
            workers: workers.group(),
        };
        let identity = identity::Identity::try_new(db.clone(), clock.clone(), parts).map_err(StartError::Passwords)?;
        let events = events::Events::new(db.clone(), wallets.clone(), handovers, workers.group());
        let (queue, group) = (ledger.queue(), workers.group());
        let transfers = transfers::Transfers::new(db.clone(), clock.clone(), queue, wallets.clone(), group);
        Ok(Self {
            identity,
            audit: audit::Audit::new(db.clone()),
            receipts: receipts(journal_keys, (&db, &clock), &transfers, workers.group()),
            transfers,
            imports: imports(config, (&db, &clock), &aggregates, workers.group()),
            webhooks: webhooks(config, (&db, &clock), (&wallets, &events), workers.group()),
            events,
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
    /// holds, the journal's keys, the daily totals, the sharing of statistics, the events of streams, and what wakes them in
    /// other processes. Must be called inside a tokio runtime.
    pub fn serve(&self, files: Vec<PathBuf>) {
        self.identity.serve();
        self.imports.serve(files);
        self.transfers.serve();
        self.receipts.serve();
        self.aggregates.serve();
        self.statistics.serve();
        self.events.serve();
    }

    /// Returns when everything that any process committed before the call is in the statistics, or when the journal
    /// cannot be read. No handler calls it: it is for a test that reads what it has just moved.
    pub async fn flush_reports(&self) {
        self.statistics.flush().await;
    }

    /// Answers all accepted commands, then stops the committer and closes the database; later calls fail. A running
    /// import stops at the end of its block, and the next start resumes it.
    ///
    /// The order matters. The streams of events end first: their readers go on at another process. Webhooks stop next, each after
    /// the request in hand. The workers of events stop after the ledger, of whose last commits they tell the other processes.
    /// Imports stop before the aggregates, whose workers apply the totals that imports queue. The statistics stop last, so that
    /// they share everything that was reported until then.
    pub async fn stop(&self) {
        self.events.close();
        self.webhooks.stop().await;
        self.imports.stop().await;
        self.aggregates.stop().await;
        self.transfers.stop().await;
        self.ledger.stop().await;
        self.events.stop().await;
        self.merchants.stop().await;
        self.statistics.stop().await;
        self.receipts.stop().await;
        self.identity.stop().await;
        self.ops.close_database().await;
    }
}

/// The receipts, with the journal's keys.
fn receipts(
    keys: receipts::JournalKeys,
    (db, clock): (&Db, &Arc<dyn Clock>),
    transfers: &transfers::Transfers,
    workers: Workers,
) -> receipts::Receipts {
    receipts::Receipts::new(db.clone(), clock.clone(), Arc::new(keys), transfers.clone(), workers)
}

/// The webhooks of all users.
fn webhooks(
    config: &Config,
    (db, clock): (&Db, &Arc<dyn Clock>),
    (wallets, events): (&wallets::Wallets, &events::Events),
    workers: Workers,
) -> webhooks::Webhooks {
    let parts = webhooks::WebhooksParts {
        wallets: wallets.clone(),
        events: events.clone(),
        allows_private: config.webhooks_private,
        workers,
    };
    webhooks::Webhooks::new(db.clone(), clock.clone(), parts)
}

/// The imports of both kinds of files.
fn imports(
    config: &Config,
    (db, clock): (&Db, &Arc<dyn Clock>),
    aggregates: &aggregates::Aggregates,
    workers: Workers,
) -> imports::Imports {
    let kinds = imports::FileKinds::new(
        merchants::ActivityFiles::new(db),
        aggregates::TransactionFiles::new(aggregates, config.currency),
    );
    imports::Imports::new(config, db.clone(), clock.clone(), kinds, workers)
}
