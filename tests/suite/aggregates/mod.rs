//! The daily aggregates on every store: both databases, each with the hot days in Redis and without Redis.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use harness::database::TestDatabase;
use harness::servers::RedisServer;
use harness::{Backend, ManualClock, TestBank};
use secrecy::{ExposeSecret, SecretString};
use service::aggregates::{Aggregates, AggregatesError, Day, DayRange, Totals};
use service::identity::Actor;
use service::imports::{Import, ImportOutcome, RunOptions};
use service::redis::Redis;
use service::transfers::{Asking, NewPayment};
use service::values::{Currency, ImportKind, Method, WalletId};

use crate::requests::money;

mod answers;
mod archive;
mod bank_money;
mod faults;
mod imports;
mod losses;
mod lost_archives;
mod month;
mod out_of_sequence;
mod proof;
mod queue;

/// Turns scenarios into tests: those in `everywhere` run on both databases, with and without Redis, the others only
/// with Redis.
macro_rules! on_every_store {
    (everywhere: [$($scenario:ident),* $(,)?], with_redis: [$($more:ident),* $(,)?] $(,)?) => {
        $crate::aggregates::on_every_store!(@ sqlite, Sqlite, false: $($scenario)*);
        $crate::aggregates::on_every_store!(@ postgres, Postgres, false: $($scenario)*);
        $crate::aggregates::on_every_store!(@ sqlite_and_redis, Sqlite, true: $($scenario)* $($more)*);
        $crate::aggregates::on_every_store!(@ postgres_and_redis, Postgres, true: $($scenario)* $($more)*);
    };
    (@ $module:ident, $backend:ident, $redis:literal: $($scenario:ident)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() {
                    crate::aggregates::run(harness::Backend::$backend, $redis, super::$scenario).await;
                }
            )*
        }
    };
}
use on_every_store;

async fn run<S, F>(backend: Backend, with_redis: bool, scenario: S)
where
    S: FnOnce(Arc<TestBank>) -> F,
    F: Future<Output = ()>,
{
    let url = match with_redis {
        true => Some(redis_url().await),
        false => None,
    };
    let bank = Arc::new(bank(backend, url).await);
    scenario(bank.clone()).await;
    settle(&bank.services.aggregates).await;
    bank.assert_books_balance().await;
    let proof = bank.services.ops.verify().await.expect("the books can be read");
    assert!(proof.is_clean(), "{:#?}", proof.aggregates);
    bank.close().await;
}

/// The address of a database of the shared Redis that no other test uses.
pub async fn redis_url() -> SecretString {
    let server = RedisServer::shared().await.unwrap_or_else(|error| panic!("{error:#}"));
    SecretString::from(server.fresh_database_url().expect("there is a database left"))
}

pub async fn bank(backend: Backend, redis_url: Option<SecretString>) -> TestBank {
    let database = TestDatabase::new(backend).await;
    let clock = Arc::new(ManualClock::new());
    TestBank::open_with(backend, database, clock, |config| config.redis_url = redis_url).await
}

/// The aggregates as another process has them: it knows only what is stored.
pub fn restarted(bank: &TestBank) -> Aggregates {
    let redis = bank.config.redis_url.as_ref().map(Redis::try_new).transpose();
    Aggregates::new(bank.db.clone(), bank.clock.clone(), redis.expect("this is an address"))
}

/// Makes a deposit without HTTP and without a sign-in: to hash a password costs more than a deposit.
pub async fn deposit(bank: &TestBank, operator: &Actor, wallet: WalletId, amount: &str, method: &str) {
    let deposit = NewPayment::new(
        wallet,
        Some(money(amount)),
        Method::try_new(method).expect("a test's method is one"),
    );
    let transfers = &bank.services.transfers;
    transfers
        .deposit(Asking::by(operator), deposit)
        .await
        .expect("a deposit is made");
}

/// Sends Redis a command without the bank.
pub async fn command(bank: &TestBank, words: &[&str]) -> String {
    let url = bank.config.redis_url.as_ref().expect("the bank has a Redis");
    RedisServer::command(url.expose_secret(), words)
        .await
        .expect("Redis answers")
}

/// A key of this bank's aggregates in Redis.
pub async fn key(bank: &TestBank, name: &str) -> String {
    let query = sea_orm::Statement::from_string(bank.db.backend(), "SELECT bank FROM aggregates_state");
    let row = sea_orm::ConnectionTrait::query_one_raw(&bank.db.read, query)
        .await
        .expect("the state can be read")
        .expect("there is a state");
    let bank: String = row.try_get("", "bank").expect("the bank has a name");
    format!("florin:aggregates:{{{bank}}}:{name}")
}

