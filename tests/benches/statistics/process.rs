//! In process, on the machine's own clock: nanoseconds per operation, on one thread and on two, and memory.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use service::Services;
use service::clock::{Clock, SystemClock};
use service::config::{Config, ReportAccess, TokenAlgorithm};
use service::db::Db;
use service::statistics::{Age, RING_BYTES, Statistics, WINDOW_MS, WindowAmount};
use service::values::Currency;

/// Amounts in the busiest minute that is measured; `FEW` is a quiet one.
const MANY: i64 = 10_000_000;
const FEW: i64 = 10;
/// Operations between two checks of the clock.
const TURN: u64 = 256;

pub async fn measure(time: Duration) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = Config {
        database_url: format!("sqlite://{}", folder.path().join("bench.db").display()),
        generic_plans: true,
        allows_unsafe_database: false,
        signing_key_file: folder.path().join("signing.key"),
        journal_key_file: folder.path().join("journal.key"),
        token_algorithm: TokenAlgorithm::default(),
        rate_limit_per_minute: 0,
        currency: currency("USD")?,
        queue_max: 1,
        data_dir: folder.path().to_owned(),
        upload_max_bytes: 0,
        disk_reserve_bytes: 0,
        redis_url: None,
        mail: None,
        webhooks_private: false,
        reports: ReportAccess::Public,
    };
    let db = Db::connect(&config.database_url).await?;
    let services = Services::start(&config, db, Arc::new(SystemClock))?;
    let statistics = services.statistics.clone();
    println!("in process, one currency, nanoseconds an operation");
    memory(&statistics)?;
    for threads in [1, 2] {
        let add = per_operation(time, threads, &statistics, add)?;
        let read = per_operation(time, threads, &statistics, read)?;
        println!("  {threads} thread(s) at once: add {add} ns, read {read} ns");
    }
    services.stop().await;
    Ok(())
}

/// A minute's memory and the cost of reading it, after ten, ten thousand and ten million amounts.
fn memory(statistics: &Arc<Statistics>) -> Result<()> {
    let before = resident_kib()?;
    let mut last = 0;
    for amounts in [FEW, FEW * 1_000, MANY] {
        let now = SystemClock.now().timestamp_millis();
        for one in 0..amounts {
            let at = now - (one * 7_919) % (WINDOW_MS - 10_000);
            report(statistics, at, one)?;
        }
        last = resident_kib()?;
        let read = per_operation(Duration::from_millis(200), 1, statistics, read)?;
        let held = last.saturating_sub(before);
        println!("  {amounts:>8} more amounts in the minute: {held} KiB more than before the first, read {read} ns");
    }
    let ring = RING_BYTES / 1_024;
    println!("  a window has {ring} KiB, whatever is in it");
    ensure!(
        last.saturating_sub(before) < 2 * ring as u64,
        "the minute grows with what is in it"
    );
    Ok(())
}

fn report(statistics: &Statistics, at: i64, units: i64) -> Result<()> {
    let amount = WindowAmount::from_units(i128::from(units)).context("a small amount")?;
    ensure!(
        statistics.report(currency("USD")?, at, amount) == Age::Inside,
        "it counts"
    );
    Ok(())
}

fn add(statistics: &Statistics, usd: Currency, amount: WindowAmount, now: i64) {
    statistics.report(usd, now, amount);
}

fn read(statistics: &Statistics, usd: Currency, _amount: WindowAmount, _now: i64) {
    std::hint::black_box(statistics.read(usd));
}

type Operation = fn(&Statistics, Currency, WindowAmount, i64);

/// Nanoseconds per operation and thread, while every thread does nothing but this operation.
fn per_operation(time: Duration, threads: u64, statistics: &Arc<Statistics>, act: Operation) -> Result<u128> {
    let (usd, amount) = (
        currency("USD")?,
        WindowAmount::from_units(123_000_000_000).context("an amount")?,
    );
    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    let done: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        let now = SystemClock.now().timestamp_millis();
                        for _ in 0..TURN {
                            act(statistics, usd, amount, now);
                        }
                        done += TURN;
                    }
                    done
                })
            })
            .collect();
        std::thread::sleep(time);
        is_over.store(true, Ordering::Relaxed);
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_default())
            .sum()
    });
    Ok(started.elapsed().as_nanos() * u128::from(threads) / u128::from(done.max(1)))
}

/// Resident memory of this process.
fn resident_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("Linux tells VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("VmRSS has a number")?.parse()?)
}

fn currency(code: &str) -> Result<Currency> {
    Currency::from_code(code).context("ISO 4217 has it")
}
