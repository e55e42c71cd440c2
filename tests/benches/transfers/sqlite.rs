//! SQLite with every commit synced: our server over HTTP against one transaction per transfer with the same settings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use chrono::SecondsFormat;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sea_orm::sqlx::{self, SqlitePool};
use service::clock::{Clock, SystemClock, id_at, random_bytes};
use service::db::Db;
use service::ledger;

use crate::common::client::new_histogram;
use crate::common::processes::{self, Server};
use crate::load::{Load, Pick};
use crate::report::{Measure, Report};
use crate::selection::Selection;
use crate::stage::{all_completed, completed, seed};
use crate::work::{LARGE_BATCHES, Work, batches_and_holds};

const BASELINE: &str = "sqlite one transaction a transfer";

/// Measures both, each on its own file.
pub async fn measure(report: &mut Report, selection: &Selection, time: Duration, wallets: usize) -> Result<()> {
    let works: Vec<(String, Work)> = works(time).filter(|(name, _)| selection.has(name)).collect();
    if works.is_empty() && !selection.has(BASELINE) {
        return Ok(());
    }
    let folder = tempfile::Builder::new()
        .prefix("florin-bench-")
        .tempdir_in("/var/tmp")?;
    let url = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    let key_file = folder.path().join("signing.key");
    if selection.has(BASELINE) {
        let baseline = open(&url("baseline.db")).await?;
        seed(&baseline.write, &key_file, wallets).await?;
        let one_by_one = one_by_one(baseline.commit.get_sqlite_connection_pool(), wallets, time).await?;
        report.add(BASELINE, one_by_one);
        // The baseline writes no journal rows itself, and the proof of the books needs them.
        harness::journal::adopt(&baseline.write).await;
        close_proved(&baseline).await?;
    }
    let url = url("florin.db");
    let db = open(&url).await?;
    let accounts = Arc::new(seed(&db.write, &key_file, wallets).await?);
    let server = Server::start(&processes::build()?, &url, folder.path(), LARGE_BATCHES).await?;
    for (name, work) in works {
        let before = completed(&db.read).await?;
        let latencies = work.run(server.address, &accounts).await?;
        all_completed(&db.read, before, work.completed(latencies.histogram.len())).await?;
        report.add(&name, work.measure(&latencies));
    }
    drop(server);
    close_proved(&db).await
}

/// Single transfers, batches and holds, with the names of their measurements.
fn works(time: Duration) -> impl Iterator<Item = (String, Work)> {
    let singles = [256, 64].map(|connections| {
        let pick = Pick::Uniform;
        let load = Load {
            connections,
            pick,
            time,
        };
        (format!("sqlite http, {connections} connections"), Work::Singles(load))
    });
    let others = batches_and_holds(time).map(|(name, work)| (format!("sqlite {name}"), work));
    singles.into_iter().chain(others)
}

async fn open(url: &str) -> Result<Db> {
    let db = Db::connect(url).await?;
    migration::up(&db.write).await?;
    Ok(db)
}

async fn close_proved(db: &Db) -> Result<()> {
    let proof = ledger::verify(db).await?;
    ensure!(proof.is_clean(), "the books do not balance: {:#?}", proof.checks);
    db.close().await;
    Ok(())
}

/// The usual way: BEGIN, two checked updates, three inserts, COMMIT, on the connection that the server would use.
async fn one_by_one(pool: &SqlitePool, wallets: usize, time: Duration) -> Result<Measure> {
    let mut histogram = new_histogram()?;
    let mut dice = SmallRng::seed_from_u64(u64::from_le_bytes(random_bytes()));
    let started = Instant::now();
    while started.elapsed() < time {
        let sent = Instant::now();
        let source = dice.random_range(1..=wallets as u128);
        let destination = source % wallets as u128 + 1;
        transfer(pool, source, destination).await?;
        histogram.record(u64::try_from(sent.elapsed().as_micros())?.max(1))?;
    }
    Ok(Measure::of(&histogram, started.elapsed()))
}

async fn transfer(pool: &SqlitePool, source: u128, destination: u128) -> Result<()> {
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    let now = SystemClock.now();
    let (transfer, key) = (id_at(now).into_bytes(), random_bytes::<16>());
    let now = now.to_rfc3339_opts(SecondsFormat::AutoSi, false);
    sqlx::query(
        "INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency,
         idempotency_key, request_digest, created_at)
         VALUES (?1, 1, 2, ?2, ?3, '0.0042', 'USD', ?4, ?4, ?5)",
    )
    .bind(&transfer[..])
    .bind(&source.to_be_bytes()[..])
    .bind(&destination.to_be_bytes()[..])
    .bind(&key[..])
    .bind(&now)
    .execute(&mut *tx)
    .await?;
    for (wallet, sign) in [(source, -42_i64), (destination, 42)] {
        let bytes = wallet.to_be_bytes();
        let (balance, version): (String, i64) = sqlx::query_as("SELECT balance, version FROM wallets WHERE id = ?")
            .bind(&bytes[..])
            .fetch_one(&mut *tx)
            .await?;
        let units: i64 = balance.replace('.', "").parse()?;
        let after = units + sign;
        ensure!(after >= 0, "a seeded wallet ran dry");
        let after = format!("{}.{:04}", after / 10_000, after % 10_000);
        let amount = if sign < 0 { "-0.0042" } else { "0.0042" };
        sqlx::query(
            "UPDATE wallets SET balance = ?, version = version + 1, updated_at = ? WHERE id = ? AND version = ?",
        )
        .bind(&after)
        .bind(&now)
        .bind(&bytes[..])
        .bind(version)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "INSERT INTO entries (wallet_id, version, transfer_id, amount, balance_after) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&bytes[..])
        .bind(version + 1)
        .bind(&transfer[..])
        .bind(amount)
        .bind(&after)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The same seed as on PostgreSQL, in this dialect.
pub const SEED: &str = "
CREATE TEMP TABLE numbers AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {wallets})
    SELECT n, unhex(printf('%032x', n)) AS id, '1970-01-01T00:00:00+00:00' AS t FROM s;
INSERT INTO users (id, email, full_name, name_key, password_hash, role, status, created_at, updated_at)
    SELECT id, 'user' || n || '@example.com', 'User', 'user', '', 'customer', 'active', t, t FROM numbers;
INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
    SELECT id, id, NULL, 'USD', '1000000.0000', '0.0000', 'ACTIVE', 1, t, t FROM numbers;
INSERT INTO wallets (id, user_id, method, currency, balance, held, status, version, created_at, updated_at)
    SELECT unhex('00000000000000008000000000000000'), NULL, 'seed', 'USD', '-' || (1000000 * {wallets}) || '.0000',
    '0.0000', 'ACTIVE', {wallets}, t, t FROM numbers WHERE n = 1;
INSERT INTO transfers (id, kind, status, source_wallet_id, destination_wallet_id, amount, currency, method, created_at)
    SELECT id, 2, 2, unhex('00000000000000008000000000000000'), id, '1000000.0000', 'USD', 'seed', '2026-01-01T00:00:00+00:00' FROM numbers;
INSERT INTO entries SELECT id, id, 1, '1000000.0000', '1000000.0000' FROM numbers;
INSERT INTO entries SELECT unhex('00000000000000008000000000000000'), id, n, '-1000000.0000', '-' || (1000000 * n) || '.0000' FROM numbers;
";