/// Runs every worker until nothing is left to do. As in a server, the first step of a worker that finds its epoch over
/// returns an error, and its next step works in a new epoch.
pub async fn settle(aggregates: &Aggregates) {
    let consumer = aggregates.consumer().claiming_after(0);
    match consumer.step().await {
        Err(AggregatesError::Rebuilding) => {}
        consumed => drop(consumed.expect("the consumer works")),
    }
    while aggregates.relay().run_once().await.expect("the relay works") > 0 {}
    while consumer.step().await.expect("the consumer works") > 0 {}
    aggregates.archiver().step().await.expect("the archiver works");
}

pub fn days(from: &str, to: &str) -> DayRange {
    let day = |text| Day::parse(text).expect("a test's day is one");
    DayRange::try_new(day(from), day(to)).expect("a test's range is one")
}

pub fn usd() -> Currency {
    Currency::from_code("USD").expect("USD is a currency")
}

/// Sums by `day kind method`, as `units/count`.
pub type Shown = BTreeMap<String, String>;

pub fn shown(totals: &Totals) -> Shown {
    let mut sums: BTreeMap<String, (i128, u64)> = BTreeMap::new();
    for (key, sum) in totals.iter() {
        let name = format!("{} {} {}", key.day, key.kind.word(), key.method);
        let total = sums.entry(name).or_default();
        *total = (total.0 + sum.units, total.1 + sum.count);
    }
    sums.into_iter()
        .map(|(name, (units, count))| (name, format!("{units}/{count}")))
        .collect()
}

/// The answer of the aggregates for the years of the tests.
pub async fn answer(aggregates: &Aggregates) -> Shown {
    let totals = aggregates.daily(days("2021-01-01", "2026-12-31"), usd()).await;
    shown(&totals.expect("the aggregates answer"))
}

/// A row of a test's file.
#[derive(Clone, Debug)]
pub struct Line {
    pub time: String,
    pub kind: &'static str,
    pub method: &'static str,
    /// In ten-thousandths.
    pub units: i64,
}

/// Different rows, unordered, over `over_days` days up to 2026-01-05.
pub fn lines(count: usize, over_days: usize) -> Vec<Line> {
    let first = chrono::NaiveDate::from_ymd_opt(2026, 1, 5).expect("this is a day");
    (0..count)
        .map(|index| {
            let back = (index * 7919 + index / 3) % over_days;
            let day = first - chrono::Days::new(back as u64);
            Line {
                time: format!("{day}T{:02}:{:02}:58", index % 3, index % 60),
                kind: ["deposit", "withdrawal"][index % 2],
                method: ["visa", "wire", "paypal"][index / 2 % 3],
                units: (index as i64 * 104_729) % 9_999_999 + 1,
            }
        })
        .collect()
}

/// The expected sums of lines, computed without any code of the product.
pub fn expected(lines: &[Line]) -> Shown {
    let mut sums: BTreeMap<String, (i64, u64)> = BTreeMap::new();
    for line in lines {
        let name = format!("{} {} {}", &line.time[..10], line.kind, line.method);
        let sum = sums.entry(name).or_default();
        *sum = (sum.0 + line.units, sum.1 + 1);
    }
    sums.into_iter()
        .map(|(name, (units, count))| (name, format!("{units}/{count}")))
        .collect()
}

/// The sum of both.
pub fn together(one: Shown, other: Shown) -> Shown {
    let mut both = one;
    for (name, sum) in other {
        let numbers = |text: &str| -> (i128, u64) {
            let (units, count) = text.split_once('/').expect("units and count");
            (units.parse().expect("units"), count.parse().expect("a count"))
        };
        let before = numbers(both.get(&name).map_or("0/0", String::as_str));
        let more = numbers(&sum);
        both.insert(name, format!("{}/{}", before.0 + more.0, before.1 + more.1));
    }
    both
}

/// Lines as a file.
pub fn csv(lines: &[Line]) -> String {
    let mut text = String::from("timestamp,type,payment_method,amount,sleep_ms\n");
    for line in lines {
        text.push_str(&format!(
            "{},{},{},{}.{:04},0\n",
            line.time,
            line.kind,
            line.method,
            line.units / 10_000,
            line.units % 10_000
        ));
    }
    text
}

/// Writes a file into the folder of the bank's database.
pub fn file(bank: &TestBank, name: &str, text: &str) -> PathBuf {
    let path = bank.database.folder.path().join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path
}

/// Imports a file to its end.
pub async fn import(bank: &TestBank, path: &std::path::Path) -> Import {
    let imports = &bank.services.imports;
    let outcome = imports
        .import_file(ImportKind::Transactions, path, RunOptions::default())
        .await;
    match outcome.expect("the file can be imported") {
        ImportOutcome::Finished(import) => import,
        other => panic!("{other:?}"),
    }
}
