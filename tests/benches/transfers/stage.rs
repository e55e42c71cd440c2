//! What a measurement needs: a durable PostgreSQL, ten thousand funded wallets, the server, and figures of CPU and
//! bytes.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::servers::{Durability, PostgresServer};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use service::db::Db;
use service::ledger;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use crate::common::client::{Latencies, new_histogram};
use crate::common::processes::{self, Server, cpu_time};
use crate::common::tokens;
use crate::load::{self, Accounts, Load, Pick};
use crate::pgbench::{self, PROCEDURE};
use crate::report::Measure;
use crate::storm;
use crate::work::Work;

/// A database with wallets, and the program that serves it.
pub struct Stage {
    database: PostgresServer,
    pub db: DatabaseConnection,
    program: PathBuf,
    folder: TempDir,
    pub accounts: Arc<Accounts>,
}

const DATABASE: &str = "bench";

/// Who has the operator's token. The customers' ids are small numbers.
pub const OPERATOR: Uuid = Uuid::from_u128(1 << 64);

/// Room for a whole run, so that no checkpoint disturbs a measurement. Commits are as durable as without them.
pub const SETTINGS: &[(&str, &str)] = &[
    ("shared_buffers", "1GB"),
    ("max_wal_size", "16GB"),
    ("min_wal_size", "4GB"),
    ("checkpoint_timeout", "1h"),
    ("max_connections", "200"),
];

impl Stage {
    /// Starts PostgreSQL and fills it. Makes `wal_segments` segments of its log in advance, of 16 MB each.
    pub async fn postgres(wallets: usize, wal_segments: usize) -> Result<Self> {
        let program = processes::build()?;
        let database = PostgresServer::start(Durability::Durable, SETTINGS).await?;
        database.create_database(DATABASE).await?;
        let db = Db::connect(&database.url(DATABASE))
            .await
            .context("the database opens")?;
        migration::up(&db.write).await?;
        let folder = tempfile::tempdir()?;
        let accounts = Arc::new(seed(&db.write, &folder.path().join("signing.key"), wallets).await?);
        db.write.execute_unprepared(PROCEDURE).await?;
        db.write.execute_unprepared("VACUUM ANALYZE").await?;
        age(&db.write, wal_segments).await?;
        Ok(Self {
            database,
            db: db.write,
            program,
            folder,
            accounts,
        })
    }

    /// Measures the baseline with a number of clients; `hot` sends every transfer into one wallet.
    pub async fn pgbench(&self, clients: usize, hot: bool, time: Duration) -> Result<Measure> {
        let bytes = self.bytes("bare").await?;
        let cpu = self.database_cpu()?;
        let wallets = self.accounts.wallets.len();
        let figures = pgbench::run(&self.database, DATABASE, wallets, clients, hot, time).await?;
        let mut histogram = new_histogram()?;
        for latency in &figures.latencies_us {
            histogram.record((*latency).max(1))?;
        }
        let mut measure = Measure::of(&histogram, figures.elapsed);
        measure.database_cpu_us = Some(per_transfer(self.database_cpu()? - cpu, figures.transfers));
        measure.bytes = Some((self.bytes("bare").await? - bytes) / figures.transfers.max(1));
        Ok(measure)
    }

    /// Measures our server at some work, and fails unless every transfer was completed.
    pub async fn work(&self, work: Work) -> Result<Measure> {
        let server = self.server(work.settings()).await?;
        self.warm_up(&server).await?;
        self.work_on(&server, work).await
    }

    /// Measures a server that is already running, like `work`.
    pub async fn work_on(&self, server: &Server, work: Work) -> Result<Measure> {
        let (bytes, before) = (self.bytes("public").await?, completed(&self.db).await?);
        let (server_cpu, database_cpu) = (cpu_time(server.pid())?, self.database_cpu()?);
        let latencies = work.run(server.address, &self.accounts).await?;
        let transfers = work.counted(latencies.histogram.len());
        let mut measure = work.measure(&latencies);
        measure.server_cpu_us = Some(per_transfer(cpu_time(server.pid())? - server_cpu, transfers));
        measure.database_cpu_us = Some(per_transfer(self.database_cpu()? - database_cpu, transfers));
        measure.bytes = Some((self.bytes("public").await? - bytes) / transfers.max(1));
        all_completed(&self.db, before, work.completed(latencies.histogram.len())).await?;
        Ok(measure)
    }

