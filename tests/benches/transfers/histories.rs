//! Two banks with a wallet of few and of many entries, each with a server of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use harness::LongHistory;
use harness::servers::{Durability, PostgresServer};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use service::clock::{Clock, SystemClock};
use service::db::Db;
use service::ledger;
use service::values::WalletId;
use tempfile::TempDir;

use crate::common::processes::Server;
use crate::load::Accounts;
use crate::stage::{SETTINGS, seed};

/// Entries of the busy wallet of each bank.
#[derive(Clone, Copy, Debug)]
pub struct Entries {
    pub few: u32,
    pub many: u32,
}

/// Both banks on one database server, or in one folder.
pub struct Histories {
    pub few: StoredBank,
    pub many: StoredBank,
    server: Option<PostgresServer>,
    /// Removed when it is dropped.
    _folder: TempDir,
}

/// A bank in which one wallet has a long history, and a customer has two transfers: one before it and one after it.
pub struct StoredBank {
    pub history: LongHistory,
    pub accounts: Accounts,
    url: String,
    folder: PathBuf,
}

/// The customers, by their places in `Accounts`: the wallet with the history, its counterparty, the customer with two
/// transfers, and whom that one has paid.
pub const BUSY: usize = 0;
const COUNTERPARTY: usize = 1;
pub const QUIET: usize = 2;
const PAYEE: usize = 3;
const CUSTOMERS: usize = 4;

/// How long ago a history begins. A million transfers of it take three hours.
const AGE: TimeDelta = TimeDelta::days(1);
/// Transfers in one row of the journal.
pub const TRANSFERS_A_COMMIT: u64 = 500;

impl Histories {
    /// Makes both banks on a new database server of this kind, or on two new files.
    pub async fn make(backend: DbBackend, entries: Entries) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("florin-bench-")
            .tempdir_in("/var/tmp")?;
        let server = match backend {
            DbBackend::Postgres => Some(PostgresServer::start(Durability::Durable, SETTINGS).await?),
            _ => None,
        };
        let mut banks = Vec::new();
        for (name, count) in [("few", entries.few), ("many", entries.many)] {
            let place = folder.path().join(name);
            std::fs::create_dir(&place)?;
            let url = match &server {
                Some(server) => {
                    server.create_database(name).await?;
                    server.url(name)
                }
                None => format!("sqlite://{}", place.join("florin.db").display()),
            };
            eprintln!("  storing {count} entries of one wallet");
            banks.push(StoredBank::make(url, place, count).await?);
        }
        let many = banks.pop().context("the second bank was made")?;
        let few = banks.pop().context("the first bank was made")?;
        // The few rows have the form of the many, and proving a million takes long.
        few.prove_books().await?;
        Ok(Self {
            few,
            many,
            server,
            _folder: folder,
        })
    }

    pub fn stop(self) -> Result<()> {
        self.server.map_or(Ok(()), PostgresServer::stop)
    }
}

impl StoredBank {
    async fn make(url: String, folder: PathBuf, entries: u32) -> Result<Self> {
        let db = Db::connect(&url).await.context("the database opens")?;
        migration::up(&db.write).await?;
        let accounts = seed(&db.write, &folder.join("signing.key"), CUSTOMERS).await?;
        let between = |payer: usize, payee: usize, transfers, since| LongHistory {
            wallet: WalletId(accounts.wallets[payer]),
            counterparty: WalletId(accounts.wallets[payee]),
            transfers,
            since,
        };
        // The first entry is that of the deposit.
        let history = between(BUSY, COUNTERPARTY, entries - 1, SystemClock.now() - AGE);
        history.store(&db.write).await;
        between(QUIET, PAYEE, 1, history.end()).store(&db.write).await;
        harness::journal::adopt_in_rows(&db.write, TRANSFERS_A_COMMIT).await;
        settle(&db.write).await?;
        db.close().await;
        Ok(Self {
            history,
            accounts,
            url,
            folder,
        })
    }

    /// Starts a server on the bank.
    pub async fn serve(&self, program: &Path) -> Result<Server> {
        Server::start(program, &self.url, &self.folder, &[]).await
    }

    async fn prove_books(&self) -> Result<()> {
        let db = Db::connect(&self.url).await?;
        let report = ledger::verify(&db).await?;
        db.close().await;
        ensure!(report.is_clean(), "the books do not balance: {:#?}", report.checks);
        Ok(())
    }
}

/// Brings the tables into the state of those that grew slowly. A table each, since the time of a statement is limited.
pub async fn settle(db: &DatabaseConnection) -> Result<()> {
    let statements: &[&str] = match db.get_database_backend() {
        DbBackend::Postgres => &[
            "VACUUM ANALYZE transfers",
            "VACUUM ANALYZE entries",
            "VACUUM ANALYZE wallets",
            "VACUUM ANALYZE journal",
            "VACUUM ANALYZE changes",
            "VACUUM ANALYZE holds",
            "CHECKPOINT",
        ],
        _ => &["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"],
    };
    for statement in statements {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}
