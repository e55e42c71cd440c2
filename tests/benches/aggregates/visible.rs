//! The time from a deposit's answer until the daily totals contain it: without other callers, and among many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::database::TestDatabase;
use harness::servers::{Persistence, RedisServer};
use harness::{Backend, ManualClock, TestBank};
use secrecy::SecretString;
use service::aggregates::{Day, DayRange};
use service::config::Config;
use service::identity::Actor;
use service::transfers::{Asking, NewPayment};
use service::values::{Currency, Method, Money, WalletId};

/// Measured deposits per run.
const DEPOSITS: u64 = 150;
/// Other callers, who deposit without pause.
const CALLERS: usize = 16;

struct Depositor {
    bank: Arc<TestBank>,
    operator: Actor,
    wallet: WalletId,
    answered: AtomicU64,
}

impl Depositor {
    async fn deposit(&self) -> Result<()> {
        let deposit = NewPayment::new(
            self.wallet,
            Some(Money::parse_unsigned("1").map_err(|_| anyhow::anyhow!("one is an amount"))?),
            Method::try_new("visa").context("this is a method")?,
        );
        self.bank
            .services
            .transfers
            .deposit(Asking::by(&self.operator), deposit)
            .await?;
        self.answered.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    async fn counted(&self) -> Result<u64> {
        let day = Day::parse("2026-01-05").context("this is a day")?;
        let usd = Currency::from_code("USD").context("this is a currency")?;
        let totals = self
            .bank
            .services
            .aggregates
            .daily(DayRange::try_new(day, day)?, usd)
            .await?;
        Ok(totals.iter().map(|(_, sum)| sum.count).sum())
    }

    /// The time from a deposit's answer until the report contains all deposits that were answered before.
    async fn delay(&self) -> Result<Duration> {
        self.deposit().await?;
        let (answered, due) = (Instant::now(), self.answered.load(Ordering::SeqCst));
        while self.counted().await? < due {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        Ok(answered.elapsed())
    }
}

pub async fn measure(runs: usize) -> Result<()> {
    println!("microseconds from a deposit's answer to the daily totals");
    println!("{:40} {:>8} {:>8} {:>8}", "", "p50", "p99", "most");
    for backend in [Backend::Postgres, Backend::Sqlite] {
        for with_redis in [true, false] {
            let redis = RedisServer::start(Persistence::None).await?;
            let url = with_redis.then(|| SecretString::from(redis.url()));
            let set = |config: &mut Config| config.redis_url = url;
            let database = TestDatabase::new(backend).await;
            let bank = TestBank::open_with(backend, database, Arc::new(ManualClock::new()), set).await;
            let (operator, customer) = (bank.operator_actor().await, bank.customer("ana").await);
            bank.services.aggregates.serve();
            let depositor = Arc::new(Depositor {
                bank: Arc::new(bank),
                operator,
                wallet: customer.wallet,
                answered: AtomicU64::new(0),
            });
            for callers in [0, CALLERS] {
                let name = format!("{backend:?}, Redis: {with_redis}, {callers} other callers");
                print(&name, delays(&depositor, callers, runs).await?);
            }
            depositor.bank.close().await;
            redis.stop()?;
        }
    }
    Ok(())
}

async fn delays(depositor: &Arc<Depositor>, callers: usize, runs: usize) -> Result<Vec<Duration>> {
    let is_over = Arc::new(AtomicBool::new(false));
    let others: Vec<_> = (0..callers)
        .map(|_| {
            let (depositor, is_over) = (depositor.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    depositor.deposit().await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    let mut delays = Vec::new();
    for turn in 0..DEPOSITS * runs as u64 {
        delays.push(depositor.delay().await?);
        // Pauses of different lengths, so that the deposits do not run in step with a worker's interval.
        tokio::time::sleep(Duration::from_millis(turn * 37 % 211)).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for other in others {
        other.await??;
    }
    delays.sort_unstable();
    Ok(delays)
}

fn print(name: &str, delays: Vec<Duration>) {
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100].as_micros();
    println!("{name:40} {:>8} {:>8} {:>8}", at(50), at(99), at(100));
}