    /// Measures two servers on one database, each with its own clients.
    pub async fn two_replicas(&self, connections: usize, picks: [Pick; 2], time: Duration) -> Result<Measure> {
        let (one, other) = (self.server(&[]).await?, self.server(&[]).await?);
        self.warm_up(&one).await?;
        self.warm_up(&other).await?;
        let [first, second] = picks.map(|pick| Load {
            connections,
            pick,
            time,
        });
        let (one, other) = tokio::join!(
            load::run(one.address, &self.accounts, first),
            load::run(other.address, &self.accounts, second)
        );
        let (mut both, other): (Latencies, Latencies) = (one?, other?);
        both.histogram.add(&other.histogram)?;
        Ok(Measure::of(&both.histogram, both.elapsed.max(other.elapsed)))
    }

    /// Measures transfers at half the peak, alone and beside a storm of sign-ins.
    pub async fn storm(&self, time: Duration) -> Result<[Measure; 2]> {
        let server = self.server(&[]).await?;
        self.warm_up(&server).await?;
        storm::measure(server.address, &self.accounts, time).await
    }

    /// Fails unless the books balance after all measurements.
    pub async fn prove_books(&self) -> Result<()> {
        let db = Db::connect(&self.database.url(DATABASE)).await?;
        let report = ledger::verify(&db).await?;
        db.close().await;
        ensure!(report.is_clean(), "the books do not balance: {:#?}", report.checks);
        eprintln!("  the books balance over {} transfers", report.transfers);
        Ok(())
    }

    /// Prints the bytes per transfer of each table and index.
    pub async fn print_bytes(&self) -> Result<()> {
        let sql = "SELECT relname::text AS name, pg_relation_size(c.oid) / (SELECT count(*) FROM transfers) AS n FROM pg_class c \
                   WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(transfers|entries)' AND relkind IN ('r', 'i') \
                   ORDER BY relname";
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
        for row in self.db.query_all_raw(statement).await? {
            let (name, bytes): (String, i64) = (row.try_get("", "name")?, row.try_get("", "n")?);
            eprintln!("  {bytes:>5} bytes a transfer in {name}");
        }
        Ok(())
    }

    pub async fn stop(self) -> Result<()> {
        self.db.close().await?;
        self.database.stop()
    }

    /// Starts a server on the database, with further settings.
    pub async fn server(&self, settings: &[(&str, &str)]) -> Result<Server> {
        let url = self.database.url(DATABASE);
        Server::start(&self.program, &url, self.folder.path(), settings).await
    }

    /// A command of the program on the database, whose output is short.
    pub fn florin(&self, command: &str) -> Command {
        let mut florin = Command::new(&self.program);
        florin
            .arg(command)
            .env("FLORIN_DATABASE_URL", self.database.url(DATABASE))
            .env("FLORIN_DATA_DIR", self.folder.path())
            .env("FLORIN_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        florin
    }

    /// PostgreSQL's client, which runs statements one after the other and drops what they give.
    pub fn psql(&self, statements: impl IntoIterator<Item = String>) -> Command {
        let mut psql = Command::new(self.database.program("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d"])
            .arg(self.database.url(DATABASE));
        for statement in statements {
            psql.arg("-c").arg(statement);
        }
        psql.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        psql
    }

    /// Sends a server some transfers.
    pub async fn warm_up(&self, server: &Server) -> Result<()> {
        let load = Load {
            connections: 32,
            pick: Pick::Uniform,
            time: Duration::from_millis(700),
        };
        load::run(server.address, &self.accounts, load).await.map(drop)
    }

    fn database_cpu(&self) -> Result<Duration> {
        cpu_time(self.database.pid().context("the database runs")?)
    }

    /// Bytes of the tables of a schema that transfers write, with their indexes.
    async fn bytes(&self, schema: &str) -> Result<u64> {
        let sql = format!(
            "SELECT (pg_total_relation_size('{schema}.transfers') + pg_total_relation_size('{schema}.entries') \
             + pg_total_relation_size('{schema}.wallets'))::bigint AS n"
        );
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
        let row = self.db.query_one_raw(statement).await?.context("a size")?;
        Ok(u64::try_from(row.try_get::<i64>("", "n")?)?)
    }
}

/// The number of completed transfers.
pub async fn completed(db: &DatabaseConnection) -> Result<u64> {
    let sql = "SELECT count(*) AS n FROM transfers WHERE status = 2";
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(statement).await?.context("a count")?;
    Ok(u64::try_from(row.try_get::<i64>("", "n")?)?)
}

/// Fails unless so many more transfers are completed than before: a batch answers 200 whatever became of its items.
pub async fn all_completed(db: &DatabaseConnection, before: u64, expected: Option<u64>) -> Result<()> {
    let Some(expected) = expected else {
        return Ok(());
    };
    let found = completed(db).await? - before;
    ensure!(found == expected, "{found} of {expected} transfers were completed");
    Ok(())
}

/// Brings the write-ahead log into the state of a database that has run for a while, with segments to reuse. PostgreSQL
/// fills a new segment with zeros first, which would stop every commit for about 50 ms each time.
async fn age(db: &DatabaseConnection, wal_segments: usize) -> Result<()> {
    for _ in 0..wal_segments {
        db.execute_unprepared("SELECT pg_logical_emit_message(false, 'florin', repeat('-', 16000000))")
            .await?;
    }
    db.execute_unprepared("CHECKPOINT").await?;
    Ok(())
}

/// Stores users and funded wallets, each deposit with its entries. Returns a token for each user, signed with the
/// server's key, and one for an operator, who has no row.
pub async fn seed(db: &DatabaseConnection, key_file: &std::path::Path, wallets: usize) -> Result<Accounts> {
    let key = tokens::make_key(key_file)?;
    let statements = match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => crate::stage::POSTGRES_SEED.replace("{wallets}", &wallets.to_string()),
        _ => crate::sqlite::SEED.replace("{wallets}", &wallets.to_string()),
    };
    db.execute_unprepared(&statements).await?;
    harness::journal::adopt(db).await;
    let ids: Vec<Uuid> = (1..=wallets as u128).map(Uuid::from_u128).collect();
    let tokens = ids
        .iter()
        .map(|id| tokens::token(*id, "customer", &key))
        .collect::<Result<Vec<_>>>()?;
    let operator = tokens::token(OPERATOR, "operator", &key)?;
    Ok(Accounts::new(ids, tokens, operator))
}

// A wallet and its user have the same id; its time is 1970. The deposits come from one system wallet, as any deposit
// does. They lie in the past, since the journal's openings of the wallets follow them, and a long history follows those.
const POSTGRES_SEED: &str = "
INSERT INTO users (id, email, full_name, name_key, password_hash, role, status, created_at, updated_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'user' || n || '@example.com', 'User', 'user', '', 'customer', 'active', now(), now()
FROM generate_series(1, {wallets}) n;
INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, lpad(to_hex(n), 32, '0')::uuid, NULL, 'USD', 1000000, 0, 'ACTIVE', 1, 'epoch', 'epoch'
FROM generate_series(1, {wallets}) n;
INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
VALUES ('00000000-0000-0000-8000-000000000000', NULL, 'seed', 'USD', -1000000 * {wallets}::numeric, 0, 'ACTIVE', {wallets}, 'epoch', 'epoch');
INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method, created_at)
SELECT lpad(to_hex(n), 32, '0')::uuid, 2, 2, '00000000-0000-0000-8000-000000000000', lpad(to_hex(n), 32, '0')::uuid, 1000000, 'USD', 'seed', '2026-01-01T00:00:00+00:00'
FROM generate_series(1, {wallets}) n;
INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT lpad(to_hex(n), 32, '0')::uuid, 1, lpad(to_hex(n), 32, '0')::uuid, 1000000, 1000000 FROM generate_series(1, {wallets}) n;
INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after)
SELECT '00000000-0000-0000-8000-000000000000', n, lpad(to_hex(n), 32, '0')::uuid, -1000000, -1000000 * n::numeric
FROM generate_series(1, {wallets}) n;
";

fn per_transfer(cpu: Duration, transfers: u64) -> u64 {
    u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX) / transfers.max(1)
}
